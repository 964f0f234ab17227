"""SSE: how S3 encrypts what it stores. A customer's key stands in no repr, message or pickle. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Self

from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from s3_bucket._models import Buffer

CUSTOMER = "SSE-C"
"""The method whose keys S3 doesn't keep: whoever reads must bring them."""
KEY_BYTES = 32
_PREFIX = "SSECustomer"


class Secret(str):
    """A text that is sent, and shown to nobody."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __reduce__(self) -> NoReturn:
        _refuse_pickle()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True, repr=False)
class SSE:
    """How S3 encrypts an object: made by ``SSE.s3()``, ``SSE.kms(...)`` or ``SSE.c(key)``.

    With the first two, S3 keeps the keys, and decrypts for whoever may read. With the third it doesn't: each reading of
    the object wants the same key again, and an object whose key is lost is lost.

    Attributes:
        method: "SSE-S3", "SSE-KMS", "DSSE-KMS" or "SSE-C".

    Example:
        >>> import s3_bucket as S3
        >>> S3.SSE.kms("alias/reports", bucket_key=True)
        SSE.kms('alias/reports', bucket_key=True)
        >>> S3.SSE.c(bytes(32))
        SSE.c(***)
    """

    method: str
    _parameters: tuple[tuple[str, str], ...]
    _shown: str = field(compare=False)

    @property
    def parameters(self) -> dict[str, str]:
        """What it is among the parameters of S3's operations."""
        return dict(self._parameters)

    @classmethod
    def s3(cls) -> Self:
        """Return SSE-S3: S3's own keys (AES256)."""
        return cls("SSE-S3", (("ServerSideEncryption", "AES256"),), "s3()")

    @classmethod
    def kms(
        cls,
        key_id: str | None = None,
        *,
        context: Mapping[str, str] | None = None,
        bucket_key: bool | None = None,
        dual_layer: bool = False,
    ) -> Self:
        """Return SSE-KMS: a key of the Key Management Service.

        Args:
            key_id: the key's id, ARN or alias; Amazon's own ("aws/s3") when not given.
            context: names and values that are bound to the object's key, and that KMS logs: no secrets.
            bucket_key: whether one key is fetched for many objects, which costs less; the bucket's default when not
                given.
            dual_layer: encrypt twice, each time under another key (DSSE-KMS).

        Raises:
            InvalidInput: an argument can't be right; it is named.
        """
        given = {"ServerSideEncryption": "aws:kms:dsse" if dual_layer else "aws:kms"}
        if key_id is not None:
            given["SSEKMSKeyId"] = _key_id(key_id)
        if context is not None:
            given["SSEKMSEncryptionContext"] = _context(context)
        if bucket_key is not None:
            given["BucketKeyEnabled"] = _bucket_key(bucket_key, dual_layer=dual_layer)
        asked = {"context": context, "bucket_key": bucket_key, "dual_layer": dual_layer or None}
        words = [] if key_id is None else [repr(key_id)]
        words += [f"{name}={value!r}" for name, value in asked.items() if value is not None]
        method = "DSSE-KMS" if dual_layer else "SSE-KMS"
        return cls(method, tuple(given.items()), f"kms({', '.join(words)})")

    @classmethod
    def c(cls, key: Buffer) -> Self:
        """Return SSE-C: a key of your own, which S3 doesn't keep. It is never sent over plain HTTP.

        What holds such a key can't be pickled; no repr, message or log line of this library shows it.

        Args:
            key: 32 random bytes, such as secrets.token_bytes(32) makes.

        Raises:
            InvalidInput: it isn't 32 bytes.
        """
        if not isinstance(key, bytes | bytearray | memoryview):
            _refuse("key", f"expected {KEY_BYTES} bytes, not {type(key).__name__}")
        whole = bytes(key)
        if len(whole) != KEY_BYTES:
            _refuse("key", f"expected {KEY_BYTES} bytes, not {len(whole)}")
        digest = hashlib.md5(whole, usedforsecurity=False).digest()
        given = {
            f"{_PREFIX}Algorithm": "AES256",
            f"{_PREFIX}Key": Secret(base64.b64encode(whole).decode()),
            f"{_PREFIX}KeyMD5": base64.b64encode(digest).decode(),
        }
        return cls(CUSTOMER, tuple(given.items()), "c(***)")

    def __repr__(self) -> str:
        return f"SSE.{self._shown}"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.method == CUSTOMER:
            _refuse_pickle()
        return type(self), (self.method, self._parameters, self._shown)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def customer_of(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return those of an operation's parameters that carry a customer's key."""
    return {name: value for name, value in parameters.items() if name.startswith(_PREFIX)}


def _key_id(value: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        _refuse("key_id", f"expected the id, the ARN or an alias of a KMS key, not {value!r}")
    return value


def _bucket_key(value: bool, *, dual_layer: bool) -> str:  # noqa: FBT001  # S3's own word for it
    if not isinstance(value, bool):
        _refuse("bucket_key", f"expected True, False or None, not {value!r}")
    if dual_layer:
        _refuse("bucket_key", "S3 has none where dual_layer=True")
    return "true" if value else "false"


def _context(value: Mapping[str, str]) -> str:
    if not isinstance(value, Mapping):
        _refuse("context", f"expected a mapping of texts, not {value!r}")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str):
            _refuse("context", f"names and values must be texts, not {name!r}: {text!r}")
    return base64.b64encode(json.dumps(dict(value), separators=(",", ":")).encode()).decode()


def _refuse(argument: str, why: str) -> NoReturn:
    msg = f"{argument}: {why}"
    raise InvalidInput(msg, argument=argument)


def _refuse_pickle() -> NoReturn:
    msg = "what holds a customer's key (SSE.c) can't be pickled: a pickle may be kept, or sent anywhere; make it anew"
    raise InvalidInput(msg)
