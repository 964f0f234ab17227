"""What botocore, aiohttp and asyncio raise, translated at the border."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from s3_bucket._async import _errors
from s3_bucket.exceptions import (
    BucketConnectionError,
    BucketException,
    BucketTimeout,
    IntegrityError,
    InvalidInput,
    NoCredentials,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from s3_bucket._async._errors import Target

LONGEST_MESSAGE = 500
"""Characters of a server's message that are worth repeating."""

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

# The last three: what an answer that can't be parsed raises. Anything else is a fault of this library, and must look
# like one.
_FAILURES = (*_CONNECTION, boto.BotoCoreError, ResponseParserError, ValueError, TypeError)


@contextmanager
def translated(target: Target) -> Generator[None]:
    """Raise this library's exceptions for whatever comes out of the block."""
    try:
        yield
    except BucketException as error:
        if error.operation is None:  # what the pure floors raise doesn't know
            error.bucket, error.key, error.operation = target.bucket, target.key, target.operation
        raise
    except boto.ClientError as error:
        raise _errors.from_refusal(target, _refusal(error)) from error
    except _FAILURES as error:
        raise _from_failure(target, error) from error


def _refusal(error: boto.ClientError) -> _errors.Refusal:
    """Take the code and the message only: the rest of an answer may repeat the key id or what was signed."""
    said: dict[str, Any] = dict(error.response.get("Error", {}))
    about: dict[str, Any] = dict(error.response.get("ResponseMetadata", {}))
    code, message = str(said.get("Code", "")), str(said.get("Message") or "")
    region = about.get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if region and code in {"301", "307", "400"}:  # HEAD has no body to say it in
        code, message = _errors.ELSEWHERE, f"the bucket is in the region {region!r}"
    return _errors.Refusal(about.get("HTTPStatusCode"), code, message[:LONGEST_MESSAGE], about.get("RequestId"))


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
        return _errors.make(BucketConnectionError, target, why, retryable=not _is_certificate(error))
    if isinstance(error, boto.BotoCoreError):
        return _errors.make(InvalidInput, target, f"the request for {place} can't be made: {said}")
    return _errors.not_s3(target, "it can't be parsed")


def _is_certificate(error: Exception) -> bool:
    """Whether the server's certificate is wrong: it stays so at the next attempt."""
    cause = error.kwargs.get("error") if isinstance(error, boto.BotoCoreError) else error
    return isinstance(cause, aiohttp.ClientConnectorCertificateError)
