"""What users give is refused here, naming the argument, before anything is sent. Pure."""

from __future__ import annotations

import base64
import mimetypes
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args
from urllib.parse import quote, urlencode

from s3_bucket import _plan, _sums
from s3_bucket._directories import _globs
from s3_bucket._directories._globs import Selection
from s3_bucket._encryption import CUSTOMER, SSE
from s3_bucket._keeping import CannedACL, LockMode, ObjectLock, RestoreTier, StorageClass
from s3_bucket._store import WRITE_TOKEN, CopyRequest, GetRequest, ListRequest, PutOptions
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from typing import Unpack

    from s3_bucket._models import ByteRange, Checksum, PutKeywords

T = TypeVar("T")

MAX_KEY_BYTES = 1_024
MAX_TAGS = 10
MAX_SECONDS = timedelta.max.total_seconds()
MAX_TAG_NAME = 128
MAX_TAG_VALUE = 256

# Looser than S3's own rules, which other vendors don't share: just what can't go astray in a URL.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}|arn:[A-Za-z0-9:/_.-]{1,1000}", re.ASCII)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_/-]{1,1024}", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110, 5.6.2
_VISIBLE = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)
_TYPES = mimetypes.MimeTypes()  # made now: it reads the system's tables, which would hold up an event loop
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # https://www.w3.org/TR/xml/#charsets
_MOST_DAYS = 2**31
_SSE = ("AES256", "aws:kms", "aws:kms:dsse")


def bucket_name(name: str) -> str:
    """Return the name if it can be a bucket's."""
    return _named("bucket_name", name)


def _named(argument: str, name: str) -> str:
    if not isinstance(name, str) or not _BUCKET.fullmatch(name) or ".." in name:
        rule = "2 to 255 letters, digits, '-', '.' and '_', the first a letter or digit, and no two dots together"
        _refuse(argument, f"{name!r} can't be a bucket's name: {rule}")
    return name


def key(value: str, argument: str = "key") -> str:
    """Return the key if S3 can hold it, and every proxy on the way will leave it as it is."""
    if not isinstance(value, str) or not value:
        _refuse(argument, f"{value!r} can't be a key: expected a text that is not empty")
    if _PLAIN_KEY.fullmatch(value):
        return value
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        _refuse(argument, f"{value!r} can't be a key: it holds half of a surrogate pair, which UTF-8 can't encode")
    if length > MAX_KEY_BYTES:
        _refuse(argument, f"{value!r} can't be a key: {length} bytes of UTF-8 are more than {MAX_KEY_BYTES}")
    if not {".", ".."}.isdisjoint(value.split("/")):
        # RFC 3986, 6.2.2.3: any proxy may resolve them, and DELETE /bucket/. would become DELETE /bucket/.
        _refuse(argument, f"{value!r} can't be a key: '.' and '..' between slashes don't survive in a URL")
    return value


def fits_xml(object_key: str) -> bool:
    """Whether XML 1.0 can express the key: of control characters it has three, and U+FFFE and U+FFFF it lacks."""
    return not _NOT_XML.search(object_key)


def get_request(
    bucket: str,
    object_key: str,
    byte_range: ByteRange | None = None,
    version_id: str | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    response_content_type: str | None = None,
    encryption: SSE | None = None,
    *,
    bypass_governance: bool = False,
) -> GetRequest:
    """Return what to get, head or delete."""
    return GetRequest(
        bucket,
        key(object_key),
        None if byte_range is None else _byte_range(byte_range),
        None if version_id is None else _header("version_id", version_id),
        None if if_match is None else etag("if_match", if_match),
        None if if_none_match is None else etag("if_none_match", if_none_match),
        None if response_content_type is None else _header("response_content_type", response_content_type),
        customer=None if encryption is None else _customer(encryption),
        bypass_governance=bool(bypass_governance),
    )


def dir_request(bucket: str, prefix: str, delimiter: str) -> ListRequest:
    """Return what to list as a directory."""
    if not text("delimiter", delimiter):
        _refuse("delimiter", "expected a text that is not empty; list() lists without one")
    return ListRequest(bucket, text("prefix", prefix), delimiter=delimiter)


def list_request(bucket: str, prefix: str, start_after: str | None, limit: int | None) -> ListRequest:
    """Return what to list."""
    text("prefix", prefix)
    text("start_after", "" if start_after is None else start_after)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        _refuse("limit", f"expected a whole number from 0, not {limit!r}")
    return ListRequest(bucket, prefix, start_after, limit)


def concurrency(value: int | None) -> int | None:
    """Return how many at a time."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        _refuse("concurrency", f"expected a whole number from 1, not {value!r}")
    return value


def executor(value: Executor | None) -> Executor | None:
    """Return the executor, if it can be given something to do."""
    if value is not None and not callable(getattr(value, "submit", None)):
        _refuse("executor", f"expected a concurrent.futures.Executor, not {value!r}")
    return value


def put_options(
    object_key: str,
    *,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    if_absent: bool = False,
    if_match: str | None = None,
    cache_control: str | None = None,
    content_disposition: str | None = None,
    content_encoding: str | None = None,
    content_language: str | None = None,
    expires: datetime | None = None,
    storage_class: str | None = None,
    tags: Mapping[str, str] | None = None,
    encryption: SSE | str | None = None,
    checksum: Checksum | None = None,
    acl: CannedACL | None = None,
    lock: ObjectLock | None = None,
    legal_hold: bool = False,
) -> PutOptions:
    """Return what goes with an object that is written."""
    key(object_key)
    if if_absent and if_match is not None:
        _refuse("if_absent", "can't hold together with if_match: the one wants no object, the other wants one")
    texts = (
        ("ContentType", "content_type", guessed_type(object_key) if content_type is None else content_type),
        ("CacheControl", "cache_control", cache_control),
        ("ContentDisposition", "content_disposition", content_disposition),
        ("ContentEncoding", "content_encoding", content_encoding),
        ("ContentLanguage", "content_language", content_language),
        ("StorageClass", "storage_class", _plain(storage_class)),
    )
    headers = given_headers(texts)
    if expires is not None:
        headers["Expires"] = _expires(expires)
    if tags is not None:
        headers |= _tagging(tags)
    if encryption is not None:
        headers |= _encryption(encryption)
    if acl is not None:
        headers["ACL"] = _one_of("acl", acl, get_args(CannedACL))
    if lock is not None:
        headers |= {f"ObjectLock{name}": value for name, value in retention(lock).items()}
    if legal_hold is not False:
        headers["ObjectLockLegalHoldStatus"] = hold(legal_hold=legal_hold)["Status"]
    pairs = {} if metadata is None else _metadata(metadata)
    matching = None if if_match is None else etag("if_match", if_match)
    algorithm, expected = (None, None) if checksum is None else _checksum(checksum)
    return PutOptions(headers, pairs, matching, bool(if_absent), algorithm, expected)


def given_headers(texts: Iterable[tuple[str, str, str | None]]) -> dict[str, str]:
    """Return those of (S3's name, argument, text) that were given, if they can stand in headers."""
    return {name: _header(argument, value) for name, argument, value in texts if value is not None}


def copy_request(
    bucket: str,
    source_key: str,
    object_key: str,
    source_bucket: str | None = None,
    source_version_id: str | None = None,
    source_encryption: SSE | None = None,
    **given: Unpack[PutKeywords],
) -> CopyRequest:
    """Return what to copy where."""
    source = GetRequest(
        bucket if source_bucket is None else _named("source_bucket", source_bucket),
        key(source_key, "source_key"),
        version_id=None if source_version_id is None else _header("source_version_id", source_version_id),
        checksums=True,
        customer=None if source_encryption is None else _customer(source_encryption, "source_encryption"),
    )
    options = nothing_expected(put_options(object_key, **given), "S3 copies what is there")
    if given.get("content_type") is None:  # the source's, not what the key suggests
        options = options._replace(headers={name: v for name, v in options.headers.items() if name != "ContentType"})
    keeps_metadata, tags = given.get("metadata") is None, given.get("tags")
    request = CopyRequest(source, bucket, object_key, options, keeps_metadata, tags and dict(tags))
    if request.is_onto_itself and options.if_absent:
        _refuse("if_absent", f"{object_key!r} is copied onto itself, so there is an object")
    is_same = keeps_metadata and tags is None and not (options.headers or options.algorithm or source.customer)
    if request.is_onto_itself and source.version_id is None and is_same:
        _refuse("key", f"{object_key!r} would be copied onto itself unchanged: give another key, or what is to change")
    return request


def move_request(
    bucket: str,
    source_key: str,
    object_key: str,
    source_bucket: str | None = None,
    source_encryption: SSE | None = None,
    **given: Unpack[PutKeywords],
) -> CopyRequest:
    """Return what to copy where, of what is to be deleted then."""
    if (source_bucket in {None, bucket}) and source_key == object_key:
        _refuse("key", f"{object_key!r} can't be moved onto itself: it would be deleted")
    return copy_request(bucket, source_key, object_key, source_bucket, None, source_encryption, **given)


def attempts(value: int) -> int:
    """Return how often something is tried at most."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        _refuse("attempts", f"expected a whole number from 1, not {value!r}")
    return value


def document(argument: str, value: object) -> None:
    """Refuse what a block can't change; None stands for nothing."""
    if not isinstance(value, dict | list | None):
        _refuse(argument, f"expected a dict or a list, which a block can change, not {value!r}; or use update_json()")


def called(argument: str, value: T) -> T:
    """Return what can be called."""
    if not callable(value):
        _refuse(argument, f"expected a function, not {value!r}")
    return value


def tag_set(value: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that an object is to have."""
    _tagging(value)
    return dict(value)


def etag(argument: str, value: str) -> str:
    """Return the entity tag without its quotes: how it was copied from somewhere doesn't matter."""
    bare = _header(argument, value).removeprefix("W/").strip('"')
    if not bare:
        _refuse(argument, f"expected an etag, not {value!r}")
    return bare


def guessed_type(object_key: str) -> str | None:
    """Return the media type that the key's ending suggests."""
    name = object_key.rsplit("/", 1)[-1]
    if "." not in name:
        return None
    guess, encoding = _TYPES.guess_type("/" + name)
    # Of "a.tar.gz" the type of what is inside would be guessed, but the object itself is a gzip file.
    return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
        encoding or "", guess if encoding is None else None
    )


def _byte_range(value: ByteRange) -> ByteRange:
    start, stop = value if isinstance(value, tuple) and len(value) == 2 else (None, None)  # noqa: PLR2004  # a pair
    whole = type(start) is int and (stop is None or type(stop) is int)
    if not whole or start is None or (start < 0 and stop is not None) or (stop is not None and stop <= start):
        _refuse("range", f"expected (start, stop) with start < stop, (start, None) or (-n, None), not {value!r}")
    return start, stop


def _header(argument: str, value: str) -> str:
    """Return a text that can stand in a header; anything else could end it and begin another one."""
    if not isinstance(value, str) or not _VISIBLE.fullmatch(value):
        _refuse(argument, f"expected visible ASCII without spaces at its ends, not {value!r}")
    return value


def _expires(value: datetime) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        _refuse("expires", f"expected a datetime with a time zone, not {value!r}")
    from email.utils import format_datetime  # noqa: PLC0415  # 10 ms, of the 100 that the import of all may take

    return format_datetime(value.astimezone(UTC), usegmt=True)


def _encryption(value: SSE | str) -> dict[str, str]:
    if isinstance(value, SSE):
        return value.parameters
    if value in _SSE:
        return {"ServerSideEncryption": value}
    if not isinstance(value, str) or not re.fullmatch(r"arn:[!-~]+:kms:[!-~]+", value):
        _refuse("encryption", f"expected an S3.SSE, one of {', '.join(_SSE)} or the ARN of a KMS key, not {value!r}")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": value}


def _checksum(value: Checksum) -> tuple[str, str | None]:
    """Return the algorithm, and what must come out, if that is known."""
    if not isinstance(value, Mapping):
        return _one_of("checksum", value, tuple(_sums.BYTES)), None
    if len(value) != 1:
        names = ", ".join(_sums.BYTES)
        _refuse("checksum", f"expected one of {names}, or a mapping of one of them to its value, not {value!r}")
    [(name, text)] = value.items()
    algorithm = _one_of("checksum", name, tuple(_sums.BYTES))
    try:
        length = len(base64.b64decode(text, validate=True))
    except (TypeError, ValueError):
        length = -1
    if length != _sums.BYTES[algorithm]:
        _refuse("checksum", f"expected {_sums.BYTES[algorithm]} bytes of {algorithm} in base64, not {text!r}")
    return algorithm, text


def nothing_expected(options: PutOptions, why: str) -> PutOptions:
    """Refuse a checksum's value where it can't be that of the bytes; an algorithm may be named."""
    if options.expected is not None:
        _refuse("checksum", f"{why}; name the algorithm only")
    return options


def _customer(value: SSE, argument: str = "encryption") -> dict[str, str]:
    """Return the parameters that carry the key without which S3 can't read an object."""
    if not isinstance(value, SSE) or value.method != CUSTOMER:
        _refuse(argument, f"expected S3.SSE.c(key), not {value!r}: what S3 has the keys of is read without")
    return value.parameters


def _plain(value: str | None) -> str | None:
    """Return the text of a member of an enumeration of texts."""
    return str(value) if isinstance(value, StorageClass) else value


def _one_of(argument: str, value: str, expected: Sequence[str]) -> str:
    if value not in expected:
        _refuse(argument, f"expected one of {', '.join(expected)}, not {value!r}")
    return value


def retention(lock: ObjectLock) -> dict[str, str]:
    """Return the lock as S3 takes it."""
    if not isinstance(lock, ObjectLock):
        _refuse("lock", f"expected an S3.ObjectLock, not {lock!r}")
    mode, until = _one_of("lock", lock.mode, get_args(LockMode)), lock.until
    if not isinstance(until, datetime) or until.tzinfo is None:
        _refuse("lock", f"expected a datetime with a time zone for until, not {until!r}")
    try:
        return {"Mode": mode, "RetainUntilDate": moment(until)}
    except OverflowError:
        _refuse("lock", f"{until!r} is a time that UTC doesn't know")


def moment(time: datetime) -> str:
    """Return a time as it is sent, in UTC and to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def restoring(days: int | None, tier: RestoreTier) -> dict[str, Any]:
    """Return how an archived object is to be restored, as S3 takes it."""
    asked = {"GlacierJobParameters": {"Tier": _one_of("tier", tier, get_args(RestoreTier))}}
    if days is None:
        return asked
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days < _MOST_DAYS:
        _refuse("days", f"expected a whole number from 1, or None, not {days!r}")
    return {"Days": days, **asked}


def hold(*, legal_hold: bool) -> dict[str, str]:
    """Return a legal hold as S3 takes it."""
    if not isinstance(legal_hold, bool):
        _refuse("legal_hold", f"expected True or False, not {legal_hold!r}")
    return {"Status": "ON" if legal_hold else "OFF"}


def text(argument: str, value: str) -> str:
    """Return what a listing can be asked for: any text."""
    if not isinstance(value, str):
        _refuse(argument, f"expected a text, not {value!r}")
    _encodable(argument, value)
    return value


def seconds(argument: str, value: timedelta | float) -> float:
    """Return a length of time in seconds if it is longer than none."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= MAX_SECONDS:
        _refuse(argument, f"expected a timedelta or seconds, more than none, not {value!r}")
    return float(number)


def directory_prefix(prefix: str) -> str:
    """Return how the keys of a directory's files begin: "photos" is the directory "photos/", not "photos-old/" too."""
    text("prefix", prefix)
    if not prefix:
        return prefix
    key(prefix, "prefix")
    return prefix if prefix.endswith("/") else prefix + "/"


def local_dir(path: str | os.PathLike[str]) -> str:
    """Return the path of a local directory, there or not."""
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str) or not name or "\0" in name:
        _refuse("local_dir", f"expected a path, not {path!r}")
    return name


def selection(include: str | Iterable[str] | None, exclude: str | Iterable[str] | None, *never: str) -> Selection:
    """Return which paths are meant; those that the patterns `never` match are not, whatever the others say."""
    excluded = [] if exclude is None else _patterns("exclude", exclude)
    return Selection(None if include is None else _patterns("include", include), [*excluded, *never])


def _patterns(argument: str, given: str | Iterable[str]) -> list[str]:
    if not isinstance(given, str | Iterable) or isinstance(given, bytes):
        _refuse(argument, f"expected a pattern or some, not {given!r}")
    patterns = [given] if isinstance(given, str) else list(given)
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern:
            _refuse(argument, f"expected a pattern of relative paths, not {pattern!r}")
        try:
            _globs.expression(pattern)
        except (ValueError, re.error) as error:
            _refuse(argument, f"{pattern!r} is no pattern: {error}")
    return patterns


def _metadata(value: Mapping[str, str]) -> dict[str, str]:
    pairs = _pairs("metadata", value)
    for name, text in pairs.items():
        if not _TOKEN.fullmatch(name):
            _refuse("metadata", f"{name!r} can't be a name: letters, digits and !#$%&'*+-.^_`|~")
        if name.lower() == WRITE_TOKEN:
            _refuse("metadata", f"the name {name!r} is taken: by it, a write whose answer was lost is known again")
        if text and not _VISIBLE.fullmatch(text):
            _refuse("metadata", f"the value of {name!r} must be visible ASCII; encode it, with urllib.parse.quote say")
    if len({name.lower() for name in pairs}) < len(pairs):
        _refuse("metadata", "two names differ only in case, and S3 keeps one of them")
    if sum(len(name) + len(text) for name, text in pairs.items()) > _plan.MAX_METADATA_BYTES:
        _refuse("metadata", f"names and values are more than {_plan.MAX_METADATA_BYTES} bytes together")
    return pairs


def _tagging(value: Mapping[str, str]) -> dict[str, str]:
    pairs = _pairs("tags", value)
    if len(pairs) > MAX_TAGS:
        _refuse("tags", f"{len(pairs)} are more than {MAX_TAGS}")
    for name, text in pairs.items():
        if not name or len(name) > MAX_TAG_NAME or len(text) > MAX_TAG_VALUE:
            _refuse("tags", f"{name!r}: names have 1 to {MAX_TAG_NAME} characters, values at most {MAX_TAG_VALUE}")
        _encodable("tags", name + text)
    return tagging(pairs)


def tagging(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the header that gives these tags to an object, if there are any."""
    text = urlencode(pairs, quote_via=quote)  # "%20", not "+", which not every vendor reads as a space
    return {"Tagging": text} if text else {}


def _pairs(argument: str, value: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        _refuse(argument, f"expected a mapping of texts, not {value!r}")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str):
            _refuse(argument, f"names and values must be texts, not {name!r}: {text!r}")
    return dict(value)


def _encodable(argument: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(argument, f"{value!r} holds half of a surrogate pair, which UTF-8 can't encode")


def _refuse(argument: str, why: str) -> NoReturn:
    msg = f"{argument}: {why}"
    raise InvalidInput(msg, argument=argument)
