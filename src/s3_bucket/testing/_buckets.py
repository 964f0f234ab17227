"""The operations on buckets, and on what belongs to an object besides its bytes."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_bucket.testing._objects import ARCHIVES, is_restored
from s3_bucket.testing._server import OWNER, STATUS, Operation, Server, object_of, operation, version_told
from s3_bucket.testing._state import Refused, StoredBucket

if TYPE_CHECKING:
    from s3_bucket.testing._state import Parameters

US_EAST = "us-east-1"


def create_bucket(server: Server, parameters: Parameters) -> dict[str, Any]:
    """CreateBucket. Made twice in us-east-1, a bucket stays as it is; elsewhere that is an error."""
    name = parameters["Bucket"]
    region = parameters.get("CreateBucketConfiguration", {}).get("LocationConstraint") or US_EAST
    there = server.buckets.get(name)
    if there is not None and (there.region, region) != (US_EAST, US_EAST):
        why = "Your previous request to create the named bucket succeeded and you already own it."
        raise Refused(409, "BucketAlreadyOwnedByYou", why)
    if there is None:
        has_locks = bool(parameters.get("ObjectLockEnabledForBucket"))
        server.buckets[name] = StoredBucket(name, region, server.now(), has_locks=has_locks)
    return {"Location": f"/{name}"}


def head_bucket(server: Server, parameters: Parameters) -> dict[str, Any]:
    """HeadBucket."""
    return {"BucketRegion": server.bucket(parameters).region}


def delete_bucket(server: Server, parameters: Parameters) -> dict[str, Any]:
    """DeleteBucket."""
    bucket = server.bucket(parameters)
    if bucket.versions:
        raise Refused(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
    del server.buckets[bucket.name]
    return {STATUS: 204}


def list_buckets(server: Server, parameters: Parameters) -> dict[str, Any]:
    """ListBuckets."""
    prefix = parameters.get("Prefix", "")
    found = [bucket for name, bucket in sorted(server.buckets.items()) if name.startswith(prefix)]
    buckets = [{"Name": bucket.name, "CreationDate": bucket.created, "BucketRegion": bucket.region} for bucket in found]
    return {"Buckets": buckets, "Owner": OWNER}


def location(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetBucketLocation, which has no name for us-east-1."""
    region = server.bucket(parameters).region
    return {"LocationConstraint": None if region == US_EAST else region}


def put_versioning(server: Server, parameters: Parameters) -> dict[str, Any]:
    """PutBucketVersioning."""
    server.bucket(parameters).versioning = parameters["VersioningConfiguration"]["Status"]
    return {}


def get_versioning(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetBucketVersioning."""
    status = server.bucket(parameters).versioning
    return {"Status": status} if status else {}


class Kept(NamedTuple):
    """What can be put to a bucket, and comes back as it was put.

    Attributes:
        parameter: under which name it is put.
        missing: the code of the answer where none was put.
        is_wrapped: whether it comes back under that name, too; otherwise its fields do.
    """

    parameter: str
    missing: str
    is_wrapped: bool = False


_KEPT = {
    "BucketCors": Kept("CORSConfiguration", "NoSuchCORSConfiguration"),
    "BucketLifecycleConfiguration": Kept("LifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    "BucketPolicy": Kept("Policy", "NoSuchBucketPolicy", is_wrapped=True),
    "BucketTagging": Kept("Tagging", "NoSuchTagSet"),
    "BucketWebsite": Kept("WebsiteConfiguration", "NoSuchWebsiteConfiguration"),
    "BucketEncryption": Kept(
        "ServerSideEncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError", is_wrapped=True
    ),
    "PublicAccessBlock": Kept(
        "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration", is_wrapped=True
    ),
    "BucketOwnershipControls": Kept("OwnershipControls", "OwnershipControlsNotFoundError", is_wrapped=True),
    "ObjectLockConfiguration": Kept("ObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", is_wrapped=True),
}


def _put_kept(name: str, server: Server, parameters: Parameters) -> dict[str, Any]:
    server.bucket(parameters).kept[name] = parameters[_KEPT[name].parameter]
    return {}


def _get_kept(name: str, server: Server, parameters: Parameters) -> dict[str, Any]:
    kept = server.bucket(parameters).kept
    if name not in kept:
        raise Refused(404, _KEPT[name].missing, "The bucket has none")
    return {_KEPT[name].parameter: kept[name]} if _KEPT[name].is_wrapped else dict(kept[name])


def _delete_kept(name: str, server: Server, parameters: Parameters) -> dict[str, Any]:
    server.bucket(parameters).kept.pop(name, None)
    return {STATUS: 204}


def _operations_on(name: str) -> dict[str, Operation]:
    delete = {"BucketLifecycleConfiguration": "BucketLifecycle"}.get(name, name)
    return {
        f"Put{name}": operation(
            partial(_put_kept, name), f"Bucket {_KEPT[name].parameter}", "ChecksumAlgorithm ContentMD5 Token"
        ),
        f"Get{name}": operation(partial(_get_kept, name)),
        f"Delete{delete}": operation(partial(_delete_kept, name)),
    }


def put_tagging(server: Server, parameters: Parameters) -> dict[str, Any]:
    """PutObjectTagging."""
    version = object_of(server, parameters)
    version.tags = {tag["Key"]: tag["Value"] for tag in parameters["Tagging"]["TagSet"]}
    return version_told(server, parameters, version)


def get_tagging(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetObjectTagging."""
    version = object_of(server, parameters)
    tags = [{"Key": name, "Value": value} for name, value in version.tags.items()]
    return {"TagSet": tags, **version_told(server, parameters, version)}


def delete_tagging(server: Server, parameters: Parameters) -> dict[str, Any]:
    """DeleteObjectTagging."""
    version = object_of(server, parameters)
    version.tags = {}
    return {STATUS: 204, **version_told(server, parameters, version)}


_ALL = "http://acs.amazonaws.com/groups/global/AllUsers"
_KNOWN = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
_GRANTS = {
    "public-read": [(_ALL, "READ")],
    "public-read-write": [(_ALL, "READ"), (_ALL, "WRITE")],
    "authenticated-read": [(_KNOWN, "READ")],
}


def put_acl(server: Server, parameters: Parameters) -> dict[str, Any]:
    """PutObjectAcl, by a canned name."""
    object_of(server, parameters).acl = parameters["ACL"]
    return {}


def get_acl(server: Server, parameters: Parameters) -> dict[str, Any]:
    """GetObjectAcl."""
    acl = object_of(server, parameters).acl
    own = {"Grantee": {"Type": "CanonicalUser", **OWNER}, "Permission": "FULL_CONTROL"}
    others = [
        {"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission} for uri, permission in _GRANTS.get(acl, [])
    ]
    return {"Owner": OWNER, "Grants": [own, *others]}


def restore(server: Server, parameters: Parameters) -> dict[str, Any]:
    """RestoreObject: what takes hours elsewhere is done at once."""
    version = object_of(server, parameters)
    if version.told.get("StorageClass") not in ARCHIVES:
        raise Refused(403, "InvalidObjectState", "Restore is not allowed for the object's current storage class")
    status = 200 if is_restored(server, version) else 202
    days = parameters.get("RestoreRequest", {}).get("Days", 1)
    version.restored_until = server.now() + timedelta(days=days)
    return {STATUS: status}


OPERATIONS: dict[str, Operation] = {
    "CreateBucket": operation(
        create_bucket, "Bucket", "CreateBucketConfiguration ObjectLockEnabledForBucket ACL ObjectOwnership"
    ),
    "HeadBucket": operation(head_bucket),
    "DeleteBucket": operation(delete_bucket),
    "ListBuckets": operation(list_buckets, "", "Prefix MaxBuckets"),
    "GetBucketLocation": operation(location),
    "PutBucketVersioning": operation(
        put_versioning, "Bucket VersioningConfiguration", "ChecksumAlgorithm ContentMD5 MFA"
    ),
    "GetBucketVersioning": operation(get_versioning),
    "PutObjectTagging": operation(put_tagging, "Bucket Key Tagging", "VersionId ChecksumAlgorithm ContentMD5"),
    "GetObjectTagging": operation(get_tagging, "Bucket Key", "VersionId"),
    "DeleteObjectTagging": operation(delete_tagging, "Bucket Key", "VersionId"),
    "PutObjectAcl": operation(put_acl, "Bucket Key ACL", "VersionId ChecksumAlgorithm ContentMD5"),
    "GetObjectAcl": operation(get_acl, "Bucket Key", "VersionId"),
    "RestoreObject": operation(restore, "Bucket Key", "RestoreRequest VersionId ChecksumAlgorithm"),
    **{name: found for kept in _KEPT for name, found in _operations_on(kept).items()},
}
