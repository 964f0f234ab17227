"""Settings: what init() sets for the process, and what one bucket overrides.

Nothing is read from the environment here: what the standard AWS chain finds, it finds when the first request is made,
and credentials that it found are refreshed, never frozen into Settings.
"""

from __future__ import annotations

import dataclasses
import math
import re
import threading
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, get_args
from urllib.parse import urlsplit

from s3_bucket import _plan, _vendors
from s3_bucket._vendors import AddressingStyle, Checksums, VendorName
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

Engine = Literal["auto", "wire", "botocore"]

AUTO: Engine = "wire"
"""The engine that "auto" means."""


class StandIn(Protocol):
    """What takes S3's place, such as a fake."""

    endpoint_url: str | None
    """Of whom it takes the place; None: of every S3."""

    async def open(self, settings: Settings) -> Any:
        """Return the RetryingStore of these settings."""
        ...


_stand_ins: tuple[StandIn, ...] = ()
_changing = threading.Lock()


class SettingsKeywords(TypedDict, total=False):
    """init()'s keywords, for AsyncBucket and Bucket."""

    aws_access_key_id: str | None
    aws_secret_access_key: str | None
    aws_session_token: str | None
    region: str | None
    endpoint_url: str | None
    profile: str | None
    anonymous: bool
    addressing_style: AddressingStyle
    verify: bool | str
    part_size: int
    max_concurrency: int
    connect_timeout: float
    read_timeout: float
    max_attempts: int
    checksums: Checksums
    engine: Engine
    vendor: VendorName


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Everything that a store is opened with. Equal settings share one store in each event loop."""

    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    anonymous: bool = False
    addressing_style: AddressingStyle = "auto"
    verify: bool | str = True
    part_size: int = _plan.DEFAULT_PART_SIZE
    max_concurrency: int = 10
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    max_attempts: int = 5
    checksums: Checksums = "auto"
    engine: Engine = "auto"
    vendor: VendorName = "auto"
    stand_in: StandIn | None = None
    """Who opens the store instead of an engine: not for users to set."""
    _hash: int = dataclasses.field(default=0, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return self._hash

    def __post_init__(self) -> None:
        # A store is looked up by its settings at each call, and hashing all of them takes a while.
        names = SettingsKeywords.__annotations__
        object.__setattr__(self, "_hash", hash(tuple(getattr(self, name) for name in names)))

    @property
    def is_wire(self) -> bool:
        """Whether the requests that are asked most are sent over this library's own connections."""
        return (AUTO if self.engine == "auto" else self.engine) == "wire"

    def __repr__(self) -> str:
        shown = {name: value for name, value in _as_dict(self).items() if value != getattr(_PRISTINE, name)}
        return f"Settings({describe(shown)[2:]})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _settings_of, (without_secrets(_as_dict(self)),)


_SECRETS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_PRISTINE = Settings()
_default = _PRISTINE


def init(
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    aws_session_token: str | None = None,
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    profile: str | None = None,
    anonymous: bool = False,
    addressing_style: AddressingStyle = "auto",
    verify: bool | str = True,
    part_size: int = _plan.DEFAULT_PART_SIZE,
    max_concurrency: int = 10,
    connect_timeout: float = 10.0,
    read_timeout: float = 60.0,
    max_attempts: int = 5,
    checksums: Checksums = "auto",
    engine: Engine = "auto",
    vendor: VendorName = "auto",
) -> None:
    """Set what all buckets of the process use; a bucket may override it. It sends nothing.

    Without init(), or without keys, the standard AWS chain is used: environment, profiles, SSO, web identity,
    container, instance; what it finds is refreshed while the program runs.

    Args:
        aws_access_key_id: the access key's id.
        aws_secret_access_key: the access key's secret.
        aws_session_token: for temporary credentials.
        region: such as "eu-west-1"; from the environment or the profile when not given.
        endpoint_url: of an S3 that is not Amazon's; AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL when not given.
        profile: a profile of ~/.aws/config; AWS_PROFILE when not given.
        anonymous: sign nothing, for public buckets.
        addressing_style: where the bucket's name goes: "path", "virtual" (into the host name) or "auto", which is
            virtual for Amazon and path for any other endpoint.
        verify: whether to verify TLS certificates, or the path of a file of CA certificates.
        part_size: bytes of a part of a multipart transfer, at least 5 MiB; also the length from which transfers are
            multipart.
        max_concurrency: how many requests at a time, all calls together.
        connect_timeout: seconds until a connection must stand.
        read_timeout: seconds that the server may be silent.
        max_attempts: how often a request is sent at most.
        checksums: whether uploads carry a CRC32: "when_supported", "when_required" (a Content-MD5 instead), or "auto":
            they do, until a vendor refuses it.
        engine: what sends the requests: "wire", this library's own connections for what is asked most, or "botocore",
            aiobotocore for everything; "auto" is "wire".
        vendor: whose S3 it is: "aws", "ceph", "minio", "r2", "b2", "gcs", "wasabi" or "auto", which is told from the
            endpoint's host name. It decides what addressing_style, region and checksums mean where they are not given,
            and which conditions are refused, because the vendor would not keep them.

    Raises:
        InvalidInput: an argument can't be right; it is named.

    Example:
        >>> import s3_bucket as S3
        >>> S3.init(region="eu-west-1", max_concurrency=20)
        >>> S3.init()
    """
    global _default  # noqa: PLW0603  # the one process-wide default is what init() is for
    given = SettingsKeywords(
        aws_access_key_id=aws_access_key_id,
        aws_secret_access_key=aws_secret_access_key,
        aws_session_token=aws_session_token,
        region=region,
        endpoint_url=endpoint_url,
        profile=profile,
        anonymous=anonymous,
        addressing_style=addressing_style,
        verify=verify,
        part_size=part_size,
        max_concurrency=max_concurrency,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        max_attempts=max_attempts,
        checksums=checksums,
        engine=engine,
        vendor=vendor,
    )
    _default = Settings(**checked(given))


def stand_in(entering: StandIn) -> None:
    """Let all buckets of the process go there, until it leaves; of several, the last one that wants them."""
    global _stand_ins  # noqa: PLW0603  # one for the process, as init()'s settings
    with _changing:
        _stand_ins = (*_stand_ins, entering)


def stand_back(leaving: StandIn) -> None:
    """Let the buckets go where they went before it entered, the last time."""
    global _stand_ins  # noqa: PLW0603  # as above
    with _changing:
        at = len(_stand_ins) - 1 - _stand_ins[::-1].index(leaving)
        _stand_ins = _stand_ins[:at] + _stand_ins[at + 1 :]


def settings(overrides: SettingsKeywords) -> Settings:
    """Return what one bucket uses now: init() may have been called after the bucket was made."""
    wanted = _wanted(overrides)
    for standing in reversed(_stand_ins):
        if standing.endpoint_url in {None, wanted.endpoint_url}:
            return dataclasses.replace(wanted, stand_in=standing)
    return wanted


def is_standing(given: Settings) -> bool:
    """Whether what would be opened for the settings is still in S3's place, or S3 itself."""
    return given.stand_in is None or given.stand_in in _stand_ins


def _wanted(overrides: SettingsKeywords) -> Settings:
    if not overrides:
        return _default
    if overrides.get("aws_access_key_id") or overrides.get("profile") or overrides.get("anonymous"):
        # One source of credentials replaces another whole: never half of each.
        nobody = SettingsKeywords(
            aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None, profile=None, anonymous=False
        )
        merged: dict[str, Any] = {**nobody, **overrides}
        return dataclasses.replace(_default, **merged)
    return dataclasses.replace(_default, **overrides)


def fitted(settings: Settings, endpoint_url: str | None) -> Settings:
    """Return the settings as the vendor behind the endpoint needs them; what was given explicitly stays."""
    vendor = _vendors.known(settings.vendor, endpoint_url)
    style, checksums = settings.addressing_style, settings.checksums
    return dataclasses.replace(
        settings,
        region=settings.region or _vendors.region(vendor, endpoint_url),
        addressing_style=vendor.addressing.value if style == "auto" else style,
        checksums=vendor.checksums.value if checksums == "auto" else checksums,
    )


class Merged:
    """What one bucket uses, put together anew when init() has been called again, or a fake has taken S3's place."""

    def __init__(self, overrides: SettingsKeywords) -> None:
        self._overrides = overrides
        self._default: Settings | None = None
        self._stand_ins: tuple[StandIn, ...] = ()
        self._settings = _PRISTINE

    def now(self) -> Settings:
        """Return what the bucket uses now."""
        if self._default is not _default or self._stand_ins is not _stand_ins:
            self._default, self._stand_ins = _default, _stand_ins
            self._settings = settings(self._overrides)
        return self._settings


def checked(given: SettingsKeywords) -> SettingsKeywords:
    """Return the keywords, or raise InvalidInput naming the one that can't be right."""
    for name, value in given.items():
        if name not in _CHECKS:
            msg = f"{name}: there is no such setting; there are {', '.join(_CHECKS)}"
            raise InvalidInput(msg, argument=name)
        expected, holds = _CHECKS[name]
        if not holds(value):
            private = name in _SECRETS or "@" in str(value)
            shown = "what was given (not shown)" if private else repr(value)
            msg = f"{name}: expected {expected}, not {shown}"
            raise InvalidInput(msg, argument=name)
    _check_keys(given)
    return given


def _check_keys(given: SettingsKeywords) -> None:
    key_id, secret = given.get("aws_access_key_id"), given.get("aws_secret_access_key")
    if (key_id is None) != (secret is None):
        missing = "aws_secret_access_key" if secret is None else "aws_access_key_id"
        msg = f"{missing}: missing; give both halves of the access key, or neither to use the standard AWS chain"
        raise InvalidInput(msg, argument=missing)
    if key_id is None and given.get("aws_session_token") is not None:
        msg = "aws_session_token: useless without aws_access_key_id and aws_secret_access_key"
        raise InvalidInput(msg, argument="aws_session_token")


def describe(overrides: Mapping[str, Any]) -> str:
    """Return the settings as they stand in a repr, secrets masked."""
    shown = {name: "***" if name in _SECRETS and value else value for name, value in overrides.items()}
    return "".join(f", {name}={value!r}" for name, value in shown.items())


def without_secrets(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings for a pickle, which may be kept or sent anywhere: it carries no keys.

    Raises:
        InvalidInput: there are keys among them. Dropping them silently would make the copy another user.
    """
    if any(overrides.get(name) for name in _SECRETS):
        msg = "what holds access keys can't be pickled; give the keys to init() in each process, or use the AWS chain"
        raise InvalidInput(msg)
    return dict(overrides)


def portable(effective: Settings) -> dict[str, Any]:
    """Return the settings for a process that has keys of its own, or none: all but the keys."""
    return {name: value for name, value in _as_dict(effective).items() if name not in _SECRETS}


def has_keys() -> bool:
    """Whether init() has been given keys in this process."""
    return _default.aws_access_key_id is not None


def rebuild(make: Callable[..., T], name: str, overrides: dict[str, Any]) -> T:
    """Make a bucket again from its pickle."""
    return make(name, **overrides)


def _settings_of(values: dict[str, Any]) -> Settings:
    return Settings(**values)


def _as_dict(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in SettingsKeywords.__annotations__}


def _is_token(value: object) -> bool:
    """Whether it is None, or a text that can stand in a header: what .env files leave around keys is refused."""
    return value is None or (isinstance(value, str) and re.fullmatch(r"[!-~]+", value) is not None)


def _is_number(value: object, low: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value < math.inf


def _is_count(value: object, low: int, high: int = 1_000_000) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_endpoint(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
        return False
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        return False
    extra = url.username is not None or url.query or url.fragment
    return url.scheme in {"http", "https"} and bool(url.hostname) and not extra


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


_Check: TypeAlias = "tuple[str, Callable[[object], bool]]"
_KEY: _Check = ("a text without spaces, or None", _is_token)
_SECONDS: _Check = ("a number of seconds above 0", lambda value: _is_number(value, 0))
_CHECKS: dict[str, _Check] = {
    "aws_access_key_id": _KEY,
    "aws_secret_access_key": _KEY,
    "aws_session_token": _KEY,
    "region": ("a region's name, or None", _is_token),
    "endpoint_url": ("http://HOST[:PORT] or https://HOST[:PORT] without user, query or fragment", _is_endpoint),
    "profile": ("a profile's name, or None", lambda value: value is None or (isinstance(value, str) and bool(value))),
    "anonymous": ("True or False", _is_bool),
    "addressing_style": (
        f"one of {', '.join(get_args(AddressingStyle))}",
        lambda value: value in get_args(AddressingStyle),
    ),
    "verify": (
        "True, False or the path of a file of CA certificates",
        lambda value: isinstance(value, bool) or (isinstance(value, str) and bool(value)),
    ),
    "part_size": (
        f"a number of bytes from {_plan.MIN_PART_SIZE} (5 MiB) to {_plan.MAX_PART_SIZE} (5 GiB)",
        lambda value: _is_count(value, _plan.MIN_PART_SIZE, _plan.MAX_PART_SIZE),
    ),
    "max_concurrency": ("a whole number from 1", lambda value: _is_count(value, 1)),
    "connect_timeout": _SECONDS,
    "read_timeout": _SECONDS,
    "max_attempts": ("a whole number from 1", lambda value: _is_count(value, 1)),
    "engine": (f"one of {', '.join(get_args(Engine))}", lambda value: value in get_args(Engine)),
    "checksums": (f"one of {', '.join(get_args(Checksums))}", lambda value: value in get_args(Checksums)),
    "vendor": (f"one of {', '.join(get_args(VendorName))}", lambda value: value in get_args(VendorName)),
}
