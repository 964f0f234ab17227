"""A real S3 beside the scripted one, where there is one: `python -m tests.servers.ceph` starts Ceph for a command."""

from __future__ import annotations

import os
from typing import Any

from tests.servers.ceph import KEYS

ENDPOINT = os.environ.get("CEPH_URL", "")


def settings() -> dict[str, Any]:
    """Return the settings of a bucket there."""
    [(key_id, secret), *_] = KEYS.items()
    return {
        "endpoint_url": ENDPOINT,
        "aws_access_key_id": key_id,
        "aws_secret_access_key": secret,
        "region": "us-east-1",
    }
