"""minio."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import urllib3
from minio import Minio as Client
from minio.deleteobjects import DeleteObject

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Minio(peer.Blocking):
    """Its client."""

    def open(self) -> None:
        """Make the client, with as many connections as there are calls at a time."""
        setup = self.setup
        tls = {"ca_certs": setup.ca, "cert_reqs": "CERT_REQUIRED"} if setup.ca else {}
        self.client = Client(
            setup.host,
            access_key=setup.key_id,
            secret_key=setup.secret,
            region=setup.region,
            secure=setup.tls,
            http_client=urllib3.PoolManager(maxsize=setup.concurrency, **tls),
        )

    def get(self, key: str) -> int:
        """Use get_object, and all of its body."""
        answer = self.client.get_object(self.setup.bucket, key)
        try:
            return len(answer.data)
        finally:
            answer.close()
            answer.release_conn()

    def put(self, key: str, data: bytes) -> None:
        """Use put_object."""
        self.client.put_object(self.setup.bucket, key, io.BytesIO(data), len(data))

    def upload(self, key: str, data: bytes) -> None:
        """Use put_object, in parts."""
        self.client.put_object(
            self.setup.bucket,
            key,
            io.BytesIO(data),
            len(data),
            part_size=peer.PART,
            num_parallel_uploads=self.setup.concurrency,
        )

    def download_file(self, key: str, path: str) -> None:
        """Use fget_object."""
        self.client.fget_object(self.setup.bucket, key, path)

    def upload_file(self, path: str, key: str) -> None:
        """Use fput_object."""
        parallel = self.setup.concurrency
        self.client.fput_object(self.setup.bucket, key, path, part_size=peer.PART, num_parallel_uploads=parallel)

    def list(self) -> int:
        """Use list_objects."""
        return sum(1 for _ in self.client.list_objects(self.setup.bucket, recursive=True))

    def delete_many(self, keys: Sequence[str]) -> None:
        """Use remove_objects, which yields what failed."""
        for error in self.client.remove_objects(self.setup.bucket, map(DeleteObject, keys)):
            raise RuntimeError(str(error))
