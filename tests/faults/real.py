"""A real S3 beside the scripted one, where the environment names it: ``S3_TEST_ENDPOINT`` and the keys for it."""

from __future__ import annotations

import os
from typing import Any

ENDPOINT = os.environ.get("S3_TEST_ENDPOINT", "")


def settings() -> dict[str, Any]:
    """Return the settings of a bucket there."""
    return {
        "endpoint_url": ENDPOINT,
        "aws_access_key_id": os.environ["S3_TEST_ACCESS_KEY"],
        "aws_secret_access_key": os.environ["S3_TEST_SECRET_KEY"],
        "region": os.environ.get("S3_TEST_REGION", "us-east-1"),
    }
