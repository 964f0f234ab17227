"""checksum=: the checksum that S3 keeps is the one that was asked for, and of nothing else than was said."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import s3_bucket as S3
from tests.conformance.conftest import PART, drip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def of(algorithm: str, data: bytes) -> str:
    """Return the checksum of bytes."""
    return base64.b64encode(DIGESTS[algorithm](data)).decode()


def of_parts(algorithm: str, data: bytes) -> str:
    """Return the checksum of parts' checksums; CRC32 is the whole's."""
    if algorithm == "CRC32":
        return of(algorithm, data)
    digests = [DIGESTS[algorithm](data[at : at + PART]) for at in range(0, len(data), PART)]
    return f"{of(algorithm, b''.join(digests))}-{len(digests)}"


async def write(bucket: S3.AsyncBucket, data: bytes, path: Path, **options: Any) -> S3.ObjectInfo:
    """Write through a writer."""
    async with bucket.open_writer("key", **options) as writer:
        await writer.write(data)
    return writer.info


async def upload(bucket: S3.AsyncBucket, data: bytes, path: Path, **options: Any) -> S3.ObjectInfo:
    """Upload a file."""
    await anyio.Path(path).write_bytes(data)
    return await bucket.upload_file(path, "key", **options)


WAYS: dict[str, Callable[..., Any]] = {
    "put": lambda bucket, data, path, **options: bucket.put("key", data, **options),
    "stream": lambda bucket, data, path, **options: bucket.put("key", drip(data), **options),
    "open_writer": write,
    "upload_file": upload,
    "resume": lambda *given, **options: upload(*given, resume=True, **options),
}


@pytest.mark.parametrize("algorithm", DIGESTS)
async def test_kept(bucket: S3.AsyncBucket, algorithm: Any, data: bytes) -> None:
    """The checksum that was asked for is kept with the object, and told."""
    info = await bucket.put("key", data[:100], checksum=algorithm)
    assert info.checksums == {algorithm: of(algorithm, data[:100])}
    got = await bucket.get("key")
    assert (got.data, got.info.checksums) == (data[:100], info.checksums)


@pytest.mark.parametrize("algorithm", DIGESTS)
async def test_kept_of_parts(bucket: S3.AsyncBucket, algorithm: Any, data: bytes) -> None:
    """That of an object of parts is made of its parts' checksums; a CRC32 is that of the whole."""
    info = await bucket.put("key", data, checksum=algorithm)
    assert info.checksums == {algorithm: of_parts(algorithm, data)}
    assert (await bucket.get("key")).data == data


@pytest.mark.parametrize("size", [0, 100, PART + 1])
@pytest.mark.parametrize("algorithm", DIGESTS)
@pytest.mark.parametrize("way", WAYS)
async def test_expected(
    bucket: S3.AsyncBucket,
    way: str,
    algorithm: Any,
    size: int,
    data: bytes,
    tmp_path: Path,
    uploads: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has the checksum that was said is stored; anything else isn't, and leaves nothing."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    whole, other = data[:size], data[1 : size + 2]
    with pytest.raises(S3.IntegrityError, match=algorithm) as caught:
        await WAYS[way](bucket, other, tmp_path / "file", checksum={algorithm: of(algorithm, whole)})
    assert of(algorithm, other) in str(caught.value)
    assert (caught.value.key, caught.value.retryable) == ("key", False)
    assert not await bucket.exists("key")
    info = await WAYS[way](bucket, whole, tmp_path / "file", checksum={algorithm: of(algorithm, whole)})
    assert info.size == size
    assert (await bucket.get("key")).data == whole
    assert await uploads() == []


async def test_json(bucket: S3.AsyncBucket) -> None:
    """put_json() takes it, too."""
    with pytest.raises(S3.IntegrityError):
        await bucket.put_json("key", [1, 2], checksum={"SHA256": of("SHA256", b"[2,1]")})
    assert not await bucket.exists("key")


@pytest.mark.parametrize("if_absent", [False, True], ids=["whole", "in parts"])
async def test_copy(bucket: S3.AsyncBucket, *, if_absent: bool, data: bytes) -> None:
    """A copy gets the checksum that is asked for, whatever the source has."""
    await bucket.put("source", data[:100])
    await bucket.copy("source", "copy", checksum="SHA256", if_absent=if_absent)
    expected = of_parts("SHA256", data[:100]) if if_absent else of("SHA256", data[:100])
    head = await bucket.call("HeadObject", Key="copy", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == expected
    await bucket.copy("source", "source", checksum="SHA1")  # which is a change
    assert (await bucket.get("source")).data == data[:100]


@pytest.mark.parametrize(
    "wrong",
    [
        *("MD5", "sha256", "", 5, {}),
        *({"SHA256": None}, {"SHA256": "AAAA"}, {"CRC32": "not base64"}, {"CRC32": 5}),
        *({"CRC32": "AAAAAA==", "SHA1": "AAAA"}, {"CRC32C": "AAAAAA=="}),
    ],
    ids=repr,
)
async def test_no_checksum(unreachable: S3.AsyncBucket, wrong: Any) -> None:
    """What is no checksum is refused, and nothing is sent."""
    with pytest.raises(S3.InvalidInput) as caught:
        await unreachable.put("key", b"", checksum=wrong)
    assert caught.value.argument == "checksum"


async def test_not_known_beforehand(unreachable: S3.AsyncBucket, tmp_path: Path) -> None:
    """Where there can't be one value, or nobody could send it, it is refused."""
    known: Any = {"CRC32": "AAAAAA=="}
    calls = (
        unreachable.copy("a", "b", checksum=known),
        unreachable.move("a", "b", checksum=known),
        unreachable.plan_upload_dir(tmp_path, checksum=known),
        unreachable.presign_put("key", checksum="SHA256"),
    )
    for call in calls:
        with pytest.raises(S3.InvalidInput) as caught:
            await call
        assert caught.value.argument == "checksum"


async def test_upload_dir(bucket: S3.AsyncBucket, tmp_path: Path) -> None:
    """An algorithm holds for every file of a directory."""
    await anyio.Path(tmp_path / "file").write_bytes(b"data")
    await bucket.upload_dir(tmp_path, checksum="SHA256")
    assert (await bucket.get("file")).info.checksums == {"SHA256": of("SHA256", b"data")}
