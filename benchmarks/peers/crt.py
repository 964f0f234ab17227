"""s3transfer's manager over awscrt: boto3 uses it in the same way, but over HTTPS only."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from s3transfer.crt import (
    BotocoreCRTCredentialsWrapper,
    BotocoreCRTRequestSerializer,
    CRTTransferManager,
    create_s3_crt_client,
)

from benchmarks.peers import peer


class Crt(peer.Blocking):
    """Its transfers. How many requests it has under way, it decides itself."""

    def open(self) -> None:
        """Make the CRT's client and the manager."""
        setup = self.setup
        wrapper = BotocoreCRTCredentialsWrapper(Credentials(setup.key_id, setup.secret))
        client = create_s3_crt_client(
            setup.region,
            wrapper.to_crt_credentials_provider(),
            part_size=peer.PART,
            use_ssl=setup.tls,
            verify=setup.ca,
        )
        named: Any = {
            "region_name": setup.region,
            "endpoint_url": setup.endpoint,
            "verify": setup.ca,
            "config": Config(s3={"addressing_style": "path"}),
        }
        self.manager = CRTTransferManager(client, BotocoreCRTRequestSerializer(botocore.session.Session(), named))

    def get(self, key: str) -> int:
        """Connect: there is nothing but transfers, so the smallest of them."""
        pieces = _Counter()
        self.manager.download(self.setup.bucket, key, pieces).result()
        return pieces.size

    def download_file(self, key: str, path: str) -> None:
        """Use download."""
        self.manager.download(self.setup.bucket, key, path).result()

    def upload_file(self, path: str, key: str) -> None:
        """Use upload."""
        self.manager.upload(path, self.setup.bucket, key).result()


class _Counter:
    """A file that only counts."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        """Count."""
        self.size += len(data)
        return len(data)
