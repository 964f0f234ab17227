"""Settings: each is checked by its name, equal ones are equal, and no secret is shown."""

# ruff: noqa: S301  # the pickles are our own

from __future__ import annotations

import copy
import math
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import s3_bucket as S3
from s3_bucket import _config
from s3_bucket._config import Settings
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRETS = {
    "aws_access_key_id": "private-id",
    "aws_secret_access_key": "private-key",
    "aws_session_token": "private-token",
}


@pytest.fixture(autouse=True)
def pristine() -> Iterator[None]:
    """Set what init() sets back, before and after."""
    S3.init()
    yield
    S3.init()


WRONG: list[tuple[str, Any]] = [
    *[(name, value) for name in SECRETS for value in ("", " hidden", "hidden\n", 'hid"den ', 5, b"hidden")],
    *[("region", value) for value in ("", "eu west", 5)],
    *[
        ("endpoint_url", value)
        for value in (
            "",
            "host",
            "ftp://host",
            "http://",
            "http://u:p@host",
            "http://host?q",
            "http://host#f",
            "http://host:99999",
            "http://host:x",
            "http://ho st",
            "http://[::1",
            5,
        )
    ],
    *[("profile", value) for value in ("", 5)],
    *[("anonymous", value) for value in (1, None, "yes")],
    *[("addressing_style", value) for value in ("dns", None, [])],
    *[("verify", value) for value in (1, None, "")],
    *[("part_size", value) for value in (0, 5 * 1024**2 - 1, 5 * 1024**3 + 1, 1e7, "8MiB", True)],
    *[(name, value) for name in ("max_concurrency", "max_attempts") for value in (0, -1, 1.5, "1", True, None, 10**9)],
    *[
        (name, value)
        for name in ("connect_timeout", "read_timeout")
        for value in (0, -1, math.inf, math.nan, "1", True, None)
    ],
    *[("checksums", value) for value in ("always", None)],
    *[("vendor", value) for value in ("amazon", "", None, [])],
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_settings(name: str, value: Any) -> None:
    """A wrong setting is refused by its name, of init() and of a bucket; no key is repeated."""
    keys = SECRETS if name in SECRETS else {}
    for make in (S3.init, lambda **given: S3.AsyncBucket("bucket", **given)):
        with pytest.raises(InvalidInput, match=f"^{name}: ") as caught:
            make(**{**keys, name: value})
        assert caught.value.argument == name
        assert "hid" not in str(caught.value)


RIGHT: dict[str, Any] = {
    "region": "eu-west-1",
    "endpoint_url": "http://[::1]:9000/path",
    "profile": "my profile",
    "anonymous": True,
    "addressing_style": "path",
    "verify": "/ca.pem",
    "part_size": 5 * 1024**3,
    "max_concurrency": 1,
    "connect_timeout": 0.5,
    "read_timeout": 1,
    "max_attempts": 1,
    "checksums": "when_required",
    "vendor": "minio",
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_settings(name: str) -> None:
    """A right setting is used: of init() by all, of a bucket by that one alone."""
    S3.init(**{name: RIGHT[name]})
    assert getattr(_config.settings({}), name) == RIGHT[name]
    S3.init()
    overridden = _config.settings(_config.checked({name: RIGHT[name]}))  # type: ignore[misc]
    assert getattr(overridden, name) == RIGHT[name]
    assert getattr(_config.settings({}), name) != RIGHT[name]
    assert repr(RIGHT[name]) in repr(S3.AsyncBucket("bucket", **{name: RIGHT[name]}))
    assert repr(RIGHT[name]) in repr(overridden)


def test_unknown_settings() -> None:
    """A setting that there is not is refused by its name, with those that there are."""
    with pytest.raises(InvalidInput, match=r"^retries: .*max_attempts"):
        S3.AsyncBucket("bucket", retries=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("half", ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"])
def test_half_of_a_key(half: str) -> None:
    """Half of an access key, or a token alone, is refused: the other half would come from somewhere else."""
    with pytest.raises(InvalidInput):
        S3.init(**{half: "given"})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        S3.AsyncBucket("bucket", **{half: "given"})  # type: ignore[misc]


def test_one_source_of_credentials() -> None:
    """A bucket's own source of credentials replaces init()'s whole, never half of it."""
    S3.init(**SECRETS, region="eu-west-1")  # type: ignore[arg-type]
    keys = _config.settings({"aws_access_key_id": "other", "aws_secret_access_key": "key"})
    assert (keys.aws_access_key_id, keys.aws_session_token, keys.region) == ("other", None, "eu-west-1")
    profile = _config.settings({"profile": "p"})
    assert (profile.aws_access_key_id, profile.aws_session_token, profile.profile) == (None, None, "p")
    nobody = _config.settings({"anonymous": True})
    assert (nobody.aws_access_key_id, nobody.anonymous) == (None, True)
    assert _config.settings({"region": "x"}).aws_session_token == "private-token"


def test_prepare() -> None:
    """Bucket.prepare() is init() under its old name."""
    S3.Bucket.prepare("id", "key", "token")
    assert _config.settings({}) == Settings(
        aws_access_key_id="id", aws_secret_access_key="key", aws_session_token="token"
    )


def test_init_after_the_bucket() -> None:
    """A bucket made before init() uses what init() set."""
    bucket = S3.AsyncBucket("bucket", max_attempts=2)
    S3.init(region="eu-west-1")
    settings = _config.settings(bucket._overrides)
    assert (settings.region, settings.max_attempts) == ("eu-west-1", 2)


@pytest.mark.parametrize("kind", [S3.AsyncBucket, S3.Bucket])
def test_no_secret_is_shown(kind: Any) -> None:
    """repr() and str() of buckets and settings show no key."""
    bucket = kind("bucket", **SECRETS)
    S3.init(**SECRETS)  # type: ignore[arg-type]
    shown = f"{bucket!r} {bucket} {_config.settings({})!r} {_config.settings({})}"
    assert "private" not in shown
    assert "***" in shown


@pytest.mark.parametrize("kind", [S3.AsyncBucket, S3.Bucket])
def test_pickles(kind: Any) -> None:
    """A bucket comes out of a pickle as it was; with keys, it is not pickled at all."""
    bucket = pickle.loads(pickle.dumps(kind("bucket", max_attempts=3)))
    assert isinstance(bucket, kind)
    assert repr(bucket) == f"{kind.__name__}('bucket', max_attempts=3)"
    with pytest.raises(InvalidInput) as caught:
        pickle.dumps(kind("bucket", **SECRETS))
    assert "private" not in str(caught.value)


def test_pickled_settings() -> None:
    """Settings come out of a pickle equal; with keys, they are not pickled at all."""
    settings = Settings(region="x", part_size=7)
    assert pickle.loads(pickle.dumps(settings)) == copy.copy(settings) == settings
    with pytest.raises(InvalidInput):
        pickle.dumps(Settings(**SECRETS))


def test_equal_settings_share() -> None:
    """Equal settings are one key of a dict: they share a store."""
    assert len({Settings(), Settings(), Settings(region="x")}) == 2
