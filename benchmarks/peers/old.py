"""Release 1.4.0 of this package."""

from __future__ import annotations

import s3_bucket as S3
from benchmarks.peers import peer


class Old(peer.Blocking):
    """Its bucket, which finds the endpoint in the environment only."""

    def open(self) -> None:
        """Make the bucket."""
        S3.Bucket.prepare(self.setup.key_id, self.setup.secret)
        self.bucket = S3.Bucket(self.setup.bucket)

    def get(self, key: str) -> int:
        """Use get."""
        data, _ = self.bucket.get(key)
        return len(data)

    def put(self, key: str, data: bytes) -> None:
        """Use put."""
        self.bucket.put(key, data)
