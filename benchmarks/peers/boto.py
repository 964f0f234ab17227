"""boto3."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from benchmarks.peers import peer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Boto3(peer.Blocking):
    """Its S3 client."""

    def open(self) -> None:
        """Make the client."""
        setup = self.setup
        self.client = boto3.client(
            "s3",
            endpoint_url=setup.endpoint,
            region_name=setup.region,
            aws_access_key_id=setup.key_id,
            aws_secret_access_key=setup.secret,
            verify=setup.ca,
            config=Config(max_pool_connections=setup.concurrency, s3={"addressing_style": "path"}),
        )
        self.transfer = TransferConfig(max_concurrency=setup.concurrency, preferred_transfer_client="classic")

    def get(self, key: str) -> int:
        """Use get_object, and all of its body."""
        return len(self.client.get_object(Bucket=self.setup.bucket, Key=key)["Body"].read())

    def put(self, key: str, data: bytes) -> None:
        """Use put_object."""
        self.client.put_object(Bucket=self.setup.bucket, Key=key, Body=data)

    def download(self, key: str) -> int:
        """Use download_fileobj."""
        file = io.BytesIO()
        self.client.download_fileobj(self.setup.bucket, key, file, Config=self.transfer)
        return file.getbuffer().nbytes

    def upload(self, key: str, data: bytes) -> None:
        """Use upload_fileobj."""
        self.client.upload_fileobj(io.BytesIO(data), self.setup.bucket, key, Config=self.transfer)

    def download_file(self, key: str, path: str) -> None:
        """Use download_file."""
        self.client.download_file(self.setup.bucket, key, path, Config=self.transfer)

    def upload_file(self, path: str, key: str) -> None:
        """Use upload_file."""
        self.client.upload_file(path, self.setup.bucket, key, Config=self.transfer)

    def upload_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Use upload_file, each in a thread of ours: a pool of its own for each would be slower still."""
        self.transfer = TransferConfig(use_threads=False, preferred_transfer_client="classic")
        super().upload_files(files)

    def list(self) -> int:
        """Use the paginator."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.setup.bucket)
        return sum(len(page["Contents"]) for page in pages)

    def delete_many(self, keys: Sequence[str]) -> None:
        """Use delete_objects."""
        with ThreadPoolExecutor(self.setup.concurrency) as threads:
            for _ in threads.map(self._delete, peer.thousands(keys)):
                pass

    def _delete(self, keys: Sequence[str]) -> None:
        named = {"Objects": [{"Key": key} for key in keys]}
        answer = self.client.delete_objects(Bucket=self.setup.bucket, Delete=named)
        if len(answer.get("Deleted", ())) != len(keys):
            raise RuntimeError(f"deleted only {len(answer.get('Deleted', ()))}: {answer.get('Errors')}")
