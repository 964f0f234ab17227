"""The operations of the matrix: what is called, what comes out where all is well, and what that leaves behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.realm import Upload
from tests.faults.world import LARGE, MEDIUM, OLD, OLD_FILE, SMALL, TAGS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.faults.world import World

DONE = "done"
"""What an operation without a result returns here."""


def _nothing(_: World) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Operation:
    """One public call.

    Attributes:
        name: its column in the table.
        run: calls it on a bucket, and returns what is compared.
        value: what comes out where all is well.
        s3: the operations of S3 that it sends.
        calls: how many requests, where all is well.
        steps: these requests one by one, if they are of several kinds: what goes wrong may then begin at any of them.
        traits: what faults may look for: "data" (an object's bytes come), "range", "ranges" (several), "key", "keys",
            "in" (bytes are written), "options", "stream", "source", "destination", "bulk", "conditional" and so on.
            "keeps" is of those that leave what has been sent or has arrived, by design, for a later call to go on with.
        content: the bytes that are read or written.
        before: the objects that there must be.
        leaves: the objects that it changes, by key; None for one that is deleted.
        files: the files that it makes, by name.
    """

    name: str
    run: Callable[[Any, World], Awaitable[Any]] = field(repr=False)
    value: Callable[[World], Any] = field(repr=False)
    s3: frozenset[str]
    calls: int = 1
    traits: frozenset[str] = frozenset()
    content: bytes = field(default=SMALL, repr=False)
    before: Callable[[World], Mapping[str, bytes]] = field(default=_nothing, repr=False)
    leaves: Callable[[World], Mapping[str, bytes | None]] = field(default=_nothing, repr=False)
    files: Callable[[World], Mapping[str, bytes]] = field(default=_nothing, repr=False)
    prepare: Callable[[World], None] = field(default=lambda _: None, repr=False)
    steps: tuple[str, ...] = ()


async def _get(bucket: Any, world: World) -> bytes:
    return (await bucket.get(world.key)).data  # type: ignore[no-any-return]  # either face's


async def _get_range(bucket: Any, world: World) -> bytes:
    return (await bucket.get(world.key, range=(1_000, 2_500))).data  # type: ignore[no-any-return]  # either face's


async def _get_many(bucket: Any, world: World) -> dict[str, Any]:
    return {result.key: result.error or result.value async for result in bucket.get_many(world.keys)}


async def _get_json(bucket: Any, world: World) -> Any:
    return await bucket.get_json(world.key)


async def _read(bucket: Any, world: World) -> bytes:
    async with bucket.open_reader(world.key) as reader:
        return b"".join([chunk async for chunk in reader])


async def _download_file(bucket: Any, world: World) -> str:
    await bucket.download_file(world.key, world.destination)
    return DONE


async def _download_files(bucket: Any, world: World) -> dict[str, Any]:
    pairs = [(key, world.directory / str(number)) for number, key in enumerate(world.keys)]
    return await _outcomes(bucket.download_files(pairs))


async def _head(bucket: Any, world: World) -> int:
    return (await bucket.head(world.key)).size  # type: ignore[no-any-return]  # either face's


async def _exists(bucket: Any, world: World) -> Any:
    return await bucket.exists(world.key)


async def _list(bucket: Any, world: World) -> list[tuple[str, int]]:
    return [(info.key, info.size) async for info in bucket.list("many/")]


async def _put(bucket: Any, world: World) -> str:
    await bucket.put(world.key, world.content, **world.options)
    return DONE


async def _put_stream(bucket: Any, world: World) -> str:
    await bucket.put(world.key, world.pieces(), **world.options)
    return DONE


async def _put_if_absent(bucket: Any, world: World) -> str:
    await bucket.put(world.key, world.content, if_absent=True, **world.options)
    return DONE


async def _put_if_match(bucket: Any, world: World) -> str:
    there = world.hosted.realm.objects.get(world.key)
    etag = there.etag if there else "none"
    await bucket.put(world.key, world.content, if_match=etag, **world.options)
    return DONE


async def _put_json(bucket: Any, world: World) -> str:
    await bucket.put_json(world.key, _JSON, **world.options)
    return DONE


async def _put_many(bucket: Any, world: World) -> dict[str, Any]:
    return await _outcomes(bucket.put_many([(key, world.content) for key in world.keys]))


async def _write(bucket: Any, world: World) -> str:
    async with bucket.open_writer(world.key, **world.options) as writer:
        async for piece in world.pieces():
            await writer.write(piece)
    return DONE


async def _upload_file(bucket: Any, world: World) -> str:
    await bucket.upload_file(world.source, world.key, **world.options)
    return DONE


async def _upload_files(bucket: Any, world: World) -> dict[str, Any]:
    return await _outcomes(bucket.upload_files([(world.source, key) for key in world.keys]))


async def _delete(bucket: Any, world: World) -> str:
    await bucket.delete(world.key)
    return DONE


async def _delete_many(bucket: Any, world: World) -> dict[str, Any]:
    return await _outcomes(bucket.delete_many(world.keys))


async def _copy(bucket: Any, world: World) -> Any:
    return _copied(world, await bucket.copy(world.key, world.copy_key, **world.options))


async def _copy_if_absent(bucket: Any, world: World) -> Any:
    return _copied(world, await bucket.copy(world.key, world.copy_key, if_absent=True, **world.options))


async def _move(bucket: Any, world: World) -> Any:
    return _copied(world, await bucket.move(world.key, world.copy_key, **world.options))


def _copied(world: World, info: Any) -> tuple[str, int, dict[str, str]]:
    return info.key, info.size, world.tags(world.copy_key)


async def _update_json(bucket: Any, world: World) -> Any:
    value = await bucket.update_json(world.key, lambda value: {**value, "visits": value["visits"] + 1})
    return value, world.tags(world.key)


async def _tags(bucket: Any, world: World) -> Any:
    return await bucket.tags(world.key)


async def _set_tags(bucket: Any, world: World) -> Any:
    await bucket.set_tags(world.key, _NEW_TAGS)
    return world.tags(world.key)


async def _upload_resuming(bucket: Any, world: World) -> str:
    await bucket.upload_file(world.source, world.key, resume=True, **world.options)
    return DONE


async def _download_resuming(bucket: Any, world: World) -> str:
    await bucket.download_file(world.key, world.destination, resume=True)
    return DONE


async def _create(bucket: Any, world: World) -> str:
    await bucket.create()
    return DONE


async def _bucket_exists(bucket: Any, world: World) -> Any:
    return await bucket.bucket_exists()


async def _call(bucket: Any, world: World) -> Any:
    return (await bucket.call("GetBucketLocation"))["LocationConstraint"]


async def _abort_stale(bucket: Any, world: World) -> list[str]:
    return [upload.upload_id for upload in await bucket.abort_stale_uploads(older_than=3_600, prefix="many/")]


async def _outcomes(results: Any) -> dict[str, Any]:
    return {result.key: result.error or DONE async for result in results}


_JSON = {"numbers": list(range(200))}
_NEW_TAGS = {"project": "b", "owner": "<you>"}


def _json_bytes(_: World) -> bytes:
    return json.dumps(_JSON).encode()


def _visited(visits: int) -> dict[str, Any]:
    return {**_JSON, "visits": visits}


def _visited_bytes(world: World, visits: int) -> dict[str, bytes]:
    return {world.key: json.dumps(_visited(visits)).encode()}


def _one(world: World) -> dict[str, bytes]:
    return {world.key: world.content}


def _old(world: World) -> dict[str, bytes]:
    return {world.key: OLD}


def _all(world: World) -> dict[str, bytes]:
    return dict.fromkeys(world.keys, world.content)


def _all_done(world: World) -> dict[str, str]:
    return dict.fromkeys(world.keys, DONE)


def _stale(world: World) -> None:
    uploads = world.hosted.realm.uploads
    uploads["stale"] = Upload("many/0", {}, initiated="2020-01-01T00:00:00.000Z")
    uploads["foreign"] = Upload("else/0", {}, initiated="2020-01-01T00:00:00.000Z")
    uploads["young"] = Upload("many/0", {})
    world.planted = {"stale", "foreign", "young"}


_MULTIPART = frozenset({"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"})
_GET = frozenset({"GetObject"})
_PUT = frozenset({"PutObject"})
_done = lambda _: DONE  # as the others are
_READS = {"s3": _GET, "before": _one, "value": lambda world: world.content}
_WRITES = {"s3": _PUT, "value": _done, "before": _old, "leaves": _one}
_IN_PARTS = {**_WRITES, "s3": _MULTIPART, "calls": 4, "content": LARGE}


def _traits(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _in_steps(names: str) -> dict[str, Any]:
    steps = tuple(names.split())
    return {"s3": frozenset(steps), "calls": len(steps), "steps": steps}


def _onto_old(world: World) -> dict[str, bytes]:
    return {world.key: world.content, world.copy_key: OLD}


def _as_copy(world: World) -> dict[str, bytes]:
    return {world.copy_key: world.content}


_a_copy: Callable[[World], Any] = lambda world: (world.copy_key, len(world.content), TAGS)  # as the others are
_COPIES = {"value": _a_copy, "leaves": _as_copy}
_PART_COPY = (
    "HeadObject GetObjectTagging CreateMultipartUpload UploadPartCopy UploadPartCopy HeadObject HeadObject"
    " CompleteMultipartUpload HeadObject"
)
_json_value: Callable[[World], Any] = lambda _: _JSON  # as the others are
OPERATIONS: tuple[Operation, ...] = (
    Operation("get", _get, **_READS, traits=_traits("data key")),
    Operation("get, in ranges", _get, **_READS, calls=2, content=LARGE, traits=_traits("data key ranges")),
    Operation(
        "get(range=)",
        _get_range,
        value=lambda world: world.content[1_000:2_500],
        s3=_GET,
        before=_one,
        traits=_traits("data key range"),
    ),
    Operation("get_many", _get_many, _all, _GET, 3, _traits("data keys bulk"), before=_all),
    Operation(
        "get_json",
        _get_json,
        _json_value,
        _GET,
        traits=_traits("data key json"),
        before=lambda world: {world.key: _json_bytes(world)},
    ),
    Operation("open_reader", _read, **_READS, calls=3, content=MEDIUM, traits=_traits("data key ranges range")),
    Operation(
        "download_file",
        _download_file,
        _done,
        _GET,
        2,
        _traits("data key ranges range destination"),
        LARGE,
        before=_one,
        files=lambda world: {world.destination.name: world.content},
    ),
    Operation(
        "download_files",
        _download_files,
        _all_done,
        _GET,
        3,
        _traits("data keys bulk range"),
        before=_all,
        files=lambda world: {str(number): world.content for number, _ in enumerate(world.keys)},
    ),
    Operation(
        "head", _head, lambda world: len(world.content), frozenset({"HeadObject"}), 1, _traits("key head"), before=_one
    ),
    Operation("exists", _exists, lambda _: True, frozenset({"HeadObject"}), 1, _traits("key head"), before=_one),
    Operation(
        "list",
        _list,
        lambda world: [(key, len(world.content)) for key in world.keys],
        frozenset({"ListObjectsV2"}),
        2,
        _traits("xml list"),
        before=_all,
    ),
    Operation("put", _put, **_WRITES, traits=_traits("key options in")),
    Operation("put, in parts", _put, **_IN_PARTS, traits=_traits("key options in")),
    Operation("put(stream)", _put_stream, **_IN_PARTS, traits=_traits("key options in stream")),
    Operation("put(if_absent)", _put_if_absent, _done, _PUT, leaves=_one, traits=_traits("key options in conditional")),
    Operation(
        "put(if_absent), in parts",
        _put_if_absent,
        _done,
        _MULTIPART,
        4,
        leaves=_one,
        content=LARGE,
        traits=_traits("key options in conditional"),
    ),
    Operation("put(if_match)", _put_if_match, **_WRITES, traits=_traits("key options in conditional")),
    Operation(
        "put_json",
        _put_json,
        _done,
        _PUT,
        before=_old,
        leaves=lambda world: {world.key: _json_bytes(world)},
        traits=_traits("key options in json"),
    ),
    Operation("put_many", _put_many, _all_done, _PUT, 3, _traits("keys bulk in"), leaves=_all),
    Operation("open_writer", _write, **_IN_PARTS, traits=_traits("key options in stream")),
    Operation("upload_file", _upload_file, **_IN_PARTS, traits=_traits("key options in source")),
    Operation("upload_files", _upload_files, _all_done, _PUT, 3, _traits("keys bulk in source"), leaves=_all),
    Operation(
        "delete",
        _delete,
        _done,
        frozenset({"DeleteObject"}),
        1,
        _traits("key"),
        before=_one,
        leaves=lambda world: {world.key: None},
    ),
    Operation(
        "delete_many",
        _delete_many,
        _all_done,
        frozenset({"DeleteObjects"}),
        1,
        _traits("xml keys bulk"),
        before=_all,
        leaves=lambda world: dict.fromkeys(world.keys),
    ),
    Operation("create", _create, _done, frozenset({"CreateBucket"}), traits=_traits("bucket")),
    Operation(
        "bucket_exists", _bucket_exists, lambda _: True, frozenset({"HeadBucket"}), traits=_traits("bucket head")
    ),
    Operation("call", _call, lambda _: "eu-west-1", frozenset({"GetBucketLocation"}), traits=_traits("bucket xml raw")),
    Operation(
        "abort_stale_uploads",
        _abort_stale,
        lambda _: ["stale"],
        frozenset({"ListMultipartUploads", "AbortMultipartUpload"}),
        2,
        _traits("xml"),
        prepare=_stale,
    ),
    Operation(
        "copy",
        _copy,
        **_COPIES,
        **_in_steps("HeadObject CopyObject HeadObject"),
        traits=_traits("key options copies tags"),
        before=_onto_old,
    ),
    Operation(
        "copy(if_absent), in parts",
        _copy_if_absent,
        **_COPIES,
        **_in_steps(_PART_COPY),
        content=LARGE,
        traits=_traits("key options copies tags conditional"),
        before=_one,
    ),
    Operation(
        "move",
        _move,
        value=_a_copy,
        **_in_steps("HeadObject CopyObject HeadObject HeadObject DeleteObject"),
        traits=_traits("key options copies tags moves"),
        before=_onto_old,
        leaves=lambda world: {**_as_copy(world), world.key: None},
    ),
    Operation(
        "update_json",
        _update_json,
        value=lambda _: (_visited(2), TAGS),
        **_in_steps("GetObject GetObjectTagging PutObject"),
        traits=_traits("data key json conditional tags"),
        before=lambda world: _visited_bytes(world, 1),
        leaves=lambda world: _visited_bytes(world, 2),
    ),
    Operation(
        "upload_file(resume)",
        _upload_resuming,
        **_WRITES | _in_steps("CreateMultipartUpload UploadPart UploadPart CompleteMultipartUpload"),
        content=LARGE,
        traits=_traits("key options in source keeps"),
    ),
    Operation(
        "download_file(resume)",
        _download_resuming,
        _done,
        _GET,
        2,
        _traits("data key ranges range destination keeps"),
        LARGE,
        before=_one,
        files=lambda world: {world.destination.name: world.content},
    ),
    Operation("tags", _tags, lambda _: TAGS, frozenset({"GetObjectTagging"}), 1, _traits("key xml tags"), before=_one),
    Operation(
        "set_tags",
        _set_tags,
        lambda _: _NEW_TAGS,
        frozenset({"PutObjectTagging"}),
        1,
        _traits("key tags"),
        before=_one,
    ),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
__all__ = ["BY_NAME", "DONE", "OLD_FILE", "OPERATIONS", "Operation"]
