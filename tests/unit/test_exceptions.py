"""Exceptions: the tree, what each carries, and pickles."""

# ruff: noqa: S301, PT017  # the pickles are our own

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import s3_bucket as S3
from s3_bucket import exceptions

KINDS = [getattr(exceptions, name) for name in exceptions.__all__ if name != "BulkError"]
ATTRIBUTES: dict[str, Any] = {
    "bucket": "b",
    "key": "k",
    "operation": "GetObject",
    "status": 404,
    "error_code": "NoSuchKey",
    "error_message": "it is not there",
    "request_id": "42",
    "retryable": True,
    "retry_after": 2.5,
}
PARENTS = [
    (S3.NoSuchKey, FileNotFoundError),
    (S3.BucketAccessDenied, PermissionError),
    (S3.BucketAlreadyExists, FileExistsError),
    (S3.KeyAlreadyExists, FileExistsError),
    (S3.KeyAlreadyExists, S3.PreconditionFailed),
    (S3.InvalidInput, ValueError),
    (S3.BucketConnectionError, ConnectionError),
    (S3.BucketTimeout, TimeoutError),
    (S3.BulkError, ExceptionGroup),
]


@pytest.mark.parametrize("kind", [*KINDS, S3.BulkError])
def test_the_tree(kind: type[Exception]) -> None:
    """Every exception is a BucketException, and is known by its public name."""
    assert issubclass(kind, S3.BucketException)
    assert getattr(S3.Exceptions, kind.__name__) is getattr(S3, kind.__name__) is kind


@pytest.mark.parametrize(("kind", "parent"), PARENTS)
def test_standard_parents(kind: type, parent: type) -> None:
    """What Python has a word for is that, too."""
    assert issubclass(kind, parent)


@pytest.mark.parametrize("kind", KINDS)
def test_attributes(kind: type[S3.BucketException]) -> None:
    """Every attribute is there, given or not, and survives a pickle and a copy, notes included."""
    bare, full = kind(), kind("what happened", **ATTRIBUTES)
    assert (str(bare), bare.bucket, bare.key, bare.status, bare.retryable) == ("", None, None, None, False)
    full.add_note("a note")
    for same in (full, pickle.loads(pickle.dumps(full)), copy.copy(full)):
        assert type(same) is kind
        assert str(same) == same.message == "what happened"
        assert {name: getattr(same, name) for name in ATTRIBUTES} == ATTRIBUTES
        assert same.__notes__ == ["a note"]
    assert repr(full) == f"{kind.__name__}('what happened')"


def test_the_argument() -> None:
    """InvalidInput names its argument, after a pickle too."""
    assert pickle.loads(pickle.dumps(S3.InvalidInput("key: no", argument="key"))).argument == "key"


RESULTS: list[S3.Result[Any]] = [
    S3.Result("a", 0),
    S3.Result("b", 1, error=S3.NoSuchKey("no b")),
    S3.Result("c", 2, error=S3.Throttled("slow down")),
]


def test_bulk_error() -> None:
    """A BulkError is a group of the failures, and holds all results; a pickle and a copy do, too."""
    error = S3.BulkError("some failed", RESULTS)
    for same in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert [str(each) for each in same.exceptions] == ["no b", "slow down"]
        assert [result.key for result in same.results] == ["a", "b", "c"]
        assert str(same) == "some failed (2 of 3 failed)"
        assert (same.bucket, same.key, same.status) == (None, None, None)


def test_bulk_error_splits() -> None:
    """except* takes some of the failures out, with their outcomes."""
    try:
        try:
            S3.raise_failed(RESULTS)
        except* S3.NoSuchKey as group:
            assert [result.key for result in group.results] == ["b"]  # type: ignore[attr-defined]
    except* S3.Throttled as group:
        assert [result.key for result in group.results] == ["c"]  # type: ignore[attr-defined]


def test_raise_failed() -> None:
    """raise_failed() raises nothing if nothing failed, of any iterable."""
    S3.raise_failed(iter(RESULTS[:1]))
    with pytest.raises(S3.BulkError) as caught:
        S3.raise_failed(iter(RESULTS))
    assert len(caught.value.results) == 3


def test_values() -> None:
    """What get() returns is a pair with something beside it, after a pickle too; results say whether they are ok."""
    info = S3.ObjectInfo("k", 1, "e", metadata={"a": "b"})
    got = S3.GetResult(b"1", info)
    data, metadata = got
    assert (data, metadata, got.data, got.metadata, got.info) == (b"1", {"a": "b"}, b"1", {"a": "b"}, info)
    again = pickle.loads(pickle.dumps(got))
    assert (again, again.info) == (got, info)
    assert [result.ok for result in RESULTS] == [True, False, False]
