"""WireStore: the ObjectStore that signs and sends the hot operations itself, over connections of its own.

Everything else goes through the reference, a BotocoreStore. Where to, with which credentials and at what time: that
comes from there, too, and what an answer means is read from the same tables.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NoReturn, Self

from s3_bucket import _plan
from s3_bucket._async import _checksums
from s3_bucket._async._botocore import answers
from s3_bucket._async._botocore.client import LONGEST_ANSWER, LONGEST_ERROR
from s3_bucket._async._botocore.errors import translated
from s3_bucket._async._botocore.signing import CUSTOMER_KEY, Note, customer_keys, mask_errors
from s3_bucket._async._botocore.wiring import document
from s3_bucket._async._errors import Target
from s3_bucket._async._sigv4 import EMPTY_SHA256, UNSIGNED, Signer, encoded_path
from s3_bucket._async._wire import documents, requests
from s3_bucket._async._wire.http1 import LATER
from s3_bucket._async._wire.pool import Pool
from s3_bucket._store import GetRequest, Part, PutOptions
from s3_bucket.events import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from s3_bucket._async._botocore.store import BotocoreStore
    from s3_bucket._async._botocore.wiring import Endpoint, Wiring
    from s3_bucket._async._wire.http1 import Connection, Sink
    from s3_bucket._config import Settings
    from s3_bucket._models import Buffer, ObjectInfo
    from s3_bucket._store import (
        Arrival,
        ListRequest,
        Page,
        Presigned,
        PresignRequest,
        Stored,
        Upload,
        UploadsPage,
        Written,
    )
    from s3_bucket.exceptions import BucketException

_FIRST_ERROR = 300
_OK, _FAILED = 200, 500
_WITH_A_BODY = frozenset({"PUT", "POST"})


class Elsewhere(Exception):  # noqa: N818  # no error
    """The request is one for the reference."""


@dataclass(slots=True)
class Asking:
    """A request before it is signed.

    Attributes:
        query: as it is sent.
        headers: whatever else is signed.
        sink: where the body of the answer goes, unless it is short.
        payload: the hash of the body, or what stands in its place.
        moment: the server's time with which it is signed, in seconds since the epoch.
        since: when that was, by the monotonic clock.
        credentials: with which it is signed; None, if it isn't.
        most: bytes of a short answer, if it is none of the shortest.
        document: the XML that was answered, if any was.
    """

    target: Target
    method: str
    query: str
    headers: dict[str, str] = field(repr=False)
    sink: Sink | None = None
    body: Buffer = b""
    payload: str = EMPTY_SHA256
    moment: float = 0.0
    since: float = 0.0
    credentials: Any = field(default=None, repr=False)
    most: int = 0
    document: Element | None = None


class Receiving:
    """Where the body of a GetObject goes: known when the head of the answer has come."""

    __slots__ = ("answer", "arrival", "request", "target")

    def __init__(self, target: Target, request: GetRequest, arrival: Arrival) -> None:
        self.target = target
        self.request = request
        self.arrival = arrival
        self.answer: dict[str, Any] | None = None
        """The answer's head, if it doesn't say how long the body is."""

    def __call__(self, status: int, headers: Mapping[str, bytes], length: int | None) -> Buffer | None:
        if status >= _FIRST_ERROR:
            return None
        answer = requests.answer(status, headers)
        answers.require(self.target, answer, "ETag")
        if length is None:
            length = _plan.range_length(self.request.range and answer.get("ContentRange"))
        if length is None:
            self.answer = answer
            return LATER
        return self.begin(answer, length)

    def begin(self, answer: Mapping[str, Any], length: int) -> memoryview:
        """Return the buffer for the body."""
        request = self.request
        start, size = _plan.placed(request.range, answers.status(answer), answer.get("ContentRange"), length)
        return self.arrival.begin(answers.info(request.key, answer, size), start, start + length)

    def check(self, connection: Connection) -> None:
        """Raise unless as much has come as was announced."""
        piece = self.arrival.whole()
        # Where less was wanted than was announced, what comes beyond it is none too much.
        too_much = connection.exceeded and len(piece.data) == piece.stop - piece.start
        if connection.received < len(piece.data) or too_much:
            raise answers.not_whole(self.target, piece, connection.received)


class WireStore:
    """S3, or what speaks like it, without anything in between."""

    def __init__(self, reference: BotocoreStore, wiring: Wiring, pool: Pool) -> None:
        self._reference = reference
        self._wiring = wiring
        self._pool = pool
        self._checksums = reference.checksums
        self._unsigned = f"user-agent: {wiring.user_agent}\r\naccept-encoding: identity\r\n"
        self._signers: dict[tuple[str, str], Signer] = {}
        self._credentials: Any = None

    @classmethod
    async def open(cls, reference: BotocoreStore, settings: Settings) -> Self:
        """Return a store on top of another one, which it closes with itself; no request is sent yet."""
        wiring = reference.wiring()
        context = await asyncio.to_thread(wiring.context)
        pool = Pool(context, settings.connect_timeout, settings.read_timeout, settings.max_concurrency)
        return cls(reference, wiring, pool)

    async def aclose(self) -> None:
        """Close the connections."""
        try:
            await self._pool.aclose()
        finally:
            await self._reference.aclose()

    # The hot operations

    async def get(self, request: GetRequest, arrival: Arrival) -> None:
        target = Target("GetObject", request.bucket, request.key)
        headers = requests.get_headers(request)
        if self._checksums.asks:
            headers["x-amz-checksum-mode"] = "ENABLED"
        sink = Receiving(target, request, arrival)
        asking = Asking(target, "GET", requests.get_query(request), headers, sink)
        try:
            endpoint = self._wiring.known(request.bucket) or await self._endpoint(target)
            if not endpoint.origin.is_secure:
                check_no_secret(headers)
            connection = self._pool.kept(endpoint.origin) or await self._made(target, endpoint)
            try:
                await self._sent(asking, endpoint, connection)
                if sink.answer is not None:  # the length isn't known
                    buffer = sink.begin(sink.answer, (await self.head(request)).size)
                    self._pool.watch(connection)
                    await connection.receive(buffer)
                sink.check(connection)
            finally:
                if arrival.piece is not None:
                    arrival.filled = connection.received
                self._pool.give_back(endpoint.origin, connection)
        except Elsewhere:
            return await self._reference.get(request, arrival)
        except Exception as error:  # noqa: BLE001  # told apart there
            self._checksums.look_at(error)
            raise_translated(target, error)
        piece = arrival.whole()
        if piece.info.checksums:
            await _checksums.check_piece(request, piece)
        return None

    async def head(self, request: GetRequest) -> ObjectInfo:
        target = Target("HeadObject", request.bucket, request.key)
        try:
            answer = await self._head(target, request)
        except Elsewhere:
            return await self._reference.head(request)
        return answers.info(request.key, answer, answer["ContentLength"])

    async def stored(self, bucket: str, key: str, customer: Mapping[str, str] | None = None) -> Stored:
        target = Target("HeadObject", bucket, key)
        try:
            answer = await self._head(target, GetRequest(bucket, key, customer=customer))
        except Elsewhere:
            return await self._reference.stored(bucket, key, customer)
        return answers.stored(target, answer)

    async def _head(self, target: Target, request: GetRequest) -> dict[str, Any]:
        # Without the checksums: for them, S3 wants the permission to use the object's KMS key.
        headers, query = requests.get_headers(request), requests.get_query(request)
        answer = await self._asked(Asking(target, "HEAD", query, headers))
        answers.require(target, answer, "ETag", "ContentLength")
        return answer

    async def delete(self, request: GetRequest) -> None:
        target = Target("DeleteObject", request.bucket, request.key)
        headers, query = requests.get_headers(request), requests.delete_query(request)
        try:
            answer = await self._asked(Asking(target, "DELETE", query, headers))
        except Elsewhere:
            return await self._reference.delete(request)
        return answers.require_s3(target, answer)

    async def delete_batch(self, bucket: str, keys: Sequence[str]) -> Mapping[str, BucketException]:
        target = Target("DeleteObjects", bucket)
        body = documents.deletion_body(keys)
        headers = requests.checksum_headers(await _checksums.summed(self._checksums.of_deletion, body))
        payload = await _checksums.summed(_sha256, body)
        asking = Asking(target, "POST", "delete=", headers, None, body, payload, most=LONGEST_ANSWER)
        try:
            answer = await self._told(asking, documents.deletion)
        except Elsewhere:
            return await self._reference.delete_batch(bucket, keys)
        return answers.batch_errors(bucket, keys, answer)

    async def list_page(self, request: ListRequest, token: str | None, max_keys: int) -> Page:
        target = Target("ListObjectsV2", request.bucket)
        asking = Asking(target, "GET", documents.listing_query(request, token, max_keys), {}, most=LONGEST_ANSWER)
        try:
            answer = await self._told(asking, documents.listing)
        except Elsewhere:
            return await self._reference.list_page(request, token, max_keys)
        return answers.page(target, answer, token)

    async def put(self, bucket: str, key: str, body: Buffer, options: PutOptions) -> Written:
        target = Target("PutObject", bucket, key, options.if_absent)
        if not requests.is_known(options):
            return await self._reference.put(bucket, key, body, options)
        if len(body) <= _checksums.QUICK and options.algorithm is None:
            checksum = self._checksums.made(body)
        else:
            checksum = await self._checksums.of(body, options.algorithm)
        try:
            answer = await self._uploaded(target, "", body, options, checksum)
        except Elsewhere:
            return await self._reference.put(bucket, key, body, options)
        return answers.written(target, answer)

    async def upload_part(self, upload: Upload, number: int, body: Buffer) -> Part:
        target = Target("UploadPart", upload.bucket, upload.key)
        query = requests.part_query(upload.upload_id, number)
        try:
            endpoint = self._wiring.known(upload.bucket) or await self._endpoint(target)
            is_signed = not endpoint.origin.is_secure and not self._wiring.is_anonymous
            checksum = await self._checksums.of_part(upload, body, is_signed=is_signed)
            answer = await self._uploaded(target, query, body, _options_of(upload), checksum)
        except Elsewhere:
            return await self._reference.upload_part(upload, number, body)
        answers.require(target, answer, "ETag")
        return Part.of(upload.algorithm, number, answer["ETag"], len(body), checksum)

    async def _uploaded(
        self, target: Target, query: str, body: Buffer, options: PutOptions, checksum: dict[str, str]
    ) -> dict[str, Any]:
        endpoint = self._wiring.known(target.bucket or "") or await self._endpoint(target)
        is_short, is_secure = len(body) <= _checksums.QUICK, endpoint.origin.is_secure

        async def send(checksum: dict[str, str]) -> dict[str, Any]:
            payload = UNSIGNED
            if not checksum or not is_secure:
                payload = _sha256(body) if is_short else await _checksums.summed(_sha256, body)
            headers = requests.put_headers(options, checksum)
            return await self._asked(Asking(target, "PUT", query, headers, None, body, payload))

        settled = options.algorithm is not None or not self._checksums.is_learning
        answer: dict[str, Any] = await (send(checksum) if settled else self._checksums.sent(checksum, send))
        return answer

    # One request

    async def _endpoint(self, target: Target) -> Endpoint:
        try:
            endpoint = await self._wiring.endpoint(target.bucket or "")
        except Exception as error:  # noqa: BLE001  # told apart there
            raise_translated(target, error, sent=False)
        if endpoint is None:
            raise Elsewhere
        return endpoint

    async def _made(self, target: Target, endpoint: Endpoint) -> Connection:
        try:
            return await self._pool.made(endpoint.origin)
        except Exception as error:  # noqa: BLE001  # told apart there
            raise_translated(target, error, sent=False)

    async def _asked(self, asking: Asking) -> dict[str, Any]:
        """Send a request whose answer is short; return the answer under botocore's names."""
        target = asking.target
        endpoint = self._wiring.known(target.bucket or "") or await self._endpoint(target)
        if not endpoint.origin.is_secure:
            check_no_secret(asking.headers)
        connection = self._pool.kept(endpoint.origin) or await self._made(target, endpoint)
        try:
            await self._sent(asking, endpoint, connection)
        except Exception as error:  # noqa: BLE001  # told apart there
            raise_translated(target, error)
        finally:
            self._pool.give_back(endpoint.origin, connection)
        return requests.answer(connection.status, connection.headers)

    async def _told(self, asking: Asking, read: Callable[[Element], dict[str, Any]]) -> dict[str, Any]:
        """Send a request that is answered with XML; return what it says, too."""
        answer = await self._asked(asking)
        if asking.document is not None:
            with translated(asking.target):
                answer |= read(asking.document)
        mask_errors(answer, _note(asking))
        return answer

    async def _sent(self, asking: Asking, endpoint: Endpoint, connection: Connection) -> None:
        """Sign and send, and receive the answer; raise if it is a refusal."""
        credentials = None
        if not self._wiring.is_anonymous:
            credentials = self._wiring.frozen() or await self._wiring.credentials()
            if credentials is None:
                raise Elsewhere  # the reference says what is missing
        asking.credentials = credentials
        asking.moment, asking.since = time() + self._wiring.clock.ahead, monotonic()
        self._pool.watch(connection)
        head = self._head_of(asking, endpoint)
        bodiless = asking.method == "HEAD"
        await connection.exchange(
            head, asking.body, asking.sink, bodiless=bodiless, most=LONGEST_ERROR, most_of_success=asking.most
        )
        status, body = connection.status, connection.body
        answered.set(status)
        if body and status == _OK and asking.sink is None:
            asking.document = document(body)
            if asking.document is not None and asking.document.tag == "Error":
                status = _FAILED
        if status >= _FIRST_ERROR:
            headers = connection.headers
            if self._wiring.is_elsewhere(asking.target, status, headers, body):
                raise Elsewhere
            await self._wiring.refuse(asking.target, status, headers, body, _note(asking))

    def _head_of(self, asking: Asking, endpoint: Endpoint) -> bytes:
        """Return the request's line and headers, signed."""
        headers, method, query, credentials = asking.headers, asking.method, asking.query, asking.credentials
        path = endpoint.path + encoded_path(asking.target.key) if asking.target.key else endpoint.root
        headers["host"] = endpoint.host
        if credentials is not None:
            signer = self._signer(credentials, endpoint)
            headers["x-amz-content-sha256"] = asking.payload
            headers["x-amz-date"] = signer.at(asking.moment)
            if credentials.token:
                headers["x-amz-security-token"] = credentials.token
            headers["authorization"] = signer.authorization(method, path, query, headers, asking.payload)
        length = len(asking.body) if method in _WITH_A_BODY else None
        return requests.head(method, path, query, headers, self._unsigned, length)

    def _signer(self, credentials: Any, endpoint: Endpoint) -> Signer:
        if credentials is not self._credentials:
            self._signers.clear()
            self._credentials = credentials
        place = (endpoint.region, endpoint.service)
        signer = self._signers.get(place)
        if signer is None:
            signer = self._signers[place] = Signer(credentials.access_key, credentials.secret_key, *place)
        return signer

    # What the reference does

    async def create_upload(self, bucket: str, key: str, options: PutOptions) -> Upload:
        return await self._reference.create_upload(bucket, key, options)

    async def complete_upload(self, upload: Upload, parts: Sequence[Part], options: PutOptions) -> Written:
        return await self._reference.complete_upload(upload, parts, options)

    async def abort_upload(self, upload: Upload) -> None:
        await self._reference.abort_upload(upload)

    async def list_uploads(self, bucket: str, prefix: str, after: tuple[str, str] | None) -> UploadsPage:
        return await self._reference.list_uploads(bucket, prefix, after)

    async def head_bucket(self, bucket: str) -> None:
        await self._reference.head_bucket(bucket)

    async def create_bucket(self, bucket: str) -> None:
        await self._reference.create_bucket(bucket)

    async def presign(self, request: PresignRequest) -> Presigned:
        return await self._reference.presign(request)

    async def call(self, bucket: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return await self._reference.call(bucket, operation, parameters)


def raise_translated(target: Target, error: Exception, *, sent: bool = True) -> NoReturn:
    """Raise this library's exception for whatever went wrong."""
    if isinstance(error, Elsewhere):
        raise error
    with translated(target, sent=sent):
        raise error
    raise error  # pragma: no cover  # translated() never swallows


def check_no_secret(headers: Mapping[str, str]) -> None:
    """Raise Elsewhere if a customer's key would go over plain HTTP: the reference refuses that."""
    if CUSTOMER_KEY in headers:
        raise Elsewhere


def _options_of(upload: Upload) -> PutOptions:
    """Return what goes with each part."""
    return PutOptions(upload.customer, algorithm=upload.algorithm)


def _sha256(data: Buffer) -> str:
    return hashlib.sha256(data).hexdigest()


def _note(asking: Asking) -> Note:
    keys, credentials = customer_keys(asking.headers), asking.credentials
    if credentials is None:
        return Note(keys)
    signature = asking.headers["authorization"].rsplit("=", 1)[-1]
    secrets = [*keys, *filter(None, (credentials.access_key, credentials.secret_key, credentials.token)), signature]
    return Note(secrets, credentials, datetime.fromtimestamp(asking.moment, UTC), asking.since)
