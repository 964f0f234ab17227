"""The operations' common ground: what a fake S3 has, whose it is like, what time it is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from s3_bucket.testing._state import NO_VERSION, Parameters, Refused, StoredBucket, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_bucket.testing._personality import Personality

Handler: TypeAlias = "Callable[[Server, Parameters], dict[str, Any]]"

OWNER = {"DisplayName": "fake", "ID": "0" * 64}
STATUS = "status"
"""Under this name a handler may put the status of its answer, where it is not 200."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What carries an operation out, and by which parameters it can be told how."""

    handler: Handler
    required: frozenset[str]
    optional: frozenset[str]


ANYWHERE = frozenset({"ExpectedBucketOwner", "RequestPayer"})
"""Parameters that change nothing here: there is one owner."""


def operation(handler: Handler, required: str = "Bucket", optional: str = "") -> Operation:
    """Return an operation; names are separated by spaces."""
    return Operation(handler, frozenset(required.split()), frozenset(optional.split()) | ANYWHERE)


@dataclass
class Server:
    """A fake S3.

    Attributes:
        ahead: how far its clock is ahead of this computer's.
    """

    personality: Personality
    buckets: dict[str, StoredBucket] = field(default_factory=dict[str, StoredBucket])
    ahead: timedelta = timedelta()
    _counted: int = 0

    def now(self) -> datetime:
        """Return the time at the server; objects are as old as whole seconds say, as in S3."""
        return (datetime.now(UTC) + self.ahead).replace(microsecond=0)

    def identified(self, kind: str) -> str:
        """Return an id that nothing else has."""
        self._counted += 1
        return f"{kind}-{self._counted:012}"

    def bucket(self, parameters: Parameters) -> StoredBucket:
        """Return the bucket that is asked of."""
        return self.named(parameters["Bucket"])

    def named(self, name: str) -> StoredBucket:
        """Return the bucket of that name."""
        if name not in self.buckets:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[name]

    def next_version(self, bucket: StoredBucket) -> str:
        """Return the id of the version that is written now."""
        return self.identified("version") if bucket.versioning == "Enabled" else NO_VERSION


def no_such_key() -> Refused:
    """Return the refusal for an object that is not there."""
    return Refused(404, "NoSuchKey", "The specified key does not exist.")


def object_of(server: Server, parameters: Parameters) -> Version:
    """Return the version that is asked for."""
    bucket, key, version_id = server.bucket(parameters), parameters["Key"], parameters.get("VersionId")
    if version_id is None:
        found = bucket.visible(key)
        if found is None:
            raise no_such_key()
        return found
    for version in bucket.versions.get(key, ()):
        if version.version_id == version_id:
            return _no_marker(version)
    raise Refused(404, "NoSuchVersion", "The specified version does not exist.")


def _no_marker(version: Version) -> Version:
    if version.content is None:
        raise Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    return version


def version_told(server: Server, parameters: Parameters, version: Version) -> dict[str, str]:
    """Return the version's id, in a bucket that has versions."""
    return {"VersionId": version.version_id} if server.bucket(parameters).versioning else {}


def quoted(etag: str) -> str:
    """Return the etag as it stands in a header."""
    return f'"{etag}"'


def bare(etag: str) -> str:
    """Return the etag without its quotes."""
    return etag.strip('"')
