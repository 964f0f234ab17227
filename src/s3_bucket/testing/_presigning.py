"""What a fake presigns: of the right form, and good for nothing. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from s3_bucket import _presign
from s3_bucket._async._sigv4 import canonical_query, encoded_path
from s3_bucket._async._wire import requests
from s3_bucket._store import Presigned

if TYPE_CHECKING:
    from datetime import datetime

    from s3_bucket._store import PresignRequest

NOBODY = "http://127.0.0.1:1"
"""Where nobody listens: who asks there is refused at once, and no name is looked up."""
_SIGNATURE = "fake"
_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")


def presigned(request: PresignRequest, now: datetime) -> Presigned:
    """Return the request as if it were signed: it shows what was asked for."""
    expires = now + timedelta(seconds=request.expires_in)
    named = requests.put_headers(request.options, {})
    where = f"{NOBODY}/{request.bucket}"
    if request.operation == "PostObject":
        fields = {**request.fields, **named}
        policy = _presign.policy(request.bucket, expires, fields, request.conditions)
        return Presigned(where, expires, fields={**fields, "policy": policy, "x-amz-signature": _SIGNATURE})
    query = {_in_a_query(name): value for name, value in request.parameters.items()}
    query |= {"X-Amz-Expires": str(request.expires_in), "X-Amz-Signature": _SIGNATURE}
    return Presigned(f"{where}/{encoded_path(request.key)}?{canonical_query(query.items())}", expires, headers=named)


def _in_a_query(name: str) -> str:
    return "versionId" if name == "VersionId" else _CAPITAL.sub("-", name).lower()
