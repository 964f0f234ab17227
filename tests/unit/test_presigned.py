"""The values that presigning gives: they open S3 to whoever has them, and don't show that."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3_bucket as S3

if TYPE_CHECKING:
    from collections.abc import Callable

EXPIRES = datetime(2030, 1, 1, tzinfo=UTC)
HIDDEN = ("0a1b2c", "AKIDPRIVATE", "token%2Bof", "cG9saWN5")
URL = (
    "https://bucket.s3.amazonaws.com/a%20key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDPRIVATE%2F20300101"
    "&X-Amz-Expires=60&X-Amz-Security-Token=token%2Bof&X-Amz-SignedHeaders=host&X-Amz-Signature=0a1b2c"
)
MASKED = (
    "https://bucket.s3.amazonaws.com/a%20key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=***"
    "&X-Amz-Expires=60&X-Amz-Security-Token=***&X-Amz-SignedHeaders=host&X-Amz-Signature=***"
)
FIELDS = {
    "key": "a key",
    "x-amz-credential": "AKIDPRIVATE/20300101",
    "X-Amz-Security-Token": "token%2Bof",
    "policy": "cG9saWN5",
    "x-amz-signature": "0a1b2c",
}
url = S3.PresignedURL(URL, EXPIRES, "PUT", {"Content-Type": "text/plain"})
post = S3.PresignedPost("https://bucket.s3.amazonaws.com/", FIELDS, EXPIRES)


def test_a_url_is_its_text() -> None:
    """A URL is a str: it equals, and is formatted as, what it is, and finds the same place in a dict."""
    assert isinstance(url, str)
    assert url == URL
    assert {URL: 1}[url] == 1
    assert [str(url), f"{url}", format(url), "%s" % url] == [URL] * 4  # noqa: UP031  # one of the ways
    assert type(str(url)) is str
    assert json.dumps({"url": url}) == json.dumps({"url": URL})


def test_repr_of_a_url() -> None:
    """Its repr shows all but the credential, the token and the signature."""
    assert repr(url) == f"PresignedURL({MASKED!r}, method='PUT', expires='2030-01-01 00:00:00+00:00')"


@pytest.mark.parametrize(
    "show",
    [repr, lambda value: f"{value!r}", lambda value: str([value]), lambda value: str({"value": value}), ascii],
)
@pytest.mark.parametrize("value", [url, post, post.fields])
def test_what_is_shown(value: Any, show: Callable[[Any], str]) -> None:
    """However a value is shown, what opens S3 is masked."""
    shown = show(value)
    assert "***" in shown
    assert not [secret for secret in HIDDEN if secret in shown]


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A log line that shows the repr shows no secret; nor does the str of a form."""
    caplog.set_level(logging.INFO)
    logging.getLogger("somebody").info("%r %r %s", url, post, post)
    assert not [secret for secret in HIDDEN if secret in caplog.text]


@given(
    names=st.lists(st.sampled_from(["X-Amz-Signature", "x-amz-signature", "X-AMZ-CREDENTIAL", "X-Amz-Security-Token"])),
    value=st.text("0123456789abcdef%+/=?", min_size=20),
)
def test_masked_wherever_it_stands(names: list[str], value: str) -> None:
    """First or last, in whatever spelling, once or twice: the value is masked."""
    query = "&".join(f"{name}={value}" for name in names)
    shown = repr(S3.PresignedURL(f"http://host/bucket/key?{query}&other=1", EXPIRES))
    assert value not in shown
    assert "other=1" in shown


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])  # noqa: S301
def test_copies(again: Callable[[Any], Any]) -> None:
    """A copy, or what was pickled, is the whole value, and masked again."""
    other = again(url)
    assert (other, other.expires, other.method, other.headers) == (URL, EXPIRES, "PUT", {"Content-Type": "text/plain"})
    assert repr(other) == repr(url)
    form = again(post)
    assert (form, dict(form.fields), form.expires) == (post, FIELDS, EXPIRES)
    assert repr(form) == repr(post)


def test_headers_are_its_own() -> None:
    """A URL without headers has none, and those of another are no one else's to change."""
    headers = {"a": "b"}
    made = S3.PresignedURL(URL, EXPIRES, "PUT", headers)
    headers.clear()
    assert made.headers == {"a": "b"}
    assert S3.PresignedURL(URL, EXPIRES).headers == {}


def test_a_form_is_frozen() -> None:
    """A form's attributes can't be changed, and its fields are a dict for whoever sends them."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        post.url = "http://elsewhere"  # type: ignore[misc]
    assert isinstance(post.fields, dict)
    assert dataclasses.asdict(post) == {"url": post.url, "fields": FIELDS, "expires": EXPIRES}
    assert json.loads(json.dumps(post.fields)) == FIELDS
