"""Presigning, decided: which requests may be signed for others, and what a form's policy says. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NoReturn

from s3_bucket import _checks
from s3_bucket._encryption import customer_of
from s3_bucket._presigned import PresignedPost, PresignedURL
from s3_bucket._store import PresignRequest
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Unpack

    from s3_bucket._models import MorePutKeywords
    from s3_bucket._store import Condition, Presigned, PutOptions

MAX_EXPIRES_IN = 7 * 24 * 3600
"""Seconds: S3 takes no signature of version 4 for longer."""
MAX_POST_SIZE = 5 * 1024**3
"""Bytes: S3 stores no more by one request."""
FILENAME = "${filename}"
"""In a form's key, S3 puts the name of the file that was sent in its place."""
_STATUSES = (200, 201, 204)
METHODS = {"GetObject": "GET", "PutObject": "PUT"}


def get(
    bucket: str,
    key: str,
    expires_in: timedelta | float,
    *,
    version_id: str | None = None,
    response_content_type: str | None = None,
    response_content_disposition: str | None = None,
    response_content_encoding: str | None = None,
    response_content_language: str | None = None,
    response_cache_control: str | None = None,
) -> PresignRequest:
    """Return what is to be signed for a download."""
    texts = (
        ("VersionId", "version_id", version_id),
        ("ResponseContentType", "response_content_type", response_content_type),
        ("ResponseContentDisposition", "response_content_disposition", response_content_disposition),
        ("ResponseContentEncoding", "response_content_encoding", response_content_encoding),
        ("ResponseContentLanguage", "response_content_language", response_content_language),
        ("ResponseCacheControl", "response_cache_control", response_cache_control),
    )
    seconds = lifetime(expires_in)
    return PresignRequest("GetObject", bucket, _checks.key(key), seconds, parameters=_checks.given_headers(texts))


def put(
    bucket: str,
    key: str,
    expires_in: timedelta | float,
    *,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    **more: Unpack[MorePutKeywords],
) -> PresignRequest:
    """Return what is to be signed for an upload by PUT; a content type that was not given is whatever is sent."""
    options = _for_others(_checks.put_options(key, content_type=content_type, metadata=metadata, **more))
    if content_type is None:
        options = _untyped(options)
    return PresignRequest("PutObject", bucket, key, lifetime(expires_in), options=options)


def post(
    bucket: str,
    key: str,
    expires_in: timedelta | float,
    *,
    max_size: int | None = None,
    content_type: str | None = None,
    key_starts_with: str | None = None,
    success_action_status: int | None = None,
    metadata: Mapping[str, str] | None = None,
    **more: Unpack[MorePutKeywords],
) -> PresignRequest:
    """Return what is to be signed for uploads by a form."""
    options = _for_others(_checks.put_options(key, content_type=content_type, metadata=metadata, **more))
    fields = {"key": key}
    beginning = _beginning(key, key_starts_with)
    is_type = content_type is not None and not content_type.endswith("/")
    if not (is_type or (content_type is None and beginning is None)):
        options = _untyped(options)
    conditions: list[Condition] = [] if beginning is None else [["starts-with", "$key", beginning]]
    if max_size is not None:
        conditions.append(["content-length-range", 0, _size(max_size)])
    elif not beginning:
        _refuse("max_size", "missing: whoever has the form could store 5 GiB; or give key_starts_with, not empty")
    if content_type is not None and not is_type:
        conditions.append(["starts-with", "$Content-Type", content_type])
    if success_action_status is not None:
        if success_action_status not in _STATUSES:
            _refuse("success_action_status", f"expected 200, 201 or 204, not {success_action_status!r}")
        fields["success_action_status"] = str(success_action_status)
    seconds = lifetime(expires_in)
    return PresignRequest("PostObject", bucket, key, seconds, options=options, fields=fields, conditions=conditions)


def url(request: PresignRequest, presigned: Presigned) -> PresignedURL:
    """Return what was signed as the user receives it."""
    return PresignedURL(presigned.url, presigned.expires, METHODS[request.operation], presigned.headers)


def form(presigned: Presigned) -> PresignedPost:
    """Return what was signed as the user receives it."""
    return PresignedPost(presigned.url, dict(presigned.fields), presigned.expires)


def policy(bucket: str, expires: datetime, fields: Mapping[str, str], conditions: Sequence[Condition]) -> str:
    """Return a form's policy in Base64: each field as it is, unless a condition leaves it open."""
    is_open = {condition[1] for condition in conditions}
    exact = [{name: value} for name, value in fields.items() if f"${name}" not in is_open]
    document = {
        "expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [{"bucket": bucket}, *exact, *conditions],
    }
    # In UTF-8, not escaped: of a pair of surrogates, not every vendor makes one character again.
    return base64.b64encode(json.dumps(document, ensure_ascii=False).encode()).decode()


def lifetime(expires_in: timedelta | float) -> int:
    """Return for how many whole seconds something is to be signed."""
    seconds = int(_checks.seconds("expires_in", expires_in))
    if not 1 <= seconds <= MAX_EXPIRES_IN:
        _refuse("expires_in", f"expected 1 to {MAX_EXPIRES_IN:,} seconds (7 days), not {expires_in!r}")
    return seconds


def _for_others(options: PutOptions) -> PutOptions:
    """Refuse what nobody else may know, or can be told to send."""
    if customer_of(options.headers):
        _refuse("encryption", "SSE.c can't be presigned: whoever uploads would have to know the key, and send it")
    if options.algorithm is not None:
        _refuse("checksum", "it would be that of bytes which only whoever uploads has")
    return options


def _untyped(options: PutOptions) -> PutOptions:
    """Return the options without a content type: whoever uploads says it."""
    given = {name: value for name, value in options.headers.items() if name != "ContentType"}
    return options._replace(headers=given)


def _beginning(key: str, key_starts_with: str | None) -> str | None:
    """Return how the key that a form sends must begin; None, if it must be this one."""
    before, variable, after = key.partition(FILENAME)
    if after:
        _refuse("key", f"{FILENAME} must stand at its end: of what follows it, nothing would be held to be right")
    if key_starts_with is None:
        return before if variable else None
    if not key.startswith(_checks.text("key_starts_with", key_starts_with)):
        _refuse("key_starts_with", f"{key_starts_with!r} is not how the key {key!r} begins")
    return key_starts_with


def _size(max_size: int) -> int:
    if not isinstance(max_size, int) or isinstance(max_size, bool) or not 0 <= max_size <= MAX_POST_SIZE:
        _refuse("max_size", f"expected 0 to {MAX_POST_SIZE:,} bytes (5 GiB), not {max_size!r}")
    return max_size


def _refuse(argument: str, why: str) -> NoReturn:
    raise InvalidInput(f"{argument}: {why}", argument=argument)
