"""What may be presigned, and what a form's policy says."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_bucket import _presign
from s3_bucket._encryption import SSE
from s3_bucket.exceptions import InvalidInput

EXPIRES = datetime(2030, 1, 1, 12, 30, 59, tzinfo=UTC)


def read(policy: str) -> dict[str, Any]:
    """Return a policy's document."""
    document: dict[str, Any] = json.loads(base64.b64decode(policy, validate=True).decode())
    return document


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1, 1),
        (604_800, 604_800),
        (1.9, 1),
        (timedelta(days=7), 604_800),
        (timedelta(seconds=1, microseconds=999_999), 1),
    ],
)
def test_lifetime(given: timedelta | float, seconds: int) -> None:
    """A lifetime is whole seconds, and never longer than was asked for."""
    assert _presign.lifetime(given) == seconds


def test_get() -> None:
    """What is asked of the answer stands by S3's names; what is not asked stands nowhere."""
    request = _presign.get("bucket", "key", 60, version_id="v", response_content_disposition="attachment")
    assert (request.operation, request.bucket, request.key, request.expires_in) == ("GetObject", "bucket", "key", 60)
    assert request.parameters == {"VersionId": "v", "ResponseContentDisposition": "attachment"}
    assert _presign.get("bucket", "key", 60).parameters == {}


@pytest.mark.parametrize(
    "argument",
    [
        "version_id",
        "response_content_type",
        "response_content_disposition",
        "response_content_encoding",
        "response_content_language",
        "response_cache_control",
    ],
)
def test_headers_that_are_none(argument: str) -> None:
    """What can't stand in a header is refused, naming the argument."""
    with pytest.raises(InvalidInput) as caught:
        _presign.get("bucket", "key", 60, **{argument: "a\r\nb"})  # type: ignore[arg-type]
    assert caught.value.argument == argument


def test_put() -> None:
    """A content type that was given is signed; one that was not is not guessed, for nobody would send it."""
    assert _presign.put("bucket", "a.txt", 60).options.headers == {}
    typed = _presign.put("bucket", "a.txt", 60, content_type="image/png", metadata={"a": "b"}, cache_control="no-cache")
    assert typed.operation == "PutObject"
    assert typed.options.headers == {"ContentType": "image/png", "CacheControl": "no-cache"}
    assert typed.options.metadata == {"a": "b"}


@pytest.mark.parametrize("key", ["", "\ud800", "x" * 1_025, "../a"])
def test_bad_keys(key: str) -> None:
    """A key that S3 can't hold is not signed for."""
    for make in (_presign.get, _presign.put, lambda *rest: _presign.post(*rest, max_size=1)):
        with pytest.raises(InvalidInput) as caught:
            make("bucket", key, 60)
        assert caught.value.argument == "key"


POSTS: dict[str, tuple[str, dict[str, Any], dict[str, str], list[list[str | int]], dict[str, str]]] = {
    "one key": (
        "a.txt",
        {"max_size": 5},
        {"key": "a.txt"},
        [["content-length-range", 0, 5]],
        {"ContentType": "text/plain"},
    ),
    "no bytes": ("a", {"max_size": 0}, {"key": "a"}, [["content-length-range", 0, 0]], {}),
    "a file's name": (
        "in/${filename}",
        {},
        {"key": "in/${filename}"},
        [["starts-with", "$key", "in/"]],
        {},
    ),
    "a file's name anywhere": (
        "${filename}",
        {"max_size": 5},
        {"key": "${filename}"},
        [["starts-with", "$key", ""], ["content-length-range", 0, 5]],
        {},
    ),
    "a beginning": (
        "in/a.txt",
        {"key_starts_with": "in/"},
        {"key": "in/a.txt"},
        [["starts-with", "$key", "in/"]],
        {},
    ),
    "a beginning of a file's name": (
        "in/a-${filename}",
        {"key_starts_with": "in/"},
        {"key": "in/a-${filename}"},
        [["starts-with", "$key", "in/"]],
        {},
    ),
    "any key": (
        "a.txt",
        {"key_starts_with": "", "max_size": 5},
        {"key": "a.txt"},
        [["starts-with", "$key", ""], ["content-length-range", 0, 5]],
        {},
    ),
    "one type": (
        "in/a.txt",
        {"key_starts_with": "in/", "content_type": "image/png"},
        {"key": "in/a.txt"},
        [["starts-with", "$key", "in/"]],
        {"ContentType": "image/png"},
    ),
    "any image": (
        "a.txt",
        {"max_size": 5, "content_type": "image/"},
        {"key": "a.txt"},
        [["content-length-range", 0, 5], ["starts-with", "$Content-Type", "image/"]],
        {},
    ),
    "a status": (
        "a",
        {"max_size": 5, "success_action_status": 201, "cache_control": "no-cache"},
        {"key": "a", "success_action_status": "201"},
        [["content-length-range", 0, 5]],
        {"CacheControl": "no-cache"},
    ),
}


@pytest.mark.parametrize("name", POSTS)
def test_post(name: str) -> None:
    """A form's fields are fixed but for those that a condition leaves open."""
    key, arguments, fields, conditions, headers = POSTS[name]
    request = _presign.post("bucket", key, 60, **arguments)
    assert (request.operation, request.key, request.fields) == ("PostObject", key, fields)
    assert [list(condition) for condition in request.conditions] == conditions
    assert request.options.headers == headers


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({}, "max_size"),
        ({"content_type": "image/png"}, "max_size"),
        ({"key_starts_with": ""}, "max_size"),
        ({"key": "${filename}"}, "max_size"),
        ({"key": "a/${filename}.jpg", "max_size": 5}, "key"),
        ({"key": "a/${filename}/${filename}", "max_size": 5}, "key"),
        ({"key_starts_with": "other/"}, "key_starts_with"),
        ({"key_starts_with": 3}, "key_starts_with"),
        ({"max_size": -1}, "max_size"),
        ({"max_size": 5 * 1024**3 + 1}, "max_size"),
        ({"max_size": 1.5}, "max_size"),
        ({"max_size": True}, "max_size"),
        ({"max_size": 1, "success_action_status": 302}, "success_action_status"),
        ({"max_size": 1, "content_type": "image/\n"}, "content_type"),
        ({"max_size": 1, "content_type": ""}, "content_type"),
        ({"max_size": 1, "metadata": {"a": "ä"}}, "metadata"),
    ],
)
def test_bad_posts(arguments: dict[str, Any], argument: str) -> None:
    """A form without limits, or with ones that can't be, is refused, naming the argument."""
    with pytest.raises(InvalidInput, match=f"^{argument}: ") as caught:
        _presign.post("bucket", **{"key": "key", "expires_in": 60, **arguments})
    assert caught.value.argument == argument


text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)


@given(bucket=text, fields=st.dictionaries(text, text, max_size=4), prefix=text, is_open=st.booleans())
def test_policy(bucket: str, fields: dict[str, str], prefix: str, *, is_open: bool) -> None:
    """Whatever the texts are, a policy holds the bucket, and each field as it is unless a condition leaves it open."""
    first = next(iter(fields), "key")
    conditions = [["starts-with", f"${first}", prefix]] if is_open else [["content-length-range", 0, 5]]
    document = read(_presign.policy(bucket, EXPIRES, fields, conditions))
    assert document["expiration"] == "2030-01-01T12:30:59Z"
    exact = {name: value for name, value in fields.items() if not (is_open and name == first)}
    assert document["conditions"] == [{"bucket": bucket}, *({name: exact[name]} for name in exact), *conditions]


def test_no_customer_keys() -> None:
    """Nothing is presigned that somebody else would need the customer's key for, and the refusal doesn't show it."""
    key = bytes(range(32))
    for presign in (_presign.put, _presign.post):
        with pytest.raises(InvalidInput, match=r"^encryption: SSE\.c can't be presigned") as caught:
            presign("bucket", "key", 60, encryption=SSE.c(key), **({"max_size": 1} if presign is _presign.post else {}))
        assert base64.b64encode(key).decode()[:16] not in str(caught.value)


def test_encryption_by_value() -> None:
    """Encryption under keys that S3 keeps is presigned as it is put."""
    sse = SSE.kms("alias/a", bucket_key=True)
    assert _presign.put("bucket", "key", 60, encryption=sse).options.headers == sse.parameters
    assert _presign.post("bucket", "key", 60, max_size=1, encryption=sse).options.headers == sse.parameters
