"""How S3 is told to encrypt, and that a customer's key shows nowhere."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3_bucket as S3
from s3_bucket._encryption import Secret, customer_of
from s3_bucket._store import GetRequest, PutOptions, Upload

KEY = b"0123456789abcdef0123456789abcdef"
SENT = base64.b64encode(KEY).decode()
CUSTOMER = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": SENT,
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(KEY, usedforsecurity=False).digest()).decode(),
}
ARN = "arn:aws:kms:eu-west-1:1:key/2"
KMS = {"ServerSideEncryption": "aws:kms"}

VALUES: dict[str, tuple[S3.SSE, str, dict[str, str]]] = {
    "SSE.s3()": (S3.SSE.s3(), "SSE-S3", {"ServerSideEncryption": "AES256"}),
    "SSE.kms()": (S3.SSE.kms(), "SSE-KMS", KMS),
    f"SSE.kms('{ARN}')": (S3.SSE.kms(ARN), "SSE-KMS", {**KMS, "SSEKMSKeyId": ARN}),
    "SSE.kms(bucket_key=True)": (S3.SSE.kms(bucket_key=True), "SSE-KMS", {**KMS, "BucketKeyEnabled": "true"}),
    "SSE.kms('alias/a', bucket_key=False)": (
        S3.SSE.kms("alias/a", bucket_key=False),
        "SSE-KMS",
        {**KMS, "SSEKMSKeyId": "alias/a", "BucketKeyEnabled": "false"},
    ),
    "SSE.kms(context={'a': 'b'})": (
        S3.SSE.kms(context={"a": "b"}),
        "SSE-KMS",
        {**KMS, "SSEKMSEncryptionContext": base64.b64encode(b'{"a":"b"}').decode()},
    ),
    "SSE.kms(dual_layer=True)": (S3.SSE.kms(dual_layer=True), "DSSE-KMS", {"ServerSideEncryption": "aws:kms:dsse"}),
    "SSE.c(***)": (S3.SSE.c(KEY), "SSE-C", CUSTOMER),
}


@pytest.mark.parametrize("shown", VALUES)
def test_values(shown: str) -> None:
    """Each way to encrypt says which it is, is sent by S3's names, and is shown as it was made, but for the key."""
    value, method, parameters = VALUES[shown]
    assert (repr(value), value.method, value.parameters) == (shown, method, parameters)


@pytest.mark.parametrize("shown", VALUES)
def test_they_are_values(shown: str) -> None:
    """Equal ones are equal and stand for each other in a set; they can't be changed, and a copy is the same one."""
    value, _, _ = VALUES[shown]
    others = [other for other, _, _ in VALUES.values() if other is not value]
    assert value not in others
    assert len({value, *others}) == len(VALUES)
    assert copy.copy(value) is copy.deepcopy(value) is value
    secret = S3.SSE.c(bytes(32)).parameters["SSECustomerKey"]
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    value.parameters.clear()
    assert value.parameters
    with pytest.raises(AttributeError):
        value.method = "another"  # type: ignore[misc]


def test_the_same_key_is_the_same() -> None:
    """Keys are compared by what they are, whatever buffer they came in."""
    assert S3.SSE.c(KEY) == S3.SSE.c(bytearray(KEY)) == S3.SSE.c(memoryview(KEY))
    assert S3.SSE.c(KEY) != S3.SSE.c(bytes(32))
    assert hash(S3.SSE.c(KEY)) == hash(S3.SSE.c(bytearray(KEY)))


@pytest.mark.parametrize("shown", [shown for shown in VALUES if "***" not in shown])
def test_pickles(shown: str) -> None:
    """What holds no key comes out of a pickle as it went in."""
    value, _, _ = VALUES[shown]
    again = pickle.loads(pickle.dumps(value))  # noqa: S301  # our own
    assert again == value
    assert repr(again) == shown


def test_no_key_in_a_pickle() -> None:
    """A customer's key is not pickled, nor is what carries it, and the refusal doesn't show it."""
    sse = S3.SSE.c(KEY)
    request = GetRequest("b", "k", customer=sse.parameters)
    for value in (sse, {"a": sse}, request, PutOptions(sse.parameters), sse.parameters["SSECustomerKey"]):
        with pytest.raises(S3.InvalidInput, match="can't be pickled") as caught:
            pickle.dumps(value)
        assert SENT not in str(caught.value)


def test_no_key_in_a_repr() -> None:
    """Whatever carries a customer's key inside this library masks it in its repr; copied, it is still masked."""
    parameters = S3.SSE.c(KEY).parameters
    upload = Upload("b", "k", "u", customer=parameters)
    for value in (parameters, PutOptions(parameters), GetRequest("b", "k", customer=parameters), upload):
        for shown in (repr(value), repr(copy.copy(value)), repr(copy.deepcopy(value))):
            assert "***" in shown
            assert SENT not in shown
            assert SENT[:16] not in shown


def test_a_secret_is_sent_as_it_is() -> None:
    """The text that is masked in a repr is what is written into a header."""
    secret = Secret("c2VjcmV0")
    assert f"{secret}" == str(secret) == "c2VjcmV0"
    assert repr(secret) == "'***'"


@pytest.mark.parametrize("key", [b"", b"k" * 16, b"k" * 33, "k" * 32, None, 32, SENT])
def test_no_keys(key: Any) -> None:
    """A key that is not 32 bytes is refused, and not shown."""
    with pytest.raises(S3.InvalidInput, match=r"^key: expected 32 bytes, not ") as caught:
        S3.SSE.c(key)
    assert caught.value.argument == "key"
    assert "kkk" not in str(caught.value)
    assert SENT not in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("key_id", {"key_id": ""}),
        ("key_id", {"key_id": "a b"}),
        ("key_id", {"key_id": "a\r\nb"}),
        ("key_id", {"key_id": "ä"}),
        ("key_id", {"key_id": b"a"}),
        ("context", {"context": "a=b"}),
        ("context", {"context": {"a": 1}}),
        ("context", {"context": {1: "a"}}),
        ("bucket_key", {"bucket_key": "false"}),
        ("bucket_key", {"bucket_key": True, "dual_layer": True}),
    ],
)
def test_no_key_management(argument: str, given: dict[str, Any]) -> None:
    """What KMS can't be told is refused by name."""
    with pytest.raises(S3.InvalidInput, match=f"^{argument}: ") as caught:
        S3.SSE.kms(**given)
    assert caught.value.argument == argument


@given(st.dictionaries(st.text(), st.text()))
def test_any_context(context: dict[str, str]) -> None:
    """A context of any texts arrives as JSON in Base64, which stands in a header."""
    sent = S3.SSE.kms(context=context).parameters["SSEKMSEncryptionContext"]
    assert sent.isascii()
    assert json.loads(base64.b64decode(sent, validate=True)) == context


def test_customer_of() -> None:
    """Of an operation's parameters, those are found that carry the key, and no others."""
    assert customer_of({"ContentType": "a/b", **CUSTOMER, "ServerSideEncryption": "AES256"}) == CUSTOMER
    assert customer_of({"SSEKMSKeyId": ARN}) == {}
