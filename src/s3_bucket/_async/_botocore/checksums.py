"""Which checksum goes with what is sent: CRC32, or Content-MD5 where a vendor refuses that."""

from __future__ import annotations

import base64
import hashlib
import logging
import zlib
from typing import TYPE_CHECKING, Any

from s3_bucket import _sums
from s3_bucket._async import _checksums
from s3_bucket._async._botocore import answers
from s3_bucket.exceptions import BucketException

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from s3_bucket._models import Buffer
    from s3_bucket._store import Upload

_REFUSALS = frozenset({400, 501})
_REFUSED = frozenset({"InvalidArgument", "InvalidRequest", "NotImplemented", "MalformedHeader", "UnsupportedHeader"})
"""What vendors say who don't know a header; others name it in their message."""
_MODE = "x-amz-checksum-mode"

_log = logging.getLogger("s3_bucket")


class Checksums:
    """What one endpoint is sent. With "auto", it is learned from the first answer whether it takes a CRC32."""

    def __init__(self, setting: str, endpoint: str, *, asks: bool = True, deletes_by_md5: bool = False) -> None:
        self._setting = setting
        self._crc32 = setting != "when_required"
        self.is_learning = setting == "auto"
        """Whether it isn't known yet: until then, what is sent must go through sent()."""
        self._endpoint = endpoint
        self.asks = asks
        """Whether GetObject asks for the checksum of what is stored, to compare it."""
        self._deletes_by_md5 = deletes_by_md5

    @property
    def deletes_by_md5(self) -> bool:
        """Whether DeleteObjects, which must carry a checksum, carries a Content-MD5."""
        return self._deletes_by_md5 or not self._crc32

    async def of(self, body: Buffer, algorithm: str | None = None) -> dict[str, str]:
        """Return the parameter that carries the checksum of a body: by this algorithm, if one was asked for."""
        if algorithm is not None:
            return {f"Checksum{algorithm}": await _checksums.of(algorithm, body)}
        return await _checksums.summed(self.made, body)

    def made(self, body: Buffer) -> dict[str, str]:
        """Make it here and now: of a body that is short."""
        return _crc32(body) if self._crc32 else _md5(body)

    def of_deletion(self, body: Buffer) -> dict[str, str]:
        """Return the parameter that carries the checksum of DeleteObjects."""
        return _md5(body) if self.deletes_by_md5 else _crc32(body)

    async def of_part(self, upload: Upload, body: Buffer, *, is_signed: bool) -> dict[str, str]:
        """Return the parameter that carries the checksum of a part.

        A server that doesn't keep a CRC32 of the object needs none of its parts where the signature covers their
        SHA-256, which it verifies.
        """
        if self._setting == "auto" and self._crc32 and upload.checksum is None and is_signed and not upload.algorithm:
            return {}
        return await self.of(body, upload.algorithm)

    def of_parts(self, algorithm: str | None) -> dict[str, str]:
        """Return the parameters by which the parts of a multipart upload are announced to have checksums."""
        if algorithm in _sums.SHAS:  # which can't be put together to that of the whole
            return {"ChecksumAlgorithm": algorithm}
        wanted = self._crc32 or algorithm is not None
        return {"ChecksumAlgorithm": "CRC32", "ChecksumType": answers.FULL_OBJECT} if wanted else {}

    async def sent(
        self, checksum: dict[str, str], send: Callable[[dict[str, str]], Awaitable[Any]], chosen: str | None = None
    ) -> Any:
        """Send; if a vendor refuses it for the checksum, send it without, this time and from then on.

        But not where its algorithm was chosen: then the refusal is the answer.
        """
        if chosen is not None:
            return await send(checksum)
        try:
            answer = await send(checksum)
        except BucketException as error:
            if not self.is_learning or "ContentMD5" in checksum or not _is_refusal(error):
                raise
            answer = await send({})
            self._give_up(error)
        else:
            # A Content-MD5 says nothing of CRC32: there may be uploads on their way that began with one, to be refused.
            self.is_learning = self.is_learning and (not checksum or "ContentMD5" in checksum)
        return answer

    def look_at(self, error: Exception) -> None:
        """Let a GetObject that was refused for asking for the checksum be asked again, and from now on without.

        There may be several on their way that have asked.
        """
        if not isinstance(error, BucketException) or error.status not in _REFUSALS:
            return
        if _MODE not in (error.error_message or "").lower():
            return
        error.retryable = True
        if self.asks:
            self.asks = False
            what = "%s refuses to be asked for checksums: what is read can't be compared with them"
            _log.warning(what, self._endpoint)

    def without_mode(self, request: Any, **_: Any) -> None:
        """Keep botocore from asking for it (botocore's before-sign)."""
        if not self.asks:
            del request.headers[_MODE]

    def _give_up(self, error: BucketException) -> None:
        if self._crc32:
            self._crc32 = False
            _log.warning(
                "%s refuses CRC32 checksums (%s): Content-MD5 is sent from now on, as with checksums='when_required'",
                self._endpoint,
                error.error_code,
            )


def _is_refusal(error: BucketException) -> bool:
    named = "checksum" in (error.error_message or "").lower()
    return error.status in _REFUSALS and (named or error.error_code in _REFUSED)


def _crc32(body: Buffer) -> dict[str, str]:
    return {"ChecksumCRC32": _sums.text(zlib.crc32(body))}


def _md5(body: Buffer) -> dict[str, str]:
    return {"ContentMD5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}
