"""One suite over every server and both faces: a test takes a bucket, and doesn't know whose it is."""

from __future__ import annotations

import importlib
import os
import random
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio

from s3_bucket.testing import FakeS3
from tests.certificates import self_signed
from tests.conformance.faces import FACES
from tests.conformance.vendors import VENDORS, Vendor
from tests.servers.tls import terminated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import s3_bucket as S3

PART = 5 * 1024 * 1024
NOBODY = 65_534


class OpenBucket(Protocol):
    """Makes a bucket object of the face under test; no request is sent."""

    def __call__(self, name: str, **overrides: Any) -> S3.AsyncBucket:
        """Make it."""
        ...


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name, scope="session")
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """Return each server in turn."""
    vendor: Vendor = request.param
    return vendor


@pytest.fixture(scope="session")
def ceph_url() -> str:
    """Return the URL of the Ceph that this runs over: `python -m tests.servers.ceph` has started it."""
    return os.environ["CEPH_URL"]


@pytest.fixture(scope="session")
def fake_url() -> Iterator[str]:
    """Return the URL of an S3 in memory; any other is asked as ever."""
    url = "http://fake.invalid"
    with FakeS3(endpoint_url=url):
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the failures that the servers' tables name."""
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            for reason in _failures(item):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say where long bytes differ: where CI is set, pytest would look for every difference, and take minutes."""
    if op != "==" or not (isinstance(left, bytes) and isinstance(right, bytes)) or len(left) + len(right) < PART:
        return None
    pairs = enumerate(zip(left, right, strict=False))
    same = next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(left), len(right)))
    return [f"{len(left)} bytes == {len(right)} bytes", f"the first {same} of them are the same"]


def _failures(item: pytest.Function) -> Iterator[str]:
    vendor = item.callspec.params.get("vendor")
    for test, reason in vendor.fails.items() if isinstance(vendor, Vendor) else ():
        name, _, parameter = test.rstrip("]").partition("[")
        found = f"::{item.path.stem}::{item.originalname}".endswith(f"::{name}")
        if found and item.name.endswith(f"-{parameter}]" if parameter else "]"):
            yield reason


@pytest.fixture(params=FACES)
def open_bucket(request: pytest.FixtureRequest, vendor: Vendor) -> OpenBucket:
    """Return what makes a bucket of the face under test on the server under test."""
    face: Callable[..., S3.AsyncBucket] = FACES[request.param]
    endpoint_url: str = request.getfixturevalue(vendor.endpoint)

    def make(name: str, **overrides: Any) -> S3.AsyncBucket:
        return face(name, **{"endpoint_url": endpoint_url, "part_size": PART, **overrides})

    return make


@pytest_asyncio.fixture(loop_scope="session")
async def bucket(open_bucket: OpenBucket) -> S3.AsyncBucket:
    """Return a bucket that exists and is empty."""
    new = open_bucket(f"bucket-{uuid.uuid4().hex}")
    await new.create()
    return new


@pytest_asyncio.fixture(loop_scope="session")
async def versioned(bucket: S3.AsyncBucket) -> S3.AsyncBucket:
    """Return an empty bucket with versioning."""
    await bucket.call("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def secure_place(
    request: pytest.FixtureRequest, vendor: Vendor, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Any]]:
    """Return the settings of a bucket that is to be reached over TLS."""
    endpoint_url: str = request.getfixturevalue(vendor.endpoint)
    if not vendor.is_server:
        yield {"endpoint_url": endpoint_url}
        return
    certificate = tmp_path_factory.mktemp("tls") / "server.pem"
    async with terminated(endpoint_url, self_signed(certificate)) as url:
        yield {"endpoint_url": url, "verify": str(certificate)}


@pytest_asyncio.fixture(loop_scope="session")
async def secure(open_bucket: OpenBucket, secure_place: dict[str, Any]) -> S3.AsyncBucket:
    """Return a bucket that exists and is empty, over TLS."""
    new = open_bucket(f"bucket-{uuid.uuid4().hex}", **secure_place)
    await new.create()
    return new


@pytest_asyncio.fixture(loop_scope="session")
async def locking(open_bucket: OpenBucket) -> S3.AsyncBucket:
    """Return an empty bucket with Object Lock."""
    new = open_bucket(f"bucket-{uuid.uuid4().hex}")
    await new.call("CreateBucket", ObjectLockEnabledForBucket=True)
    return new


@pytest.fixture
def absent(open_bucket: OpenBucket) -> S3.AsyncBucket:
    """Return a bucket that doesn't exist."""
    return open_bucket(f"absent-{uuid.uuid4().hex}")


@pytest.fixture
def unreachable(open_bucket: OpenBucket) -> S3.AsyncBucket:
    """Return a bucket to which nothing can be sent: any request is a BucketConnectionError."""
    return open_bucket("nobody-listens", endpoint_url="http://127.0.0.1:1", max_attempts=1)


@pytest.fixture(scope="session")
def data() -> bytes:
    """Return two and a half parts of bytes of which no two parts are equal."""
    return random.Random(20_061_014).randbytes(PART * 5 // 2)  # noqa: S311  # no secret, and the same every time


@pytest_asyncio.fixture(loop_scope="session")
async def uploads(bucket: S3.AsyncBucket) -> Callable[[], Any]:
    """Return what lists the multipart uploads that have begun and not ended."""

    async def unfinished() -> list[dict[str, Any]]:
        return (await bucket.call("ListMultipartUploads")).get("Uploads", [])

    return unfinished


@pytest.fixture
def unprivileged(bucket: S3.AsyncBucket) -> Iterator[Path]:
    """Return a directory of the user nobody, who the process is meanwhile, if it was root: to root, all is writable.

    It wants a bucket, whose making has imported everything: the user nobody can't read a Python of root's home.
    """
    # Not where TMPDIR says: that may be in root's home, through which nobody else may go.
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        user = os.geteuid()
        if user == 0:
            os.chown(directory, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(directory)
        finally:
            os.seteuid(user)
            # What was looked for in vain meanwhile, a later test finds.
            importlib.invalidate_caches()


async def collected(items: AsyncIterator[Any]) -> list[Any]:
    """Return all items of an iteration."""
    return [item async for item in items]


async def drip(data: bytes, size: int = 700_001) -> AsyncIterator[bytes]:
    """Give the bytes piece by piece, in pieces that no part is a multiple of."""
    for at in range(0, len(data), size):
        yield data[at : at + size]
