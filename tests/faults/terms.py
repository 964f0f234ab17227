"""The terms in which faults are written down: S3's operations, and what is promised again and again."""

from __future__ import annotations

from typing import Any

from tests.faults.fault import Promise


def names(words: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(words.split())


GET = names("GetObject")
COPIES = names("CopyObject UploadPartCopy")
XML = COPIES | names(
    "ListObjectsV2 DeleteObjects CreateMultipartUpload CompleteMultipartUpload GetBucketLocation ListMultipartUploads"
    " GetObjectTagging"
)
SENDING = names("PutObject UploadPart")
PARTS = names("UploadPart UploadPartCopy")
WRITES = SENDING | COPIES | names("CreateMultipartUpload CompleteMultipartUpload")
COMPLETE = names("CompleteMultipartUpload")
_OTHERS = names("HeadObject DeleteObject CreateBucket HeadBucket AbortMultipartUpload PutObjectTagging")
ALL = GET | XML | WRITES | _OTHERS
BODIES = GET | XML
BUT_ABORT = ALL - names("AbortMultipartUpload")
EXACT, ERROR, EITHER, CLEAN = Promise.EXACT, Promise.ERROR, Promise.EITHER, Promise.CLEAN

REFUSED = "refused by name, before anything is sent"
WHOLE = "the exact bytes, or an error: never part of them"
TRIED_AGAIN = "tried again: the exact result"
STALLS = "an error within max_attempts x (connect_timeout + read_timeout)"
RETRYABLE = ((429, "TooManyRequests"), (408, "RequestTimeout"), (500, "InternalError"), (502, "BadGateway"))
RETRYABLE += ((503, "ServiceUnavailable"), (504, "GatewayTimeout"), (400, "RequestTimeout"))
INVALID: dict[str, Any] = {"promise": ERROR, "words": REFUSED, "errors": ("InvalidInput",), "most": 0}
IN = names("in")
KEYS = names("key keys")
OPTIONS = names("options")
KEEPS = names("keeps")
