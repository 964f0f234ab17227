"""What requests are signed with: the server's time, where this computer's clock is wrong, and credentials that hold.

A refusal for one of the two is answered here: the offset is learned from the answer's Date, or the credentials are
fetched anew. The answer is marked as CORRECTED then, and whoever retries has the next attempt signed better. What the
server repeats of the secrets is masked at the same place: only here it is known which there are.
"""

# botocore and aiobotocore have no types, and nothing public that leads to a client's credentials or their refreshing.
# ruff: noqa: SLF001
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
import base64
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore import exceptions as boto
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.credentials import RefreshableCredentials

from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CORRECTED = "s3-bucket-corrected"
"""Marks an answer's ResponseMetadata: the next attempt will be signed with another time, or with other credentials."""

SKEWED = frozenset({"RequestTimeTooSkewed"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
# A key that was rotated is deleted before it has expired.
REVOKED = frozenset({"InvalidAccessKeyId", "InvalidToken"})

TOLERANCE = timedelta(minutes=14)
"""What S3 lets pass is 15 minutes. Further off, a 403 without a code (HEAD has no body) is about the time."""
DISTINCT = timedelta(minutes=1)
"""Further off, a refusal that says that it is about the time is believed: not every server lets as much pass."""
FARTHEST = timedelta(days=100 * 365)
"""Further off, the server's Date is no time at all."""

APART = 1.0
"""Seconds that credentials are not fetched again after they were, because they were refused: a thousand refusals that
arrive together cause one fetch, failed or not."""
MOMENT = 1.0
"""Seconds for which credentials that were good are not looked at again."""
OLD = 60.0
"""Seconds after which a 400 without a code (HEAD has no body) may mean that the token has expired."""

SHORTEST_SECRET = 8
"""Characters: whatever is shorter is no secret, and would be found in innocent words."""

NOTE = "s3-bucket-note"
"""The name under which a request's context holds its note."""
CUSTOMER_KEY = "x-amz-server-side-encryption-customer-key"
_CUSTOMER_KEYS = (CUSTOMER_KEY, "x-amz-copy-source-server-side-encryption-customer-key")
_SIGNATURE = re.compile(r"(?is)(signature.{0,40}?)[0-9a-f]{64,}")

_log = logging.getLogger("s3_bucket")


@dataclass(slots=True)
class Note:
    """What is remembered of a request until its answer has come.

    Attributes:
        secrets: what of it must not be repeated.
        credentials: the ones that it was signed with.
        time: the time that it was signed with.
        since: when that was, by the monotonic clock.
    """

    secrets: list[str] = field(default_factory=list[str], repr=False)
    credentials: Any = field(default=None, repr=False)
    time: datetime | None = None
    since: float = 0.0


class Clock:
    """The server's time: this computer's, until a refusal has shown that it is another one."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    @property
    def ahead(self) -> float:
        """Seconds that the server's time is ahead of this computer's."""
        return self._offset.total_seconds()

    def now(self) -> datetime:
        """Return the server's time."""
        return datetime.now(UTC) + self._offset

    def learn(self, note: Note, date: str | None, tolerance: timedelta) -> bool:
        """Return whether the request was signed with a wrong time, as the refusal's Date shows; learn the right one.

        The offset is always that of this computer's clock, not of the request: so it doesn't matter how many refusals
        of the same cause arrive, nor in which order.
        """
        server = _date(date)
        if server is None or note.time is None:
            return False
        wrong = (server - note.time) - timedelta(seconds=monotonic() - note.since)
        if not tolerance < abs(wrong) < FARTHEST:
            return False
        self._offset = server - datetime.now(UTC)
        _log.warning("this computer's clock is %d s from the server's, whose time requests are signed with", self.ahead)
        return True


class Keys:
    """The credentials of a client; where they can be refreshed, one call does it for all.

    It takes the place of botocore's own for its signer, which calls get_frozen_credentials().
    """

    def __init__(self, credentials: Any, patience: float) -> None:
        self._credentials = credentials
        self._patience = patience
        self._windows = (credentials._advisory_refresh_timeout, credentials._mandatory_refresh_timeout)
        self._known: Any = None
        self._fetched = monotonic()
        self._asked = -APART
        self._looked_at: Any = None
        self._looked = 0.0
        self._life = 0.0
        self._fit()

    async def get_frozen_credentials(self) -> Any:
        """Return the credentials to sign with now.

        Raises:
            TimeoutError: they did not come in time.
            botocore.exceptions.BotoCoreError: they did not come.
        """
        try:
            async with asyncio.timeout(self._patience):
                frozen = await self._credentials.get_frozen_credentials()
        except TimeoutError:
            msg = "the credentials did not come in time"
            raise TimeoutError(msg) from None
        except boto.BotoCoreError:
            raise
        except Exception as error:  # a program's or a service's: anything
            said = f"{type(error).__name__}: {error}"
            raise boto.CredentialRetrievalError(provider=self._credentials.method, error_msg=said) from error
        self._fit()
        self._looked_at, self._looked = frozen, monotonic()
        return frozen

    async def lasting(self, seconds: float) -> tuple[Any, datetime | None]:
        """Return the credentials to sign with for so long, and when they expire.

        Those that expire sooner are fetched anew in the second half of their life: what is signed ends with them.
        """
        frozen = await self.get_frozen_credentials()
        credentials = self._credentials
        if credentials._expiry_time is not None and credentials._seconds_remaining() < min(seconds, self._life / 2):
            await self.renewed(frozen)
            frozen = await self.get_frozen_credentials()
        return frozen, credentials._expiry_time

    def recent(self) -> Any:
        """Return the credentials if a look at them, a moment ago, found them good; otherwise None."""
        held = self._credentials._frozen_credentials
        return held if held is self._looked_at and monotonic() - self._looked < MOMENT else None

    def are_old(self) -> bool:
        """Whether they were fetched some time ago."""
        return monotonic() - self._fetched > OLD

    async def renewed(self, refused: Any) -> bool:
        """Return whether there are others by now than those that were refused; they are fetched if there are not.

        Whoever fetches may be cancelled: the next one who waits does it then.
        """
        credentials = self._credentials
        try:
            async with asyncio.timeout(self._patience), credentials._refresh_lock:
                if _same(credentials._frozen_credentials, refused) and monotonic() - self._asked >= APART:
                    await self._fetch()
        except Exception as error:  # noqa: BLE001  # a program's or a service's: anything; the refusal stays
            _log.info("the credentials can't be fetched anew: %s", type(error).__name__)
        self._fit()
        return not _same(credentials._frozen_credentials, refused)

    async def _fetch(self) -> None:
        fetcher = getattr(self._credentials._refresh_using, "__self__", None)
        cache: Any = getattr(fetcher, "_cache", {})
        key = getattr(fetcher, "_cache_key", None)
        if key in cache:  # a role's credentials are kept until this computer's clock says that they have expired
            del cache[key]
        try:
            await self._credentials._protected_refresh(is_mandatory=True)
        except Exception:
            self._asked = monotonic()
            raise
        self._asked = monotonic()

    def _fit(self) -> None:
        """Fit botocore's windows to what has come.

        It fetches new credentials in the last 15 minutes of their life, and in the last 10 for every request. Of
        credentials that live no longer, each request would fetch its own.
        """
        credentials = self._credentials
        if credentials._frozen_credentials is self._known:
            return
        self._known = credentials._frozen_credentials
        self._fetched = monotonic()
        if credentials._expiry_time is not None:
            left = self._life = max(credentials._seconds_remaining(), 0.0)
            advisory, mandatory = self._windows
            credentials._advisory_refresh_timeout = min(advisory, left / 2)
            credentials._mandatory_refresh_timeout = min(mandatory, left / 4)


class Signing:
    """Signs the requests of one client, and looks at the refusals."""

    def __init__(self, keys: Keys | None) -> None:
        self.clock = Clock()
        self.keys = keys
        self._kinds: dict[type[Any], type[Any]] = {}

    def guarded(self, auth: Any) -> Any:
        """Return what signs one request, made to sign with the server's time and to leave a note."""
        kind: Any = type(auth)
        if issubclass(kind, SigV4Auth):
            if kind not in self._kinds:
                self._kinds[kind] = type(f"Noting{kind.__name__}", (_Noting, kind), {"clock": self.clock})
            auth.__class__ = self._kinds[kind]
        return auth

    async def look_at(self, parsed: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        """Look at an answer: mask the secrets in a refusal, and put right what it is about (botocore's after-call)."""
        note: Note = context.get(NOTE) or Note()
        about: dict[str, Any] = parsed.get("ResponseMetadata", {})
        mask_errors(parsed, note)
        if "Error" not in parsed:
            return
        said = parsed["Error"]
        # Whatever else an error says may be what was signed.
        parsed["Error"] = {name: masked(str(said.get(name) or ""), note.secrets) for name in ("Code", "Message")}
        headers = {name: masked(value, note.secrets) for name, value in about.get("HTTPHeaders", {}).items()}
        about["HTTPHeaders"] = headers
        about["RequestId"] = masked(about.get("RequestId") or "", note.secrets) or None
        about[CORRECTED] = await self._corrected(parsed["Error"]["Code"], headers, note)

    async def _corrected(self, code: str, headers: Mapping[str, str], note: Note) -> bool:
        if code in SKEWED:
            return self.clock.learn(note, headers.get("date"), DISTINCT)
        if code == "403":
            return self.clock.learn(note, headers.get("date"), TOLERANCE)
        if self.keys is None or note.credentials is None:
            return False
        # A 400 may be about many things, and the credentials are not to be fetched for each of them.
        silent = code == "400" and "x-amz-bucket-region" not in headers and self.keys.are_old()
        return (silent or code in EXPIRED | REVOKED) and await self.keys.renewed(note.credentials)


class _Noting:
    """Mixed into the class that botocore has chosen for a signature, of version 4."""

    clock: Clock
    credentials: Any

    def _modify_request_before_signing(self, request: Any) -> None:
        now = self.clock.now()
        request.context["timestamp"] = now.strftime(SIGV4_TIMESTAMP)
        note = _note(request)
        note.time, note.since, note.credentials = now, monotonic(), self.credentials
        used = self.credentials
        note.secrets += filter(None, (used.access_key, used.secret_key, used.token))
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def _inject_signature_to_request(self, request: Any, signature: str) -> Any:
        _note(request).secrets.append(signature)
        return super()._inject_signature_to_request(request, signature)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def install(client: Any, patience: float) -> Signing:
    """Let a client's requests be signed so; credentials that do not come in `patience` seconds are given up."""
    signer = client._request_signer
    keys = None
    if isinstance(signer._credentials, RefreshableCredentials):
        keys = signer._credentials = Keys(signer._credentials, patience)
    signing = Signing(keys)
    choose = signer.get_auth_instance

    async def get_auth_instance(*arguments: Any, **keywords: Any) -> Any:
        return signing.guarded(await choose(*arguments, **keywords))

    signer.get_auth_instance = get_auth_instance
    client.meta.events.register("before-sign.s3", _begin)
    client.meta.events.register("after-call.s3", signing.look_at)
    return signing


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secrets, and without what looks like a signature."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    return _SIGNATURE.sub(r"\1***", text)


def mask_errors(answer: Mapping[str, Any], note: Note) -> None:
    """Mask the secrets in what DeleteObjects says of each key that it refuses."""
    for refused in answer.get("Errors", ()):
        refused.update({name: masked(refused[name], note.secrets) for name in ("Code", "Message") if name in refused})


def _begin(request: Any, **_: Any) -> None:
    """Begin the note of a request, which may be signed or not; refuse one that would give a customer's key away."""
    keys = customer_keys(request.headers)
    if keys and not request.url.lower().startswith("https:"):
        why = "a customer's key is never sent over plain HTTP, where all could read it; use an endpoint with https"
        refusal = InvalidInput(f"encryption: {why}", argument="encryption")
        refusal.sent = False
        raise refusal
    request.context[NOTE] = Note(keys)


def customer_keys(headers: Mapping[str, str]) -> list[str]:
    """Return the customers' keys that a request carries, as they are sent and as they were given."""
    given = [str(headers[name]) for name in _CUSTOMER_KEYS if name in headers]
    return [*given, *(base64.b64decode(key + "==").decode("latin-1") for key in given)]


def _note(request: Any) -> Note:
    note: Note = request.context.setdefault(NOTE, Note())
    return note


def _same(one: Any, other: Any) -> bool:
    """Whether two sets of credentials are the same: botocore compares what else it knows of them, too."""
    return one is other or (one.access_key, one.secret_key, one.token) == (
        other.access_key,
        other.secret_key,
        other.token,
    )


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
