"""What presigning gives: values that open S3 to whoever has them, and don't show it in a repr. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_MASK = "***"
_IN_A_QUERY = re.compile(r"(?i)([?&]x-amz-(?:signature|credential|security-token)=)[^&#]*")
_IN_A_FORM = frozenset({"policy", "x-amz-signature", "x-amz-credential", "x-amz-security-token"})
"""The policy is not encrypted, and repeats the others."""


class PresignedURL(str):
    """A URL by which whoever has it may do one thing with one object, without credentials of their own.

    It is a str, so every HTTP client takes it, and JSON. ``str()``, ``format()``, f-strings and ``%s`` give the URL as
    it is, for that is what it is there for; ``repr()``, and with it ``%r`` and the repr of whatever holds it, mask the
    signature, the credential and the token. What str's own methods return is a plain str, which masks nothing.

    Attributes:
        expires: when it ends, with a time zone; sooner than was asked for if the credentials are known to end sooner.
        method: the HTTP method that it is for: "GET" or "PUT".
        headers: what must be sent with it, exactly so: the signature covers it.

    Example:
        >>> from datetime import UTC, datetime
        >>> import s3_bucket as S3
        >>> S3.PresignedURL("http://host/bucket/key?X-Amz-Signature=0a1b", datetime(2030, 1, 1, tzinfo=UTC))
        PresignedURL('http://host/bucket/key?X-Amz-Signature=***', method='GET', expires='2030-01-01 00:00:00+00:00')
    """

    __slots__ = ("expires", "headers", "method")

    expires: datetime
    method: str
    headers: Mapping[str, str]

    def __new__(
        cls, url: str, expires: datetime, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Self:
        self = super().__new__(cls, url)
        self.expires = expires
        self.method = method
        self.headers = dict(headers or {})
        return self

    def __repr__(self) -> str:
        masked = _IN_A_QUERY.sub(rf"\1{_MASK}", self)
        return f"{type(self).__name__}({masked!r}, method={self.method!r}, expires={str(self.expires)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.expires, self.method, self.headers)


class FormFields(dict[str, str]):
    """The fields of a form that is posted; a dict whose repr masks what opens S3."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr({name: _MASK if name.lower() in _IN_A_FORM else value for name, value in self.items()})


@dataclass(frozen=True, slots=True)
class PresignedPost:
    """A form by which whoever has it may store objects, as its policy allows, without credentials of their own.

    It is sent as multipart/form-data: first all the fields, then one more, ``file``, with the bytes; S3 ignores what
    follows that. The repr masks the policy, the signature, the credential and the token.

    Attributes:
        url: where to post it.
        fields: the form's fields, by their names.
        expires: when it ends, with a time zone; sooner than was asked for if the credentials are known to end sooner.
    """

    url: str
    fields: dict[str, str]
    expires: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", FormFields(self.fields))
