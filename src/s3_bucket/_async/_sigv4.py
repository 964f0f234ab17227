"""AWS Signature Version 4, in the Authorization header, in a query, or of a form's policy. Pure: the time is given.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
"""The payload hash of a request without a body."""
UNSIGNED = "UNSIGNED-PAYLOAD"
"""In the place of a payload hash: the body is covered by TLS and a checksum."""
_SPACES = re.compile(" +")
_PLAIN = re.compile("[A-Za-z0-9/_.~-]*")
_ALGORITHM = "AWS4-HMAC-SHA256"


class Signer:
    """Signs with one access key for one region; the key of the day and the text of the second are kept."""

    def __init__(self, key_id: str, secret: str, region: str, service: str) -> None:
        self._key_id = key_id
        self._secret = secret
        self._place = f"{region}/{service}/aws4_request"
        self._words = (region, service, "aws4_request")
        self._second = -1
        self._day = ""
        self._key = hmac.new(b"", digestmod="sha256")  # copying it is twice as fast as to begin with the key anew
        self._credential = ""
        self.date = ""
        """The x-amz-date of the second that was last told to `at`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place!r})"

    def at(self, moment: float) -> str:
        """Sign with this time from now on, in seconds since the epoch; return it as x-amz-date wants it."""
        second = int(moment)
        if second != self._second:
            self._second = second
            self.date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
            if self.date[:8] != self._day:
                self._begin_day(self.date[:8])
        return self.date

    def _begin_day(self, day: str) -> None:
        self._day = day
        key = b"AWS4" + self._secret.encode()
        for word in (day, *self._words):
            key = hmac.digest(key, word.encode(), "sha256")
        self._key = hmac.new(key, digestmod="sha256")
        self._credential = f"{_ALGORITHM} Credential={self._key_id}/{day}/{self._place},SignedHeaders="

    def authorization(self, method: str, path: str, query: str, headers: Mapping[str, str], payload_hash: str) -> str:
        """Return the Authorization header.

        Args:
            method: of the request.
            path: as it is sent, percent-encoded.
            query: canonical, see `canonical_query`.
            headers: those to be signed, by their names in lower case: host, x-amz-date and whatever else is sent.
            payload_hash: what x-amz-content-sha256 says.
        """
        signature = self.signature(self._text(method, path, query, headers, payload_hash))
        return f"{self._credential}{_sorted(tuple(headers))[1]},Signature={signature}"

    def presigned_query(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        expires_in: int,
        token: str | None,
    ) -> str:
        """Return the query of a request that whoever has it may send, with any body, from now on for so many seconds.

        Args:
            method: of the request.
            path: as it is sent, percent-encoded.
            parameters: the query's own.
            headers: those that must be sent so, by their names in lower case, host among them.
            expires_in: seconds, at most 7 days.
            token: of temporary credentials.
        """
        signed = _sorted(tuple(headers))[1]
        own = self.fields(token, str.title) | {"X-Amz-Expires": str(expires_in), "X-Amz-SignedHeaders": signed}
        query = canonical_query({**parameters, **own}.items())
        return f"{query}&X-Amz-Signature={self.signature(self._text(method, path, query, headers, UNSIGNED))}"

    def fields(self, token: str | None, spelled: Callable[[str], str] = str) -> dict[str, str]:
        """Return what says with which key and when something was signed, in a form or a query."""
        said = {
            "x-amz-algorithm": _ALGORITHM,
            "x-amz-credential": f"{self._key_id}/{self._day}/{self._place}",
            "x-amz-date": self.date,
        }
        if token:
            said["x-amz-security-token"] = token
        return {spelled(name): value for name, value in said.items()}

    def signature(self, text: str) -> str:
        """Return the signature of a form's policy, or of what stands for a request."""
        signature = self._key.copy()
        signature.update(text.encode())
        return signature.hexdigest()

    def _text(self, method: str, path: str, query: str, headers: Mapping[str, str], payload_hash: str) -> str:
        """Return what is signed of a request."""
        names, signed = _sorted(tuple(headers))
        lines = "\n".join([f"{name}:{headers[name]}" for name in names])
        if "  " in lines:  # of several spaces one is signed
            lines = _SPACES.sub(" ", lines)
        request = f"{method}\n{path}\n{query}\n{lines}\n\n{signed}\n{payload_hash}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        return f"{_ALGORITHM}\n{self.date}\n{self._day}/{self._place}\n{digest}"


@lru_cache(maxsize=256)
def _sorted(names: tuple[str, ...]) -> tuple[list[str], str]:
    """Return the headers' names in their order, and as they are listed: most requests have the same ones."""
    ordered = sorted(names)
    return ordered, ";".join(ordered)


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """Return the query as it is sent and signed: sorted, percent-encoded as RFC 3986 says."""
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters)
    return "&".join([f"{name}={value}" for name, value in encoded])


def encoded_path(key: str) -> str:
    """Return an object's key as it stands in a path: percent-encoded, its slashes left as they are."""
    return key if _PLAIN.fullmatch(key) else quote(key, safe="/-_.~")
