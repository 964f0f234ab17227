"""Signatures: those that Amazon has published, and those that botocore makes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import product
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_bucket._async._sigv4 import EMPTY_SHA256, UNSIGNED, Signer, canonical_query, encoded_path

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HOST = "examplebucket.s3.amazonaws.com"
MOMENT = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
CREDENTIAL = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20130524/us-east-1/s3/aws4_request"
BODY = b"Welcome to Amazon S3."

PUBLISHED = {
    "GET Object": (
        ("GET", "test.txt", {}, {"range": "bytes=0-9"}, b""),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "PUT Object": (
        (
            "PUT",
            "test$file.text",
            {},
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            BODY,
        ),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "GET Bucket Lifecycle": (
        ("GET", "", {"lifecycle": ""}, {}, b""),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "GET Bucket (List Objects)": (
        ("GET", "", {"max-keys": "2", "prefix": "J"}, {}, b""),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}


class BotocoreAt(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer, at a time that is given."""

    timestamp = ""

    def _modify_request_before_signing(self, request: Any) -> None:
        request.context["timestamp"] = self.timestamp
        super()._modify_request_before_signing(request)


class BotocoreQueryAt(S3SigV4QueryAuth):  # type: ignore[misc]  # botocore has no types
    """botocore's presigner, at a time that is given."""

    timestamp = ""

    def _modify_request_before_signing(self, request: Any) -> None:
        request.context["timestamp"] = self.timestamp
        super()._modify_request_before_signing(request)


def signer() -> Signer:
    """Return the one of Amazon's examples."""
    return Signer(KEY_ID, SECRET, "us-east-1", "s3")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name: str) -> None:
    """Amazon's own examples come out as Amazon has published them."""
    (method, key, query, extra, body), signature = PUBLISHED[name]
    payload, signs = hashlib.sha256(body).hexdigest(), signer()
    headers = {"host": HOST, "x-amz-content-sha256": payload, "x-amz-date": signs.at(MOMENT), **extra}
    said = signs.authorization(method, "/" + encoded_path(key), canonical_query(query.items()), headers, payload)
    assert said == f"{CREDENTIAL},SignedHeaders={';'.join(sorted(headers))},Signature={signature}"
    assert headers["x-amz-date"] == "20130524T000000Z"


def test_published_url() -> None:
    """Amazon's own example of a presigned URL comes out as Amazon has published it."""
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    signs = signer()
    signs.at(MOMENT)
    assert signs.presigned_query("GET", "/test.txt", {}, {"host": HOST}, 86_400, None) == (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote(KEY_ID)}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
POLICY = (
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2"
    "NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMt"
    "cmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29t"
    "L3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4"
    "LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0s"
    "DQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP"
    "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1B"
    "Qy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
)


def test_published_policy() -> None:
    """Amazon's own example of a form comes out as Amazon has published it."""
    signs = signer()
    signs.at(datetime(2015, 12, 29, tzinfo=UTC).timestamp())
    assert signs.signature(POLICY) == "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"
    assert signs.fields(None) == {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{KEY_ID}/20151229/us-east-1/s3/aws4_request",
        "x-amz-date": "20151229T000000Z",
    }
    assert signs.fields("token")["x-amz-security-token"] == "token"


def test_empty_payload() -> None:
    """The hash of no body is the one that Amazon's examples show."""
    assert EMPTY_SHA256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("at", [0.0, MOMENT])
def test_no_secret_in_repr(at: float) -> None:
    """A signer's repr shows the region and the service, and neither the secret nor the key id nor a key of the day."""
    signs = signer()
    signs.at(at)
    assert repr(signs) == "Signer('us-east-1/s3/aws4_request')"


text = st.text(st.characters(codec="utf-8"), max_size=10)
words = st.lists(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=8), min_size=1, max_size=3
)
# Visible ASCII without spaces at its ends, as _checks.py lets it pass; of several spaces between words one is signed.
header_values = st.builds(lambda parts, gap: (" " * gap).join(parts), words, st.integers(1, 4))
header_names = st.from_regex(r"(x-amz-meta-|if-|content-)[a-z0-9-]{1,12}", fullmatch=True)
secrets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
moments = st.one_of(
    st.floats(0, 4e9),
    # Around midnight, on both sides of a second.
    st.builds(
        lambda day, off: day * 86_400 + off, st.integers(1, 40_000), st.sampled_from([-1.0, -0.001, 0.0, 0.999, 1.0])
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Return what a request is made of, but for its method."""
    secure = draw(st.booleans())
    return {
        "host": draw(st.sampled_from(["bucket.s3.eu-west-1.amazonaws.com", "127.0.0.1:9000", "[::1]:9000"])),
        "secure": secure,
        "path": "/bucket/" + encoded_path(draw(text)),
        "query": draw(st.dictionaries(text.filter(bool), text, max_size=2)),
        "headers": draw(st.dictionaries(header_names, header_values, max_size=3)),
        "body": draw(st.binary(max_size=8)),
        "unsigned": secure and draw(st.booleans()),
        "token": draw(st.one_of(st.none(), secrets)),
    }


def by_botocore(
    request: dict[str, Any], key_id: str, secret: str, region: str, service: str, moment: float
) -> dict[str, str]:
    """Return the headers, by their names in lower case, as botocore would send the request."""
    auth = BotocoreAt(ReadOnlyCredentials(key_id, secret, request["token"]), service, region)
    auth.timestamp = datetime.fromtimestamp(int(moment), UTC).strftime(SIGV4_TIMESTAMP)
    url = f"{'https' if request['secure'] else 'http'}://{request['host']}{request['path']}"
    sent = AWSRequest(request["method"], url, request["headers"], request["body"], request["query"])
    signs_payload = SimpleNamespace(s3={"payload_signing_enabled": not request["unsigned"]})
    sent.context["client_config"] = signs_payload
    auth.add_auth(sent)
    return {name.lower(): value for name, value in sent.headers.items()}


def by_us(request: dict[str, Any], signs: Signer, moment: float) -> dict[str, str]:
    """Return the headers as we sign the request, but for the host."""
    payload = UNSIGNED if request["unsigned"] else hashlib.sha256(request["body"]).hexdigest()
    headers = {**request["headers"], "x-amz-content-sha256": payload, "x-amz-date": signs.at(moment)}
    if request["token"]:
        headers["x-amz-security-token"] = request["token"]
    query, signed = canonical_query(request["query"].items()), {**headers, "host": request["host"]}
    headers["authorization"] = signs.authorization(request["method"], request["path"], query, signed, payload)
    return headers


METHODS = ("GET", "HEAD", "PUT", "DELETE", "POST")


@settings(max_examples=100, deadline=None)
@given(
    key_id=secrets,
    secret=secrets,
    region=st.sampled_from(["us-east-1", "eu-central-1", "auto"]),
    service=st.sampled_from(["s3", "s3express"]),
    request=requests(),
    times=st.lists(moments, min_size=4, max_size=6),
)
def test_as_botocore(
    key_id: str, secret: str, region: str, service: str, request: dict[str, Any], times: list[float]
) -> None:
    """Thousands of requests, several by one signer, are signed as botocore signs them, whatever the time does."""
    signs = Signer(key_id, secret, region, service)
    for moment, method in product(times, METHODS):
        request["method"] = method
        expected = by_botocore(request, key_id, secret, region, service, moment)
        expected["authorization"] = expected["authorization"].replace(", ", ",")
        assert by_us(request, signs, moment) == expected


@settings(max_examples=100, deadline=None)
@given(
    key_id=secrets,
    secret=secrets,
    request=requests(),
    method=st.sampled_from(["GET", "PUT"]),
    moment=moments,
    expires_in=st.integers(1, 604_800),
)
def test_urls_as_botocore(
    key_id: str, secret: str, request: dict[str, Any], method: str, moment: float, expires_in: int
) -> None:
    """Hundreds of URLs have the signature that botocore gives them, whatever stands in their query and headers."""
    auth = BotocoreQueryAt(ReadOnlyCredentials(key_id, secret, request["token"]), "s3", "us-east-1", expires_in)
    auth.timestamp = datetime.fromtimestamp(int(moment), UTC).strftime(SIGV4_TIMESTAMP)
    url = f"{'https' if request['secure'] else 'http'}://{request['host']}{request['path']}"
    sent = AWSRequest(method, url, request["headers"], params=dict(request["query"]))
    auth.add_auth(sent)
    signs = Signer(key_id, secret, "us-east-1", "s3")
    signs.at(moment)
    headers = {**request["headers"], "host": request["host"]}
    query = signs.presigned_query(method, request["path"], request["query"], headers, expires_in, request["token"])
    assert sorted(query.split("&")) == sorted(urlsplit(sent.url).query.split("&"))
    assert query.rpartition("&")[2].startswith("X-Amz-Signature=")


@given(first=moments, second=moments)
def test_time(first: float, second: float) -> None:
    """A signer that has signed at another time signs as a new one does: nothing of that day or second is left."""
    used, new = signer(), signer()
    used.at(first)
    assert used.at(second) == new.at(second) == used.date
    assert used.date == datetime.fromtimestamp(int(second), UTC).strftime(SIGV4_TIMESTAMP)
    arguments = ("GET", "/key", "", {"host": HOST, "x-amz-date": used.date}, UNSIGNED)
    assert used.authorization(*arguments) == new.authorization(*arguments)


@given(pairs=st.dictionaries(text, text))
def test_query(pairs: dict[str, str]) -> None:
    """A query is sorted by its encoded names, and everything but RFC 3986's unreserved characters is encoded."""
    said = canonical_query(pairs.items())
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs.items())
    assert said == "&".join(f"{name}={value}" for name, value in encoded)


@pytest.mark.parametrize(("one", "other"), [("a", "a-b"), ("part", "part.1"), ("a", "a b")])
def test_query_of_similar_names(one: str, other: str) -> None:
    """A name that begins as another one follows it, though "=" comes after "-", "." and "%"."""
    said = canonical_query([(other, "1"), (one, "2")])
    assert said == f"{one}=2&{quote(other)}=1"


@given(key=text)
def test_path(key: str) -> None:
    """Of a key, all is encoded but slashes and RFC 3986's unreserved characters."""
    assert encoded_path(key) == quote(key, safe="/-_.~")


@pytest.mark.parametrize("key", ["a\n", "a\r\nx: y", "é", "a b", "a+b", "a?b#c", "%41", "😀"])
def test_path_of_odd_keys(key: str) -> None:
    """No character that means something in a request's line stays what it is."""
    assert not set(encoded_path(key)) & set("\r\n ?#+é😀")
    assert "%4" not in encoded_path(key).replace("%2541", "")
