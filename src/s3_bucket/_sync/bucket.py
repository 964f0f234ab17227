# Generated from s3_bucket/_async/bucket.py: change that and run python -m s3_bucket._sync._generate
"""Bucket: the blocking face of AsyncBucket, from s3_bucket._async.bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_bucket._async.bucket import AsyncBucket
from s3_bucket._sync._facade import Face
from s3_bucket._sync.plan import DirPlan
from s3_bucket._sync.reader import Reader
from s3_bucket._sync.writer import Writer

if TYPE_CHECKING:
    import datetime
    import os
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager
    from datetime import timedelta
    from types import TracebackType
    from typing import Any, Self, Unpack

    from s3_bucket._config import SettingsKeywords
    from s3_bucket._directories._outcomes import DirReport
    from s3_bucket._encryption import SSE
    from s3_bucket._keeping import CannedACL, ObjectLock, RestoreTier
    from s3_bucket._models import (
        ByteRange,
        Checksum,
        Data,
        GetResult,
        MorePutKeywords,
        ObjectInfo,
        ObjectVersion,
        Prefix,
        ProgressCallback,
        PutKeywords,
        Result,
        UploadInfo,
    )
    from s3_bucket._presigned import PresignedPost, PresignedURL
    from s3_bucket._report import Report


class Bucket(Face):
    """One S3 bucket.

    Making one costs nothing: no request is sent and nothing is bound to an event loop before the first call, so it may
    be made at import time. All buckets of the same settings share one pool of connections. Nothing has to be closed at
    the end of a program; a ``with`` block closes earlier.

    Args:
        bucket_name: the bucket's name, or the ARN of an access point.
        overrides: init()'s keywords, to be used for this bucket instead of what init() set.

    Raises:
        InvalidInput: the name or a setting can't be right; it names the argument.

    Example:
        >>> bucket = AsyncBucket("my-website-data", max_concurrency=20)
        >>> bucket.name
        'my-website-data'
    """

    _async: AsyncBucket

    def __init__(self, bucket_name: str, **overrides: Unpack[SettingsKeywords]) -> None:
        self._async = AsyncBucket(bucket_name, **overrides)

    @classmethod
    def prepare(
        cls,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
    ) -> None:
        """Set the credentials that all buckets use: init() under the name it had in release 1.

        Args:
            aws_access_key_id: the access key's id; None means the standard AWS chain.
            aws_secret_access_key: the access key's secret.
            aws_session_token: for temporary credentials.

        Raises:
            InvalidInput: one of the first two is missing.
        """
        AsyncBucket.prepare(aws_access_key_id, aws_secret_access_key, aws_session_token)

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._async.name

    @property
    def bucket_name(self) -> str:
        """The bucket's name, as release 1 called it."""
        return self._async.bucket_name

    def __enter__(self) -> Self:
        self._call(self._async.__aenter__)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._call(self._async.__aexit__, exc_type, exc, traceback)

    def close(self) -> None:
        """Give back the connections, if no other bucket uses them; a later call opens new ones."""
        self._call(self._async.aclose)

    def get(
        self,
        key: str,
        response_content_type: str | None = None,
        *,
        range: ByteRange | None = None,
        version_id: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        encryption: SSE | None = None,
    ) -> GetResult:
        """Fetch an object into memory (S3: GetObject).

        A large object is fetched in several ranges at a time, all of the same version of it.

        Args:
            key: the object's key.
            response_content_type: the content type that the answer is to carry, whatever the object's own is.
            range: (start, stop) in bytes, half open as a slice; (start, None) to the end; (-n, None) the last n bytes.
            version_id: a version other than the newest.
            if_match: fetch only the object with this etag.
            if_none_match: fetch only an object with another etag.
            encryption: SSE.c(key), for an object that was stored with this key of yours; over HTTPS only.

        Returns:
            The pair (data, metadata): bytes, and a dict of the user's own metadata. Its ``info`` holds the rest.

        Raises:
            NoSuchKey: there is no such object.
            NoSuchBucket: there is no such bucket.
            InvalidInput: the key or the range can't be right, or the range lies beyond the object's end.
            PreconditionFailed: if_match did not hold.
            NotModified: if_none_match held.
            ObjectArchived: restore() must make a copy first that can be read.
            IntegrityError: the bytes that came are not those that are stored.

        Example:
            >>> await bucket.put("greeting.txt", "hello", metadata={"owner": "me"})
            ObjectInfo(...)
            >>> data, metadata = await bucket.get("greeting.txt")
            >>> data, metadata
            (b'hello', {'owner': 'me'})
            >>> (await bucket.get("greeting.txt", range=(1, 3))).data
            b'el'
        """
        return self._call(
            self._async.get,
            key,
            response_content_type,
            range=range,
            version_id=version_id,
            if_match=if_match,
            if_none_match=if_none_match,
            encryption=encryption,
        )

    def put(
        self,
        key: str,
        data: Data,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        cache_control: str | None = None,
        content_disposition: str | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        expires: datetime.datetime | None = None,
        storage_class: str | None = None,
        tags: Mapping[str, str] | None = None,
        encryption: SSE | str | None = None,
        checksum: Checksum | None = None,
        acl: CannedACL | None = None,
        lock: ObjectLock | None = None,
        legal_hold: bool = False,
        progress: ProgressCallback | None = None,
    ) -> ObjectInfo:
        """Store an object (S3: PutObject, or a multipart upload where the data is longer than part_size).

        The object appears when all of it has arrived, never before; when the call fails or is cancelled, nothing
        changes. Memory stays below part_size x max_concurrency whatever the length.

        Args:
            key: the object's key: 1 to 1,024 bytes of UTF-8.
            data: str (stored as UTF-8), bytes, bytearray, memoryview, a pathlib.Path, a binary file (sync or async;
                read from where it stands, never closed), or a sync or async iterable of bytes.
            content_type: the media type; guessed from the key when not given.
            metadata: names and values of your own, ASCII, 2 KiB in all.
            if_absent: create only: fail if there is an object already.
            if_match: replace only the object with this etag.
            cache_control: the Cache-Control header that a get will bring.
            content_disposition: the Content-Disposition header that a get will bring.
            content_encoding: the Content-Encoding header that a get will bring; the data is stored as it is.
            content_language: the Content-Language header that a get will bring.
            expires: the Expires header that a get will bring.
            storage_class: such as StorageClass.STANDARD_IA, or a vendor's own name for one; the bucket's default when
                not given.
            tags: up to 10 names and values.
            encryption: how S3 is to encrypt it: SSE.s3(), SSE.kms(...), or SSE.c(key), which goes over HTTPS only; also
                "AES256", "aws:kms", "aws:kms:dsse", or the ARN of a KMS key. The bucket's default when not given.
            checksum: which one S3 is to compare and to keep: "CRC32", "SHA1" or "SHA256"; or a mapping of it to its
                value, in base64, where that is known beforehand: nothing else is stored then. When not given, as
                init()'s `checksums` says.
            acl: a canned access control list, such as "public-read" or "bucket-owner-full-control".
            lock: until when this version can't be deleted or replaced; in a bucket with Object Lock.
            legal_hold: whether it can't be deleted until set_legal_hold() lets it go; in a bucket with Object Lock.
            progress: called with a Progress, on the event loop, as the bytes reach S3; what it raises ends the
                transfer, and is raised.

        Returns:
            What was stored: its size in bytes, etag and, in a bucket with versioning, version_id.

        Raises:
            InvalidInput: an argument can't be right, or the vendor is known not to keep a condition; it is named, and
                nothing was sent.
            KeyAlreadyExists: if_absent, and there is an object.
            PreconditionFailed: if_match did not hold.
            NoSuchBucket: there is no such bucket.
            IntegrityError: the file changed while it was read, S3 did not store what was sent, or the data has another
                checksum than `checksum` says.
            AmbiguousWrite: the answer was lost, and whether it was stored can't be said.

        Example:
            >>> info = await bucket.put("hello.txt", "hello")
            >>> info.size, info.content_type
            (5, 'text/plain')
        """
        return self._call(
            self._async.put,
            key,
            data,
            content_type,
            metadata,
            if_absent=if_absent,
            if_match=if_match,
            cache_control=cache_control,
            content_disposition=content_disposition,
            content_encoding=content_encoding,
            content_language=content_language,
            expires=expires,
            storage_class=storage_class,
            tags=tags,
            encryption=encryption,
            checksum=checksum,
            acl=acl,
            lock=lock,
            legal_hold=legal_hold,
            progress=progress,
        )

    def put_json(
        self, key: str, value: Any, *, progress: ProgressCallback | None = None, **options: Unpack[PutKeywords]
    ) -> ObjectInfo:
        """Store a value as JSON in UTF-8, with the content type application/json (S3: PutObject).

        Args:
            key: the object's key.
            value: anything that json.dumps takes; NaN and infinities are refused, as JSON has none.
            progress: as in put().
            options: put()'s keywords.

        Raises:
            InvalidInput: the value is not JSON, or an argument can't be right.
            BucketException: whatever put() raises.

        Example:
            >>> info = await bucket.put_json("config", {"retries": 3})
            >>> await bucket.get_json("config")
            {'retries': 3}
        """
        return self._call(self._async.put_json, key, value, progress=progress, **options)

    def get_json(
        self,
        key: str,
        *,
        version_id: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        encryption: SSE | None = None,
    ) -> Any:
        """Fetch an object and parse it as JSON (S3: GetObject).

        Args:
            key: the object's key.
            version_id: a version other than the newest.
            if_match: fetch only the object with this etag.
            if_none_match: fetch only an object with another etag.
            encryption: as in get().

        Raises:
            IntegrityError: the object is not JSON.
            BucketException: whatever get() raises.
        """
        return self._call(
            self._async.get_json,
            key,
            version_id=version_id,
            if_match=if_match,
            if_none_match=if_none_match,
            encryption=encryption,
        )

    def head(self, key: str, *, version_id: str | None = None, encryption: SSE | None = None) -> ObjectInfo:
        """Return what S3 knows of an object, without its bytes (S3: HeadObject).

        Args:
            key: the object's key.
            version_id: a version other than the newest.
            encryption: as in get().

        Raises:
            NoSuchKey: there is no such object.
            NoSuchBucket: there is no such bucket.
            BucketAccessDenied: also for a missing object, if the credentials may not list the bucket.
        """
        return self._call(self._async.head, key, version_id=version_id, encryption=encryption)

    def exists(self, key: str, *, version_id: str | None = None, encryption: SSE | None = None) -> bool:
        """Return whether there is an object of that key (S3: HeadObject).

        Args:
            key: the object's key.
            version_id: a version other than the newest.
            encryption: as in get().

        Raises:
            NoSuchBucket: there is no such bucket.
            BucketAccessDenied: whether there is one can't be known.

        Example:
            >>> await bucket.exists("never stored")
            False
        """
        return self._call(self._async.exists, key, version_id=version_id, encryption=encryption)

    def delete(
        self,
        key: str,
        *,
        version_id: str | None = None,
        if_match: str | None = None,
        bypass_governance: bool = False,
    ) -> None:
        """Delete an object (S3: DeleteObject). Deleting what is not there succeeds, as on S3.

        Args:
            key: the object's key.
            version_id: delete this version for good, instead of hiding the object behind a delete marker.
            if_match: delete only the object with this etag. Not every vendor's S3 keeps this condition.
            bypass_governance: delete this version though it is locked in the mode "GOVERNANCE", which takes the
                permission s3:BypassGovernanceRetention.

        Raises:
            PreconditionFailed: if_match did not hold.
            InvalidInput: the vendor is known not to keep if_match; nothing was deleted.
            BucketAccessDenied: also where this version is locked.
            NoSuchBucket: there is no such bucket.
        """
        self._call(
            self._async.delete, key, version_id=version_id, if_match=if_match, bypass_governance=bypass_governance
        )

    def open_reader(
        self,
        key: str,
        *,
        range: ByteRange | None = None,
        version_id: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        encryption: SSE | None = None,
    ) -> AbstractContextManager[Reader]:
        """Open an object for reading piece by piece, without holding it in memory (S3: GetObject).

        The next piece is fetched while one is read. All pieces are of the version that was there at the opening.

        Args:
            key: the object's key.
            range: as in get(); positions in the reader count from its start.
            version_id: a version other than the newest.
            if_match: read only the object with this etag.
            if_none_match: read only an object with another etag.
            encryption: as in get().

        Returns:
            A context manager that gives the reader.

        Raises:
            NoSuchKey: there is no such object.
            IntegrityError: the object was replaced while it was read.
            BucketException: whatever get() raises.

        Example:
            >>> info = await bucket.put("large.bin", bytes(3_000_000))
            >>> async with bucket.open_reader("large.bin") as reader:
            ...     sizes = [len(chunk) async for chunk in reader]
            >>> sizes
            [1048576, 1048576, 902848]
        """
        return self._open(
            Reader,
            self._async.open_reader,
            key,
            range=range,
            version_id=version_id,
            if_match=if_match,
            if_none_match=if_none_match,
            encryption=encryption,
        )

    def open_writer(
        self,
        key: str,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[MorePutKeywords],
    ) -> AbstractContextManager[Writer]:
        """Open an object for writing piece by piece (S3: PutObject or a multipart upload).

        The object appears when the block ends; if the block raises, nothing changes.

        Args:
            key: the object's key.
            content_type: as in put().
            metadata: as in put().
            options: put()'s other keywords.

        Returns:
            A context manager that gives the writer; when it has ended, the writer's ``info`` says what was stored.

        Raises:
            BucketException: whatever put() raises.

        Example:
            >>> async with bucket.open_writer("log.txt") as writer:
            ...     for line in (b"one", b"two"):
            ...         written = await writer.write(line)
            >>> (await bucket.get("log.txt")).data
            b'onetwo'
        """
        return self._open(Writer, self._async.open_writer, key, content_type, metadata, **options)

    def presign_get(
        self,
        key: str,
        expires_in: timedelta | float = 3600,
        *,
        version_id: str | None = None,
        response_content_type: str | None = None,
        response_content_disposition: str | None = None,
        response_content_encoding: str | None = None,
        response_content_language: str | None = None,
        response_cache_control: str | None = None,
    ) -> PresignedURL:
        """Return a URL by which whoever has it may fetch an object (S3: GetObject, Signature Version 4).

        Nothing is sent: whether there is such an object shows when the URL is used. It is made for the endpoint and the
        region of the settings, or for the region in which an earlier call has found the bucket. What it may do is what
        the credentials may do at that time.

        Args:
            key: the object's key.
            expires_in: for how long, from now on: a timedelta, or seconds; 1 second to 7 days.
            version_id: a version other than the newest.
            response_content_type: the Content-Type header that the answer is to carry, whatever the object's own is.
            response_content_disposition: its Content-Disposition header, such as 'attachment; filename="report.pdf"'.
            response_content_encoding: its Content-Encoding header.
            response_content_language: its Content-Language header.
            response_cache_control: its Cache-Control header.

        Returns:
            The URL, a str whose repr masks what is secret of it. Its ``expires`` says when it ends: with temporary
            credentials that may be sooner than was asked for.

        Raises:
            InvalidInput: an argument can't be right; or the bucket is one for which Signature Version 4 does not do.
            NoCredentials: there are none, or anonymous=True: then there is nothing to sign with.

        Example:
            >>> url = await bucket.presign_get("report.pdf", 600, response_content_disposition="attachment")
            >>> url.method, url.startswith("http"), "X-Amz-Expires=600" in url
            ('GET', True, True)
        """
        return self._call(
            self._async.presign_get,
            key,
            expires_in,
            version_id=version_id,
            response_content_type=response_content_type,
            response_content_disposition=response_content_disposition,
            response_content_encoding=response_content_encoding,
            response_content_language=response_content_language,
            response_cache_control=response_cache_control,
        )

    def presign_put(
        self,
        key: str,
        expires_in: timedelta | float = 3600,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **options: Unpack[MorePutKeywords],
    ) -> PresignedURL:
        """Return a URL by which whoever has it may store one object (S3: PutObject, Signature Version 4).

        It says nothing of how much may be stored, up to 5 GiB; presign_post() does. It can be used several times until
        it ends, unless if_absent is given. Nothing is sent.

        Args:
            key: the object's key.
            expires_in: for how long, from now on: a timedelta, or seconds; 1 second to 7 days.
            content_type: the media type, which must then be sent so; when not given, whoever uploads says it.
            metadata: as in put().
            options: put()'s other keywords; SSE.c is refused: whoever uploads would have to know the key. With a lock,
                S3 wants a Content-MD5 header from whoever uploads.

        Returns:
            The URL, a str whose repr masks what is secret of it. Its ``headers`` must be sent with it, exactly so.

        Raises:
            InvalidInput: an argument can't be right; or the bucket is one for which Signature Version 4 does not do.
            NoCredentials: there are none, or anonymous=True: then there is nothing to sign with.

        Example:
            >>> url = await bucket.presign_put("cat.jpg", 600, content_type="image/jpeg", metadata={"owner": "me"})
            >>> url.method, url.headers
            ('PUT', {'Content-Type': 'image/jpeg', 'x-amz-meta-owner': 'me'})
        """
        return self._call(
            self._async.presign_put, key, expires_in, content_type=content_type, metadata=metadata, **options
        )

    def presign_post(
        self,
        key: str,
        expires_in: timedelta | float = 3600,
        *,
        max_size: int | None = None,
        content_type: str | None = None,
        key_starts_with: str | None = None,
        metadata: Mapping[str, str] | None = None,
        success_action_status: int | None = None,
        cache_control: str | None = None,
        content_disposition: str | None = None,
        content_encoding: str | None = None,
        expires: datetime.datetime | None = None,
        storage_class: str | None = None,
        encryption: SSE | str | None = None,
    ) -> PresignedPost:
        """Return a form by which a browser may store objects, within limits (S3: PostObject, Signature Version 4).

        The server refuses what the limits don't allow. max_size is required, or a beginning of the key: a form without
        either would let whoever has it store anything. Nothing is sent.

        Args:
            key: the object's key. At its end, "${filename}" stands for the name of the file that the browser sends:
                then what precedes it is how keys must begin.
            expires_in: for how long, from now on: a timedelta, or seconds; 1 second to 7 days.
            max_size: how many bytes the file may have at most, up to 5 GiB.
            content_type: the media type; or how it must begin, such as "image/": then the form must get a field
                "Content-Type" besides. When not given, it is guessed from the key, if that is fixed.
            key_starts_with: how the key must begin that the form sends; `key` is then one that it may be.
            metadata: as in put().
            success_action_status: the status of the answer: 204 (as when not given), 200, or 201, which brings XML.
            cache_control: as in put().
            content_disposition: as in put().
            content_encoding: as in put().
            expires: as in put(): a header of the object, and no limit of the form.
            storage_class: as in put().
            encryption: as in put(), but for SSE.c: whoever uploads would have to know the key.

        Returns:
            The URL to post to, and the form's fields; a last one, "file", is the bytes. Its repr masks what is secret.

        Raises:
            InvalidInput: an argument can't be right, or neither limit is given.
            NoCredentials: there are none, or anonymous=True: then there is nothing to sign with.

        Example:
            >>> post = await bucket.presign_post("photos/${filename}", max_size=1_000_000, content_type="image/")
            >>> post.fields["key"], post.fields["policy"] in repr(post)
            ('photos/${filename}', False)
        """
        return self._call(
            self._async.presign_post,
            key,
            expires_in,
            max_size=max_size,
            content_type=content_type,
            key_starts_with=key_starts_with,
            metadata=metadata,
            success_action_status=success_action_status,
            cache_control=cache_control,
            content_disposition=content_disposition,
            content_encoding=content_encoding,
            expires=expires,
            storage_class=storage_class,
            encryption=encryption,
        )

    def copy(
        self,
        source_key: str,
        key: str,
        *,
        source_bucket: str | None = None,
        source_version_id: str | None = None,
        source_encryption: SSE | None = None,
        progress: ProgressCallback | None = None,
        **options: Unpack[PutKeywords],
    ) -> ObjectInfo:
        """Copy an object within S3, of any length: no bytes of it come here.

        (S3: HeadObject, CopyObject, HeadObject; above 5 GiB, or under a condition, UploadPartCopy in a multipart
        upload, several parts at a time, and GetObjectTagging.)

        All of the copy is of one version of the source: if that is replaced meanwhile, the call fails. The copy appears
        whole or not at all, and is compared with the source: its length, and what checksums the server keeps of both.
        Content type, metadata, tags, storage class and the content headers are the source's unless they are given;
        encryption, access control lists and object locks are not copied: the bucket's defaults hold.

        Args:
            source_key: the key of the object to copy.
            key: the key of the copy. It may be the source's own, to change what goes with the object.
            source_bucket: the source's bucket, if it is another one; these credentials must be allowed to read there.
            source_version_id: a version of the source other than the newest.
            source_encryption: SSE.c(key), for a source that was stored with this key of yours; over HTTPS only. The
                copy is under such a key only if `encryption` says so.
            progress: as in put(), with the copy's key; as S3 says that it has copied the parts.
            options: put()'s keywords: what the copy is to have instead of the source's, and the conditions for its key.

        Returns:
            The copy.

        Raises:
            InvalidInput: the object would be copied onto itself unchanged, or another argument can't be right.
            NoSuchKey: there is no such source.
            NoSuchBucket: there is no such bucket.
            KeyAlreadyExists: if_absent, and there is an object.
            PreconditionFailed: if_match did not hold.
            IntegrityError: the source was replaced while it was copied, or the copy is not the same.
            AmbiguousWrite: the answer was lost, and whether it was copied can't be said.

        Example:
            >>> info = await bucket.put("report.txt", "all is well", metadata={"owner": "me"})
            >>> copy = await bucket.copy("report.txt", "archive/report.txt", content_type="text/x-report")
            >>> copy.size, copy.content_type, copy.metadata
            (11, 'text/x-report', {'owner': 'me'})
        """
        return self._call(
            self._async.copy,
            source_key,
            key,
            source_bucket=source_bucket,
            source_version_id=source_version_id,
            source_encryption=source_encryption,
            progress=progress,
            **options,
        )

    def move(
        self,
        source_key: str,
        key: str,
        *,
        source_bucket: str | None = None,
        source_encryption: SSE | None = None,
        progress: ProgressCallback | None = None,
        **options: Unpack[PutKeywords],
    ) -> ObjectInfo:
        """Copy an object as copy() does, then delete the source (S3: as copy(), and HeadObject, DeleteObject).

        The source is deleted only when the copy has been compared with it, and with If-Match: what somebody has written
        in its place meanwhile stays. In a bucket with versioning, it gets a delete marker.

        Args:
            source_key: the key of the object to move.
            key: its new key.
            source_bucket: the source's bucket, if it is another one.
            source_encryption: as in copy().
            progress: as in copy().
            options: as in copy().

        Returns:
            The object in its new place.

        Raises:
            InvalidInput: the object would be moved onto itself, or another argument can't be right.
            PreconditionFailed: the source was replaced after it had been copied: both the copy and what has replaced
                the source are there. Or if_match did not hold.
            BucketException: whatever copy() and delete() raise.

        Example:
            >>> info = await bucket.put("draft.txt", "done")
            >>> info = await bucket.move("draft.txt", "final.txt")
            >>> await bucket.exists("draft.txt"), await bucket.exists("final.txt")
            (False, True)
        """
        return self._call(
            self._async.move,
            source_key,
            key,
            source_bucket=source_bucket,
            source_encryption=source_encryption,
            progress=progress,
            **options,
        )

    def list_dir(self, prefix: str = "", delimiter: str = "/") -> Iterator[ObjectInfo | Prefix]:
        """Iterate over one level of a bucket, as over a directory (S3: ListObjectsV2 with a delimiter).

        Args:
            prefix: only what starts so: "photos/" for what is in that directory.
            delimiter: what ends a directory's name.

        Returns:
            Objects whose keys have no delimiter after the prefix, as ObjectInfo; and for all others, a Prefix, once for
            each up to its next delimiter. In the order of their UTF-8 bytes.

        Raises:
            NoSuchBucket: there is no such bucket.
            IntegrityError: the server broke off the listing.

        Example:
            >>> for key in ("album/cover.jpg", "album/2024/1.jpg", "album/2024/2.jpg"):
            ...     info = await bucket.put(key, b"")
            >>> [getattr(entry, "prefix", None) or entry.key async for entry in bucket.list_dir("album/")]
            ['album/2024/', 'album/cover.jpg']
        """
        return self._iterate(self._async.list_dir, prefix, delimiter)

    def list_versions(self, prefix: str = "") -> Iterator[ObjectVersion]:
        """Iterate over the versions of objects and their delete markers (S3: ListObjectVersions).

        A version is read by get(key, version_id=...), and deleted for good by delete(key, version_id=...). A delete
        marker can't be read, that is a NoSuchKey; to delete it brings back the version before it.

        Args:
            prefix: only keys that start so.

        Returns:
            Versions and delete markers, in the order of their keys' UTF-8 bytes; of a key, the newest first. In a
            bucket without versioning, one of each object, whose version_id is "null".

        Raises:
            NoSuchBucket: there is no such bucket.
            IntegrityError: the server broke off the listing.

        Example:
            >>> info = await bucket.put("versions.txt", "one")
            >>> [(version.key, version.is_latest) async for version in bucket.list_versions("versions")]
            [('versions.txt', True)]
        """
        return self._iterate(self._async.list_versions, prefix)

    def tags(self, key: str, *, version_id: str | None = None) -> dict[str, str]:
        """Return an object's tags (S3: GetObjectTagging).

        Args:
            key: the object's key.
            version_id: a version other than the newest.

        Raises:
            NoSuchKey: there is no such object.
        """
        return self._call(self._async.tags, key, version_id=version_id)

    def set_tags(self, key: str, tags: Mapping[str, str], *, version_id: str | None = None) -> None:
        """Replace an object's tags (S3: PutObjectTagging, or DeleteObjectTagging where there are to be none).

        Args:
            key: the object's key.
            tags: up to 10 names and values; an empty mapping removes all.
            version_id: a version other than the newest.

        Raises:
            NoSuchKey: there is no such object.
            InvalidInput: the tags can't be right.

        Example:
            >>> info = await bucket.put("tagged.txt", "data", tags={"project": "a"})
            >>> await bucket.set_tags("tagged.txt", {"project": "b"})
            >>> await bucket.tags("tagged.txt")
            {'project': 'b'}
        """
        self._call(self._async.set_tags, key, tags, version_id=version_id)

    def edit_json(self, key: str, *, default: Any = None, attempts: int = 100) -> AbstractContextManager[Any]:
        """Change a JSON object by compare-and-swap (S3: GetObject, PutObject with If-Match).

        The block gets the parsed value, a dict or a list, and changes it in place. When the block ends, the value is
        written if the object still is what was read; if the block raises, or has changed nothing, nothing is written.

        If somebody else has written meanwhile, the object is read again and what the block has changed is changed
        there, member by member, in dicts at any depth, and written; so often as is needed. So nobody's change is lost.
        What both have changed is a conflict, for a block can't be repeated: PreconditionFailed, and nothing is written.
        A list is one value here, and so is a number: to append and to count, where others do it at the same time,
        there is update_json(). What a block has only read may have changed until it writes.

        Within one event loop, or among the threads that use a Bucket, edits of the same object take turns, as long as
        none takes longer than a second: so they don't conflict at all.

        Metadata, tags, storage class and the content headers stay as they are; encryption is the bucket's default.

        Args:
            key: the object's key.
            default: the value to begin with where there is no object: it is then created, if still nobody else has. A
                dict or a list; None means that there must be one.
            attempts: how often to try to write at most.

        Returns:
            A context manager that gives the value.

        Raises:
            NoSuchKey: there is no such object, and no default.
            PreconditionFailed: others have changed the same, or the attempts were not enough: nothing was written.
            InvalidInput: the object holds neither a dict nor a list, or what the block has made of it is not JSON.
            IntegrityError: the object is not JSON.
            AmbiguousWrite: an answer was lost, and whether it was written can't be said.

        Example:
            >>> async with bucket.edit_json("settings", default={}) as settings:
            ...     settings["retries"] = 3
            >>> async with bucket.edit_json("settings") as settings:
            ...     settings["colours"] = {"cat": "black"}
            >>> await bucket.get_json("settings")
            {'retries': 3, 'colours': {'cat': 'black'}}
        """
        return self._enter(self._async.edit_json, key, default=default, attempts=attempts)

    def update_json(self, key: str, function: Callable[[Any], Any], *, default: Any = None, attempts: int = 100) -> Any:
        """Replace a JSON object by what a function makes of it (S3: GetObject, PutObject with If-Match).

        If somebody else has written meanwhile, the object is read again and the function called again, with the newer
        value. So it counts and appends without losing anybody's change; what else it does may happen several times.

        Args:
            key: the object's key.
            function: given the parsed value, returns the new one, or None if it has changed the value in place. It is
                called in a worker thread; a coroutine function is awaited.
            default: the value to begin with where there is no object: it is then created, if still nobody else has.
                None means that there must be one.
            attempts: how often to try to write at most.

        Returns:
            What is stored now: the function's last value. If it is the same as before, nothing was written.

        Raises:
            NoSuchKey: there is no such object, and no default.
            PreconditionFailed: the attempts were not enough; nothing was written.
            InvalidInput: what the function has made of it is not JSON.
            IntegrityError: the object is not JSON.
            AmbiguousWrite: an answer was lost, and whether it was written can't be said.
            Exception: whatever the function raises.

        Example:
            >>> await bucket.update_json("visits", lambda count: count + 1, default=0)
            1
            >>> await bucket.update_json("visits", lambda count: count + 1, default=0)
            2
        """
        return self._call(self._async.update_json, key, function, default=default, attempts=attempts)

    def upload_file(
        self,
        local_filepath: str | os.PathLike[str],
        key: str,
        *,
        resume: bool = False,
        progress: ProgressCallback | None = None,
        **options: Unpack[PutKeywords],
    ) -> ObjectInfo:
        """Store a file's content (S3: PutObject, or a multipart upload where it is longer than part_size).

        With resume=True, what has been sent is not lost with the process: the next such call for the same file, key,
        options and part_size asks which parts there are (S3: ListParts), compares them with the file, and sends only
        the others. If the file, the options or part_size have changed, it begins anew, and aborts what had begun.
        Therefore such an upload is not aborted when it fails or is cancelled (but where if_absent or if_match did not
        hold): what was sent takes up space until a later call has completed it, or abort_stale_uploads() aborts it.
        What has begun is noted in $XDG_STATE_HOME/s3-bucket (~/.local/state/s3-bucket); elsewhere it can't be resumed.
        Of several such calls at a time for the same file and key, one goes on, the others do as without resume.

        Args:
            local_filepath: the file to read.
            key: the object's key.
            resume: go on where an earlier call was killed or has failed, and leave what is sent for a later one. The
                object gets the metadata x-amz-meta-s3-bucket-token, which is not shown.
            progress: as in put(); what was there already is done from the beginning.
            options: put()'s keywords.

        Returns:
            What was stored.

        Raises:
            FileNotFoundError, PermissionError, IsADirectoryError: the file can't be read.
            OSError: what has begun can't be noted.
            IntegrityError: the file changed while it was read; nothing was stored.
            BucketException: whatever put() raises.
        """
        return self._call(self._async.upload_file, local_filepath, key, resume=resume, progress=progress, **options)

    def download_file(
        self,
        key: str,
        local_filepath: str | os.PathLike[str],
        *,
        version_id: str | None = None,
        encryption: SSE | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> ObjectInfo:
        """Fetch an object into a file (S3: GetObject, in several ranges at a time).

        The file appears when all of it has arrived: until then, and if anything fails, what was there before stays.

        With resume=True, what has arrived is not lost with the process, nor when the call fails or is cancelled: it
        stays beside the destination, in two hidden files (.NAME.*.s3part, .NAME.*.s3part-journal). The next such call
        asks whether the object is still the same (S3: HeadObject), compares what is there with its checksums, and
        fetches only what is missing. If the object has changed, it begins anew. Of several such calls at a time for the
        same file, one goes on, the others do as without resume.

        Args:
            key: the object's key.
            local_filepath: the file to make or to replace; its directory must exist.
            version_id: a version other than the newest.
            encryption: as in get().
            resume: go on where an earlier call was killed or has failed, and leave what arrives for a later one.
            progress: as in put(); as the bytes reach the file. What was there already is done from the beginning.

        Returns:
            What was fetched.

        Raises:
            NoSuchKey: there is no such object.
            ObjectArchived: restore() must make a copy first that can be read.
            IntegrityError: the bytes that came are not those that are stored, or the object changed meanwhile.
            OSError: the file can't be written; nothing is fetched where that can be known before.
        """
        return self._call(
            self._async.download_file,
            key,
            local_filepath,
            version_id=version_id,
            encryption=encryption,
            resume=resume,
            progress=progress,
        )

    def restore(
        self, key: str, days: int | None, tier: RestoreTier = "Standard", version_id: str | None = None
    ) -> None:
        """Have a copy made of an archived object that can be read for some days (S3: RestoreObject).

        It returns at once; the copy takes minutes to hours. head() tells by ``restore`` how far it has come, and until
        then get() raises ObjectArchived. An object that is being restored already is left at it; of one that has been,
        the days begin anew.

        Args:
            key: the object's key.
            days: for how many days from then on; None for an object of the class INTELLIGENT_TIERING, which is moved
                back for good.
            tier: how fast, and at which price: "Expedited", "Standard" or "Bulk".
            version_id: a version other than the newest.

        Raises:
            InvalidInput: an argument can't be right, or the object is in no archive.
            NoSuchKey: there is no such object.

        Example:
            >>> info = await bucket.put("old.log", "long ago", storage_class="GLACIER")
            >>> await bucket.restore("old.log", days=2)
        """
        self._call(self._async.restore, key, days, tier, version_id)

    def set_retention(
        self, key: str, lock: ObjectLock | None, *, version_id: str | None = None, bypass_governance: bool = False
    ) -> None:
        """Lock a version of an object, so that it can't be deleted or replaced until a time (S3: PutObjectRetention).

        The bucket must have been made with Object Lock. Whoever may set a lock may prolong it; in the mode "GOVERNANCE"
        it can be shortened or lifted with bypass_governance, in "COMPLIANCE" by nobody. head() tells of it.

        Args:
            key: the object's key.
            lock: in which mode, and until when; None lifts the lock.
            version_id: a version other than the newest.
            bypass_governance: though it is locked in the mode "GOVERNANCE", which takes the permission
                s3:BypassGovernanceRetention.

        Raises:
            InvalidInput: the lock can't be right.
            BucketAccessDenied: also where the lock that is there doesn't allow it.
            NoSuchKey: there is no such object.
        """
        self._call(self._async.set_retention, key, lock, version_id=version_id, bypass_governance=bypass_governance)

    def set_legal_hold(self, key: str, *, legal_hold: bool, version_id: str | None = None) -> None:
        """Hold a version of an object, so that it can't be deleted until it is let go (S3: PutObjectLegalHold).

        The bucket must have been made with Object Lock. head() tells of it.

        Args:
            key: the object's key.
            legal_hold: True holds, False lets go.
            version_id: a version other than the newest.

        Raises:
            InvalidInput: legal_hold is neither True nor False.
            NoSuchKey: there is no such object.
        """
        self._call(self._async.set_legal_hold, key, legal_hold=legal_hold, version_id=version_id)

    def list(
        self, prefix: str = "", *, start_after: str | None = None, limit: int | None = None
    ) -> Iterator[ObjectInfo]:
        """Iterate over the objects, in the order of their keys' UTF-8 bytes (S3: ListObjectsV2).

        Args:
            prefix: only keys that start so.
            start_after: only keys after this one.
            limit: at most so many.

        Raises:
            NoSuchBucket: there is no such bucket.
            IntegrityError: the server broke off the listing.

        Example:
            >>> info = await bucket.put("logs/1", b"")
            >>> [info.key async for info in bucket.list("logs/")]
            ['logs/1']
        """
        return self._iterate(self._async.list, prefix, start_after=start_after, limit=limit)

    def put_many(
        self,
        items: Iterable[tuple[str, Data]] | AsyncIterable[tuple[str, Data]],
        *,
        concurrency: int | None = None,
    ) -> Iterator[Result[None]]:
        """Store many objects, several at a time (S3: PutObject or multipart uploads).

        Args:
            items: pairs (key, data), of any number; they are taken one by one as there is room for them.
            concurrency: how many at a time; max_concurrency when not given.

        Returns:
            Their outcomes, in the order in which they end. A failed item raises nothing: see Result.error.

        Example:
            >>> results = [result async for result in bucket.put_many([("a", b"1"), ("b", b"2")])]
            >>> sorted(result.key for result in results if result.ok)
            ['a', 'b']
        """
        return self._iterate(self._async.put_many, items, concurrency=concurrency)

    def get_many(
        self, keys: Iterable[str] | AsyncIterable[str], *, concurrency: int | None = None
    ) -> Iterator[Result[bytes]]:
        """Fetch many objects into memory, several at a time (S3: GetObject).

        Args:
            keys: the objects' keys, of any number.
            concurrency: how many at a time; max_concurrency when not given.

        Returns:
            Their outcomes, in the order in which they end: the bytes are in Result.value.

        Example:
            >>> info = await bucket.put("c", b"3")
            >>> [result.value async for result in bucket.get_many(["c"])]
            [b'3']
        """
        return self._iterate(self._async.get_many, keys, concurrency=concurrency)

    def delete_many(
        self, keys: Iterable[str] | AsyncIterable[str], *, concurrency: int | None = None
    ) -> Iterator[Result[None]]:
        """Delete many objects, a thousand to a request (S3: DeleteObjects).

        Args:
            keys: the objects' keys, of any number.
            concurrency: how many requests at a time; max_concurrency when not given.

        Returns:
            Every key's outcome.

        Example:
            >>> [result.ok async for result in bucket.delete_many(["a", "b"])]
            [True, True]
        """
        return self._iterate(self._async.delete_many, keys, concurrency=concurrency)

    def upload_files(
        self,
        files: Iterable[tuple[str | os.PathLike[str], str]] | AsyncIterable[tuple[str | os.PathLike[str], str]],
        *,
        concurrency: int | None = None,
        progress: ProgressCallback | None = None,
        executor: Executor | None = None,
    ) -> Iterator[Result[None]]:
        """Store many files, several at a time (S3: PutObject or multipart uploads).

        Args:
            files: pairs (local_filepath, key), of any number.
            concurrency: how many at a time; max_concurrency when not given.
            progress: as in put(), of all files together; what it raises ends the iteration.
            executor: a concurrent.futures.Executor, such as a ProcessPoolExecutor or a Dask client's get_executor(),
                whose workers do the files, and must see them under the same paths. No keys are sent to them: where
                init() has been given keys, it must be called in each worker, too. concurrency then is each worker's.

        Returns:
            Their outcomes, in the order in which they end.
        """
        return self._iterate(
            self._async.upload_files, files, concurrency=concurrency, progress=progress, executor=executor
        )

    def download_files(
        self,
        files: Iterable[tuple[str, str | os.PathLike[str]]] | AsyncIterable[tuple[str, str | os.PathLike[str]]],
        *,
        concurrency: int | None = None,
        progress: ProgressCallback | None = None,
        executor: Executor | None = None,
    ) -> Iterator[Result[None]]:
        """Fetch many objects into files, several at a time (S3: GetObject).

        Args:
            files: pairs (key, local_filepath), of any number.
            concurrency: how many at a time; max_concurrency when not given.
            progress: as in upload_files().
            executor: as in upload_files().

        Returns:
            Their outcomes, in the order in which they end.
        """
        return self._iterate(
            self._async.download_files, files, concurrency=concurrency, progress=progress, executor=executor
        )

    def plan_upload_dir(
        self,
        local_dir: str | os.PathLike[str],
        prefix: str = "",
        *,
        delete: bool = False,
        include: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
        **options: Unpack[PutKeywords],
    ) -> DirPlan:
        """Compare a directory with the objects below a prefix, and say what an upload would do (S3: ListObjectsV2).

        What is the same is not transferred again: files of the size of their object are read, and compared with its
        etag (the MD5 of the content, or of its parts') or, where that says nothing, with the checksum that the server
        keeps (S3: HeadObject). Times are not compared, nor are metadata and other options.

        Symlinks are not followed, and left out like devices and the like, and like files whose name ends in ".s3part"
        (downloads on their way). Empty directories leave no trace on S3.

        Patterns are compared with the whole path relative to the directory: "*" is anything within a name, "?" one
        character, "[ab]" one of some, "**" any directories, "a/" all below a. So "*.jpg" means those at the top,
        "**/*.jpg" all. What is not selected is neither transferred nor deleted.

        Args:
            local_dir: the directory to read.
            prefix: how the keys begin: "photos" and "photos/" are both the objects below "photos/".
            delete: whether to delete the objects below the prefix that the directory doesn't have.
            include: a pattern, or several: only what one of them matches.
            exclude: a pattern, or several: nothing that one of them matches.
            options: put()'s keywords, for every object.

        Returns:
            The plan. Nothing has been changed yet.

        Raises:
            FileNotFoundError, NotADirectoryError: there is no such directory.
            IntegrityError: the server broke off the listing; nothing can be planned, and so nothing deleted.
            InvalidInput: an argument can't be right.

        Example:
            >>> plan = await bucket.plan_upload_dir("photos", "backup")
            >>> print(plan)
            upload from .../photos to s3://.../backup/
              upload 1 file, 16 B
                'cat.jpg' (new, 16 B)
              unchanged: 0 files, 0 B
            >>> report = await plan.run()
            >>> report.transferred
            1
        """
        return self._front(
            DirPlan,
            self._async.plan_upload_dir,
            local_dir,
            prefix,
            delete=delete,
            include=include,
            exclude=exclude,
            **options,
        )

    def plan_download_dir(
        self,
        prefix: str,
        local_dir: str | os.PathLike[str],
        *,
        delete: bool = False,
        include: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> DirPlan:
        """Compare the objects below a prefix with a directory, and say what a download would do (S3: ListObjectsV2).

        Contents are compared as plan_upload_dir() does it. Keys that can't become files below the directory are
        refused: those that would lead out of it, those that are both a file and a directory ("a" and "a/b"), those
        that differ only in case where the file system doesn't tell, and those in whose way a symlink stands. A plan
        that refuses something is not carried out; leave it out by exclude. Keys that end in "/" become directories.

        Args:
            prefix: how the keys begin: "photos" and "photos/" are both the objects below "photos/"; "" is all.
            local_dir: the directory to fill; it is made if it isn't there.
            delete: whether to delete the files below the directory that the prefix doesn't have. Directories stay.
            include: a pattern as of plan_upload_dir(), or several: only what one of them matches.
            exclude: a pattern, or several: nothing that one of them matches.

        Returns:
            The plan. Nothing has been changed yet.

        Raises:
            IntegrityError: the server broke off the listing; nothing can be planned, and so nothing deleted.
            InvalidInput: an argument can't be right.

        Example:
            >>> info = await bucket.put("photos/cat.jpg", b"not really a cat")
            >>> plan = await bucket.plan_download_dir("photos", "no such directory")
            >>> [(item.action, item.path, item.size) async for item in plan.items()]
            [('download', 'cat.jpg', 16)]
        """
        return self._front(
            DirPlan, self._async.plan_download_dir, prefix, local_dir, delete=delete, include=include, exclude=exclude
        )

    def upload_dir(
        self,
        local_dir: str | os.PathLike[str],
        prefix: str = "",
        *,
        delete: bool = False,
        dry_run: bool = False,
        include: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
        concurrency: int | None = None,
        progress: ProgressCallback | None = None,
        executor: Executor | None = None,
        **options: Unpack[PutKeywords],
    ) -> DirReport:
        """Store the files of a directory that the prefix doesn't have, or has otherwise (S3: PutObject and others).

        It is plan_upload_dir() and its plan's run() in one.

        Args:
            local_dir: the directory to read.
            prefix: how the keys begin.
            delete: whether to delete the objects below the prefix that the directory doesn't have, at the end.
            dry_run: whether to do nothing, and only say what would be done.
            include: as of plan_upload_dir().
            exclude: as of plan_upload_dir().
            concurrency: how many files at a time; max_concurrency when not given.
            progress: as in put(); done and total are of all files together, key is that which has just moved.
            executor: as in upload_files(): its workers transfer the files, and must see the directory under the same
                path. What is to be deleted is deleted from here.
            options: put()'s keywords, for every object.

        Returns:
            What was done.

        Raises:
            InvalidInput: an argument can't be right, or the plan refuses something; nothing was transferred.
            BulkError: some files failed; its results hold every outcome.
            BucketException: whatever plan_upload_dir() raises.
        """
        return self._call(
            self._async.upload_dir,
            local_dir,
            prefix,
            delete=delete,
            dry_run=dry_run,
            include=include,
            exclude=exclude,
            concurrency=concurrency,
            progress=progress,
            executor=executor,
            **options,
        )

    def download_dir(
        self,
        prefix: str,
        local_dir: str | os.PathLike[str],
        *,
        delete: bool = False,
        dry_run: bool = False,
        include: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
        concurrency: int | None = None,
        progress: ProgressCallback | None = None,
        executor: Executor | None = None,
    ) -> DirReport:
        """Fetch the objects below a prefix that the directory doesn't have, or has otherwise (S3: GetObject).

        It is plan_download_dir() and its plan's run() in one. Each file appears when all of it has arrived.

        Args:
            prefix: how the keys begin.
            local_dir: the directory to fill; it is made if it isn't there.
            delete: whether to delete the files below the directory that the prefix doesn't have, at the end.
            dry_run: whether to do nothing, and only say what would be done.
            include: as of plan_upload_dir().
            exclude: as of plan_upload_dir().
            concurrency: how many files at a time; max_concurrency when not given.
            progress: as in put(); done and total are of all files together, key is that which has just moved.
            executor: as in upload_files(): its workers transfer the files, and must see the directory under the same
                path. What is to be deleted is deleted from here.

        Returns:
            What was done.

        Raises:
            InvalidInput: an argument can't be right, or the plan refuses something; nothing was transferred.
            BulkError: some files failed; its results hold every outcome.
            BucketException: whatever plan_download_dir() raises.
        """
        return self._call(
            self._async.download_dir,
            prefix,
            local_dir,
            delete=delete,
            dry_run=dry_run,
            include=include,
            exclude=exclude,
            concurrency=concurrency,
            progress=progress,
            executor=executor,
        )

    def check(self, prefix: str = "s3-bucket-check/") -> Report:
        """Find out what works here, and which settings this store needs.

        It writes a few small objects, reads, lists, rewrites and deletes them (S3: HeadBucket, PutObject, GetObject,
        ListObjectsV2, ListObjectVersions, CreateMultipartUpload, UploadPart, CompleteMultipartUpload,
        ListMultipartUploads, AbortMultipartUpload, DeleteObject, DeleteObjects). Whatever happens, they are deleted.

        Args:
            prefix: how the keys of those objects begin, for credentials that may not write everywhere.

        Returns:
            What was found, in words: print it. Its ``settings`` are the keywords of init() that this store needs, and
            its ``ok`` says whether there is no problem. What doesn't work is a finding, not an exception: missing
            permissions, a missing bucket, wrong credentials or the wrong region.

        Raises:
            InvalidInput: the prefix can't be the beginning of a key.

        Example:
            >>> report = await bucket.check()
            >>> report.ok
            True
            >>> print(report)
            bucket ... works:
            ok      bucket: it is there
            ...
        """
        return self._call(self._async.check, prefix)

    def abort_stale_uploads(self, older_than: timedelta | float, prefix: str = "") -> Sequence[UploadInfo]:
        """Abort the multipart uploads that killed processes have left (S3: ListMultipartUploads, AbortMultipartUpload).

        What fails or is cancelled cleans up after itself. A process that is killed can't, and the parts that it had
        sent take up space, unseen and paid for, until their upload is aborted.

        Args:
            older_than: how long ago they must have begun, by the server's clock: a timedelta, or seconds. Take more
                than the longest upload takes that may be on its way: it would fail.
            prefix: how the keys must begin.

        Returns:
            The uploads that were aborted.

        Raises:
            InvalidInput: older_than is no length of time.
            BucketException: one could not be aborted; those before it are.

        Example:
            >>> await bucket.abort_stale_uploads(2 * 86_400, "incoming/")
            []
        """
        return self._call(self._async.abort_stale_uploads, older_than, prefix)

    def create(self, *, exist_ok: bool = False) -> None:
        """Make the bucket, in the region of the settings (S3: CreateBucket).

        Args:
            exist_ok: a bucket that is there already and is yours is no error.

        Raises:
            BucketAlreadyExists: the name is taken. (In us-east-1, S3 says so only of other accounts' buckets.)
        """
        self._call(self._async.create, exist_ok=exist_ok)

    def delete_bucket(self) -> None:
        """Delete the bucket, which must be empty (S3: DeleteBucket).

        Raises:
            BucketNotEmpty: it is not.
            NoSuchBucket: there is none.
        """
        self._call(self._async.delete_bucket)

    def bucket_exists(self) -> bool:
        """Return whether there is a bucket of that name (S3: HeadBucket).

        Raises:
            BucketAccessDenied: there is one, but it is not yours.
        """
        return self._call(self._async.bucket_exists)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send any S3 operation, with this library's errors: for what has no method of its own.

        Args:
            operation: S3's name for it, such as "PutBucketCors".
            parameters: S3's names for them; Bucket is filled in.

        Returns:
            The answer, with S3's names. A streamed body is read into bytes.

        Raises:
            InvalidInput: there is no such operation, or its parameters are not right.

        Example:
            >>> answer = await bucket.call("GetBucketLocation")
        """
        return self._call(self._async.call, operation, **parameters)
