"""Fetching credentials anew: by one for all, whatever becomes of him."""

from __future__ import annotations

import asyncio
import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from botocore import exceptions as boto
from botocore.auth import HmacV1Auth
from botocore.awsrequest import AWSRequest

from s3_bucket._async._botocore import signing
from s3_bucket._async._botocore.signing import CORRECTED, Clock, Keys, Note, Signing, masked
from s3_bucket.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 3_600.0


class Source:
    """Where credentials come from: it counts, and does what a test wants done meanwhile."""

    def __init__(self, life: float = LONG) -> None:
        self.life = life
        self.count = 0
        self.meanwhile: Callable[[], Any] = lambda: asyncio.sleep(0)
        self._cache_key = "role"
        self._cache = {"role": "the old ones", "other": "others"}

    def metadata(self) -> dict[str, str]:
        """Return credentials that are others each time."""
        expiry = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.life)
        return {
            "access_key": f"key-{self.count}",
            "secret_key": "s",
            "token": "t",
            "expiry_time": expiry.isoformat(),
        }

    async def fetch(self) -> dict[str, str]:
        """Return the next ones."""
        await self.meanwhile()
        self.count += 1
        return self.metadata()

    def keys(self, patience: float = LONG) -> Keys:
        """Return them as a client has them."""
        return Keys(AioRefreshableCredentials.create_from_metadata(self.metadata(), self.fetch, "a source"), patience)


async def failing() -> None:
    """Fail as nothing of botocore's does."""
    msg = "no network"
    raise OSError(msg)


async def test_a_thousand_ask_and_one_fetches() -> None:
    """Those that were refused with the same credentials fetch once; what was refreshed meanwhile is not again."""
    source = Source()
    keys = source.keys()
    refused = await keys.get_frozen_credentials()
    assert await asyncio.gather(*(keys.renewed(refused) for _ in range(1_000))) == [True] * 1_000
    assert source.count == 1
    assert (await keys.get_frozen_credentials()).access_key == "key-1"
    assert await keys.renewed(refused)
    assert source.count == 1
    assert source._cache == {"other": "others"}


@pytest.mark.parametrize("refusals", [True, False])
async def test_whoever_fetches_may_be_cancelled(*, refusals: bool) -> None:
    """The cancellation of the one that fetches fails none of the others, whatever it fetches for."""
    source, fetching = Source(), asyncio.Event()

    async def wait_for_ever() -> None:
        source.meanwhile = lambda: asyncio.sleep(0)
        fetching.set()
        await asyncio.Event().wait()

    source.meanwhile = wait_for_ever
    keys = source.keys()
    refused = await keys.get_frozen_credentials()
    if not refusals:
        keys._credentials._expiry_time -= datetime.timedelta(seconds=LONG)
    ask = (lambda: keys.renewed(refused)) if refusals else keys.get_frozen_credentials
    first, *others = [asyncio.ensure_future(ask()) for _ in range(10)]
    await fetching.wait()
    first.cancel()
    assert all(await asyncio.gather(*others))
    assert first.cancelled()
    assert source.count == 1


async def test_a_failure_is_shared() -> None:
    """Where fetching fails, a thousand learn of it by one attempt, and the next try is a second later."""
    source = Source()
    attempts = 0

    async def fail() -> None:
        nonlocal attempts
        attempts += 1
        await failing()

    source.meanwhile = fail
    keys = source.keys()
    refused = await keys.get_frozen_credentials()
    assert await asyncio.gather(*(keys.renewed(refused) for _ in range(1_000))) == [False] * 1_000
    assert attempts == 1
    keys._asked -= signing.APART
    assert not await keys.renewed(refused)
    assert attempts == 2


@pytest.mark.parametrize("life", [5.0, 300.0, LONG])
async def test_short_lives(life: float) -> None:
    """Credentials are used for half of a short life, and not fetched for each request of it."""
    source = Source(life)
    keys = source.keys()
    for _ in range(10):
        await keys.get_frozen_credentials()
    assert source.count == 0
    keys._credentials._expiry_time -= datetime.timedelta(seconds=life * 0.9)
    await asyncio.gather(*(keys.get_frozen_credentials() for _ in range(1_000)))
    assert source.count == 1


async def test_credentials_without_an_end() -> None:
    """Credentials that don't say when they expire are not fetched before they are refused."""
    source = Source()
    credentials = AioRefreshableCredentials("a", "b", "c", None, source.fetch, "a source")
    assert (await Keys(credentials, LONG).get_frozen_credentials()).access_key == "a"


async def test_credentials_do_not_come() -> None:
    """Whatever a source fails with is an error of botocore's about credentials, a silent one a TimeoutError."""
    source = Source(-1)
    with pytest.raises(boto.CredentialRetrievalError, match="still expired"):
        await source.keys().get_frozen_credentials()
    source.meanwhile = failing
    with pytest.raises(boto.CredentialRetrievalError, match="no network"):
        await source.keys().get_frozen_credentials()
    source.meanwhile = asyncio.Event().wait
    with pytest.raises(TimeoutError, match="credentials"):
        await source.keys(patience=0.01).get_frozen_credentials()
    keys = source.keys(patience=0.01)
    assert not await keys.renewed(keys._credentials._frozen_credentials)

    async def refuse() -> None:
        raise boto.MetadataRetrievalError(error_msg="gone")

    source.meanwhile = refuse
    with pytest.raises(boto.MetadataRetrievalError):
        await source.keys().get_frozen_credentials()


@pytest.mark.parametrize(
    ("code", "old", "headers", "fetches"),
    [
        ("ExpiredToken", False, {}, True),
        ("400", True, {}, True),
        ("400", False, {}, False),
        ("400", True, {"x-amz-bucket-region": "eu-west-1"}, False),
        ("AccessDenied", True, {}, False),
    ],
)
async def test_which_refusals_are_about_credentials(
    code: str, headers: dict[str, str], *, old: bool, fetches: bool
) -> None:
    """A code says so; HEAD's 400 without one may mean it, but only where the credentials are not new."""
    source = Source()
    keys = source.keys()
    note = Note(credentials=await keys.get_frozen_credentials())
    keys._fetched -= signing.OLD * 2 * old
    parsed: dict[str, Any] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPHeaders": headers}}
    await Signing(keys).look_at(parsed, {"s3-bucket-note": note})
    assert source.count == fetches
    assert parsed["ResponseMetadata"][CORRECTED] == fetches


async def test_what_an_answer_may_repeat() -> None:
    """Of a refusal the code, the message and the id are kept, without what the request had of secrets."""
    note = Note(["very/secret+key", "short"])
    signature = "Signature=" + "a1" * 32
    parsed: dict[str, Any] = {
        "Error": {"Code": "very/secret+key", "Message": f"very/secret+key short {signature}", "StringToSign": "x"},
        "Errors": [{"Key": "very/secret+key", "Code": "C", "Message": "very%2Fsecret%2Bkey"}, {"Code": "D"}],
        "ResponseMetadata": {"RequestId": "very/secret+key", "HTTPHeaders": {"x": "very/secret+key"}},
    }
    await Signing(None).look_at(parsed, {"s3-bucket-note": note})
    assert parsed["Error"] == {"Code": "***", "Message": "*** short Signature=***"}
    assert parsed["Errors"] == [{"Key": "very/secret+key", "Code": "C", "Message": "***"}, {"Code": "D"}]
    assert parsed["ResponseMetadata"] == {"RequestId": "***", "HTTPHeaders": {"x": "***"}, CORRECTED: False}


async def test_answers_of_success_stay() -> None:
    """What is no refusal is not touched."""
    parsed = {"ETag": "very-secret-key"}
    await Signing(None).look_at(parsed, {"s3-bucket-note": Note(["very-secret-key"])})
    assert parsed == {"ETag": "very-secret-key"}


@pytest.mark.parametrize(
    "text",
    [
        "X-Amz-Signature=" + "0f" * 32 + "&x=1",
        "<SignatureProvided>" + "0F" * 32 + "</SignatureProvided>",
        "the signature you have sent is " + "0f" * 32,
    ],
)
def test_signatures_are_masked(text: str) -> None:
    """What looks like a signature is masked; a digest is not."""
    assert "0f0f" not in masked(text, []).lower()
    assert masked("sha256 " + "0f" * 32, []) == "sha256 " + "0f" * 32


def test_customer_keys_are_noted() -> None:
    """A key that the customer encrypts with is a secret of the request, as it is sent and as it was given."""
    request = AWSRequest(
        "PUT", "https://h/b/k", headers={"x-amz-server-side-encryption-customer-key": "c2VjcmV0LWtleQ=="}
    )
    signing._begin(request)
    assert request.context["s3-bucket-note"].secrets == ["c2VjcmV0LWtleQ==", "secret-key"]
    assert "secret" not in repr(request.context)


@pytest.mark.parametrize("of", ["", "copy-source-"])
def test_customer_keys_are_kept_from_the_wire(of: str) -> None:
    """Over plain HTTP, a request with a customer's key is refused before it is signed, and the key not shown."""
    headers = {f"x-amz-{of}server-side-encryption-customer-key": "c2VjcmV0LWtleQ=="}
    for url in ("http://h/b/k", "HTTP://h/b/k", "//h/b/k"):
        with pytest.raises(InvalidInput, match="plain HTTP") as caught:
            signing._begin(AWSRequest("PUT", url, headers=headers))
        assert (caught.value.argument, caught.value.sent) == ("encryption", False)
        assert "c2Vj" not in str(caught.value)
    signing._begin(AWSRequest("PUT", "HTTPS://h/b/k", headers=headers))
    signing._begin(AWSRequest("PUT", "http://h/b/k", headers={"x-amz-server-side-encryption": "AES256"}))


def test_other_signatures_are_left_alone() -> None:
    """What signs in another way than version 4 stays as botocore made it."""
    auth = HmacV1Auth(SimpleNamespace(access_key="a", secret_key="b", token=None))
    assert type(Signing(None).guarded(auth)) is HmacV1Auth


def test_a_clock_of_its_own() -> None:
    """Without a time that was signed, nothing is learned."""
    clock = Clock()
    assert not clock.learn(Note(), "Mon, 01 Jan 2035 00:00:00 GMT", signing.DISTINCT)
    assert abs(clock.now() - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)
