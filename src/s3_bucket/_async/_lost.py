"""Lost answers: a write that S3 has carried out, but whose answer never came.

Asked again, S3 then says what is true and misleading: the upload is gone (it was completed), the condition doesn't hold
(for the object is there: ours). So before such a failure is believed, HEAD is asked what is there now. A conditional
write carries a token in its metadata, by which it is known for certain; a multipart upload's etag is made of its
parts'.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from s3_bucket import _plan
from s3_bucket._async import _errors
from s3_bucket._async._errors import Target
from s3_bucket._encryption import customer_of
from s3_bucket._store import WRITE_TOKEN
from s3_bucket.exceptions import AmbiguousWrite, BucketException, NoSuchKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_bucket._async._retry import RetryingStore
    from s3_bucket._models import Buffer
    from s3_bucket._store import Part, PutOptions, Stored, Upload, Written

_MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Evidence(NamedTuple):
    """By what our own object is known: the token if it has one, else its etag and size."""

    token: str | None
    etag: str | None
    size: int

    def is_ours(self, stored: Stored) -> bool | None:
        """Return whether that is our object, None if that can't be said."""
        if self.token is not None:
            if stored.token != self.token:
                return False
            return True if stored.size == self.size else None  # a server may have taken half a request for a whole one
        if self.etag is None:
            return None
        etag = stored.written.etag
        if etag == self.etag:
            return stored.size == self.size
        # Encrypted with a key of KMS, for example, an etag is made of something else.
        return False if etag.partition("-")[2] == self.etag.partition("-")[2] else None


def with_token(options: PutOptions) -> PutOptions:
    """Return the options with a token, if the write has a condition and there is room for one."""
    return marked(options) if options.if_absent or options.if_match else options


def marked(options: PutOptions) -> PutOptions:
    """Return the options with a token, if there is room for one."""
    token = secrets.token_hex(16)
    length = sum(len(name.encode()) + len(value.encode()) for name, value in options.metadata.items())
    if length + len(WRITE_TOKEN) + len(token) > _plan.MAX_METADATA_BYTES:
        return options
    return options._replace(metadata={**options.metadata, WRITE_TOKEN: token})


def composite_etag(parts: Sequence[Part]) -> str | None:
    """Return the etag that S3 gives to an object of these parts; None if theirs aren't MD5s."""
    etags = [part.etag.strip('"') for part in parts]
    if not all(_MD5.fullmatch(etag) for etag in etags):
        return None
    whole = hashlib.md5(b"".join(bytes.fromhex(etag) for etag in etags), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(parts)}"


async def put(store: RetryingStore, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
    """Store a whole object; a condition that fails because of ourselves has held."""
    try:
        return await store.put(bucket, key, body, options)
    except BucketException as error:
        if not error.answer_lost or not (options.if_absent or options.if_match):
            raise
        evidence = Evidence(options.metadata.get(WRITE_TOKEN), None, len(body))
        target = Target("PutObject", bucket, key)
        written = await _found(store, target, evidence, error, customer_of(options.headers))
        if written is None:
            raise
        return written


async def complete(
    store: RetryingStore, upload: Upload, parts: Sequence[Part], size: int, options: PutOptions
) -> Written:
    """Complete a multipart upload; one that is gone because it was completed has succeeded."""
    try:
        return await store.complete_upload(upload, parts, options)
    except BucketException as error:
        if not error.answer_lost:
            raise
        target = Target("CompleteMultipartUpload", upload.bucket, upload.key)
        evidence = Evidence(options.metadata.get(WRITE_TOKEN), composite_etag(parts), size)
        written = await _found(store, target, evidence, error, upload.customer)
        if written is None and error.error_code != "NoSuchUpload":
            if await aborted(store, upload):  # it can't be completed any more, by whatever is still on its way
                raise
            written = await _found(store, target, evidence, error, upload.customer)
        if written is None:
            raise ambiguous(target, error) from error
        if evidence.token is None and error.error_code != "NoSuchUpload":
            # The same bytes may have been there before, and the upload with them may still be there, too.
            with suppress(BucketException):
                await store.abort_upload(upload)
        return written


async def aborted(store: RetryingStore, upload: Upload) -> bool:
    """Abort the upload; return False if there was none any more."""
    try:
        await store.abort_upload(upload)
    except BucketException as error:
        if error.error_code != "NoSuchUpload":
            raise
        return False
    return True


async def _found(
    store: RetryingStore, target: Target, evidence: Evidence, error: BucketException, customer: Mapping[str, str]
) -> Written | None:
    """Return our object, if it is there; None if it is another's, or none."""
    try:
        stored = await store.stored(target.bucket or "", target.key or "", customer)
    except NoSuchKey:
        return None
    except BucketException:
        raise ambiguous(target, error) from error
    ours = evidence.is_ours(stored)
    if ours is None:
        raise ambiguous(target, error) from error
    return stored.written if ours else None


def ambiguous(target: Target, error: BucketException) -> BucketException:
    """Return the exception for a write of which nobody can say whether it was carried out."""
    msg = (
        f"whether {_errors.where(target)} was written can't be said: {error.message}; read it, and write again if it is"
        " not what you wrote"
    )
    ambiguous = _errors.make(AmbiguousWrite, target, msg, status=error.status, error_code=error.error_code)
    ambiguous.attempts, ambiguous.answer_lost = error.attempts, True
    return ambiguous
