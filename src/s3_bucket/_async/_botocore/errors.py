"""What botocore, aiohttp and asyncio raise, translated at the border."""

from __future__ import annotations

import errno
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from s3_bucket._async import _errors
from s3_bucket._async._botocore.signing import CORRECTED
from s3_bucket.exceptions import (
    BucketConnectionError,
    BucketException,
    BucketTimeout,
    IntegrityError,
    InvalidInput,
    NoCredentials,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from s3_bucket._async._errors import Target

LONGEST_MESSAGE = 500
"""Characters of a server's message that are worth repeating."""

LONGEST_PAUSE = 24 * 3600.0
"""Seconds: no server is believed that wants a longer one."""

_LOCAL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL})
"""It is this computer that has no more: files, buffers, ports."""

_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.RefreshWithMFAUnsupportedError,
    boto.ProfileNotFound,
    boto.ConfigParseError,
    boto.ConfigNotFound,
    boto.InvalidConfigError,
)
_TIMEOUTS = (boto.ConnectTimeoutError, boto.ReadTimeoutError, TimeoutError)
_INTEGRITY = (boto.FlexibleChecksumError, boto.IncompleteReadError)
_CONNECTION = (boto.HTTPClientError, boto.ConnectionError, aiohttp.ClientError, OSError)

# The last five: what an answer that can't be parsed raises. Anything else is a fault of this library, and must look
# like one.
_FAILURES = (*_CONNECTION, boto.BotoCoreError, ResponseParserError, ParseError, ValueError, TypeError, RecursionError)


@contextmanager
def translated(target: Target, *, sent: bool = True) -> Generator[None]:
    """Raise this library's exceptions for whatever comes out of the block.

    Args:
        target: what is being done, to what.
        sent: whether the request may have reached the server then.
    """
    try:
        yield
    except BucketException as error:
        if error.operation is None:  # what the pure floors raise doesn't know
            error.bucket, error.key, error.operation = target.bucket, target.key, target.operation
        error.sent = error.sent and sent
        raise
    except boto.ClientError as error:
        raise _errors.from_refusal(target, _refusal(error)) from error
    except _FAILURES as error:
        failed = _from_failure(target, error)
        connected = not isinstance(_cause(error), aiohttp.ClientConnectorError)
        failed.sent = sent and connected and not isinstance(error, boto.ConnectTimeoutError)
        raise failed from error


def _refusal(error: boto.ClientError) -> _errors.Refusal:
    """Take the code and the message only: the rest of an answer may repeat the key id or what was signed."""
    said: dict[str, Any] = dict(error.response.get("Error", {}))
    about: dict[str, Any] = dict(error.response.get("ResponseMetadata", {}))
    code, message = str(said.get("Code", "")), str(said.get("Message") or "")
    region = about.get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if region and code in {"301", "307", "400"}:  # HEAD has no body to say it in
        code, message = _errors.ELSEWHERE, f"the bucket is in the region {region!r}"
    return _errors.Refusal(
        about.get("HTTPStatusCode"),
        code,
        message[:LONGEST_MESSAGE],
        about.get("RequestId"),
        pause(about.get("HTTPHeaders", {})),
        bool(about.get(CORRECTED)),
    )


def pause(headers: Mapping[str, str]) -> float | None:
    """Return after how many seconds the server wants the next attempt; None, if it doesn't say or makes no sense."""
    said, amazon = headers.get("retry-after"), headers.get("x-amz-retry-after")
    seconds = None if said is None else _number(said, 1.0)
    if seconds is None and said is not None:
        seconds = _until(said, headers.get("date"))
    if seconds is None and amazon is not None:
        seconds = _number(amazon, 0.001)
    return None if seconds is None or not seconds >= 0 else min(seconds, LONGEST_PAUSE)


def _number(text: str, unit: float) -> float | None:
    try:
        return float(text) * unit
    except ValueError:
        return None


def _until(text: str, date: str | None) -> float | None:
    """Return the seconds until a time, by the server's clock where it tells."""
    try:
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def _from_failure(target: Target, error: Exception) -> BucketException:
    place, said = _errors.where(target), str(error)[:LONGEST_MESSAGE]
    if isinstance(error, _CREDENTIALS):
        how = "give keys to init(), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        return _errors.make(NoCredentials, target, f"no credentials for {place}: {said}; {how}")
    if isinstance(error, _TIMEOUTS):
        why = f"no answer in time from the server for {place}: {said}"
        return _errors.make(BucketTimeout, target, why, retryable=True)
    if isinstance(error, _INTEGRITY):
        return _errors.make(IntegrityError, target, f"what arrived of {place} is not whole: {said}", retryable=True)
    if isinstance(error, _CONNECTION):
        why = f"the connection to the server failed, for {place}: {said}"
        failed = _errors.make(BucketConnectionError, target, why, retryable=not _is_certificate(error))
        failed.errno = _local(error)  # type: ignore[attr-defined]  # it is an OSError
        return failed
    if isinstance(error, boto.BotoCoreError):
        return _errors.make(InvalidInput, target, f"the request for {place} can't be made: {said}")
    if isinstance(error, (ResponseParserError, ParseError, ValueError)):
        error.args = ("it can't be parsed",)  # botocore's words are the whole answer
    return _errors.not_s3(target, "it can't be parsed")


def _local(error: BaseException | None) -> int | None:
    """Return the number of the error if this computer has run out of something, which fewer requests would cure."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _LOCAL:
            return error.errno
        error = error.__cause__ or error.__context__
    return None


def _is_certificate(error: Exception) -> bool:
    """Whether the server's certificate is wrong: it stays so at the next attempt."""
    return isinstance(_cause(error), aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError)


def _cause(error: Exception) -> object:
    """Return what aiohttp raised."""
    return error.kwargs.get("error") if isinstance(error, boto.BotoCoreError) else error
