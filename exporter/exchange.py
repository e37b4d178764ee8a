"""One poll of one account: a signed request under one deadline, to a verified snapshot or an error.

Source: API documentation, "Get margin balances" and "Error codes".
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from exporter.clock import Clock
from exporter.errors import (
    AuthenticationError,
    ClockError,
    ConfigurationError,
    ContentTypeError,
    HTTPStatusError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    RedirectError,
    WrongAccountError,
)
from exporter.signing import Credentials, NonceSource, signed_headers
from exporter.snapshot import Snapshot, parse_snapshot
from exporter.wire import Answer, ConnectionLostError, Wire

BALANCES_PATH = "/margin/balances"

_STATUS_ADVICE = {
    400: "the request no longer fits the API; please report it",
    401: "check the API key and secret, and that the key still exists",
    403: "grant the key permission to read, and check its list of allowed addresses",
    404: "check the base URL",
    408: "the exchange took too long",
    422: "the request no longer fits the API; please report it",
}


@dataclass(frozen=True, slots=True)
class Poll:
    """What one successful poll brought.

    `clock_skew_seconds` is local time minus the answer's `Date`, None if it had none. `Date` has
    whole seconds, so up to one second of it is rounding.
    """

    snapshot: Snapshot
    clock_skew_seconds: float | None


class Exchange:
    """The exchange as one account sees it."""

    def __init__(  # noqa: PLR0913 - everything it needs is passed in, nothing is reached for
        self,
        *,
        base_url: str,
        read_credentials: Callable[[], Credentials],
        wire: Wire,
        clock: Clock,
        take_slot: Callable[[], Awaitable[None]],
        deadline_seconds: float,
    ) -> None:
        self._url = base_url.rstrip("/") + BALANCES_PATH
        self._read_credentials = read_credentials
        self._credentials = read_credentials()
        self._wire = wire
        self._clock = clock
        self._take_slot = take_slot
        self._deadline_seconds = deadline_seconds
        self._nonces = NonceSource(clock.wall)
        self._account_id: str | None = None

    async def poll(self) -> Poll:
        """Ask once, and at most once more where a second request can help.

        Raises PollError, one leaf per thing an operator would do, within the deadline.
        """
        await self._take_slot()
        try:
            async with asyncio.timeout(self._deadline_seconds):
                answer = await self._ask_with_one_retry()
        except TimeoutError as error:
            await self._wire.discard()
            raise PollTimeoutError(
                f"no complete answer within {self._deadline_seconds:g} s"
            ) from error
        skew = _clock_skew_seconds(answer, self._clock.wall())
        try:
            return Poll(self._verified(answer, skew), skew)
        except PollError as error:
            error.clock_skew_seconds = skew
            raise

    async def _ask_with_one_retry(self) -> Answer:
        try:
            answer = await self._ask()
        except ConnectionLostError:
            return await self._ask_again()
        if answer.status == 409:  # noqa: PLR2004 - an HTTP status
            self._nonces.rewind()
            return await self._ask_again()
        if answer.status == 401 and self._are_credentials_new():  # noqa: PLR2004 - likewise
            return await self._ask_again()
        return answer

    async def _ask_again(self) -> Answer:
        await self._take_slot()
        return await self._ask()

    async def _ask(self) -> Answer:
        headers = signed_headers(self._credentials, self._nonces.next_ms())
        return await self._wire.get(self._url, headers)

    def _are_credentials_new(self) -> bool:
        """Read the credentials again, for a rotated key shows itself as a 401."""
        try:
            credentials = self._read_credentials()
        except ConfigurationError:
            return False
        is_new = credentials != self._credentials
        self._credentials = credentials
        return is_new

    def _verified(self, answer: Answer, skew: float | None) -> Snapshot:
        _require_success(answer, skew, self._clock.wall())
        snapshot = parse_snapshot(answer.body)
        if self._account_id not in (None, snapshot.account_id):
            raise WrongAccountError(
                "the answer is for another accountID than before; restart if the key was moved"
            )
        self._account_id = snapshot.account_id
        return snapshot


def _require_success(answer: Answer, skew: float | None, wall_seconds: float) -> None:
    match answer.status:
        case 200:
            content_type = answer.headers.get("content-type", "").partition(";")[0].strip()
            if content_type.lower() != "application/json":
                raise ContentTypeError("200, but the content is not application/json")
        case 401 | 403 as status:
            raise AuthenticationError(f"{status}: {_STATUS_ADVICE[status]}")
        case 409:
            measured = "unknown" if skew is None else f"{skew:+.1f} s"
            raise ClockError(
                "409: the exchange refused the nonce; set this clock by NTP, and run one exporter "
                f"per API key (local clock against the exchange's: {measured})"
            )
        case 429:
            raise RateLimitedError(
                "429: too many requests from this address or for this key",
                _retry_after_seconds(answer, wall_seconds),
            )
        case 301 | 302 | 303 | 307 | 308 as status:
            raise RedirectError(f"{status}: redirects are not followed; check the base URL")
        case status:
            advice = _STATUS_ADVICE.get(status, "not an answer that this request can have")
            raise HTTPStatusError(f"{status}: {advice}")


def _clock_skew_seconds(answer: Answer, wall_seconds: float) -> float | None:
    date_seconds = _unix_seconds(answer.headers.get("date", ""))
    return None if date_seconds is None else wall_seconds - date_seconds


def _retry_after_seconds(answer: Answer, wall_seconds: float) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): whole seconds or a date; None for anything else."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    date_seconds = _unix_seconds(text)
    return None if date_seconds is None else max(0.0, date_seconds - wall_seconds)


def _unix_seconds(http_date: str) -> float | None:
    try:
        date = parsedate_to_datetime(http_date)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
