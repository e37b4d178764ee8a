"""Requests of one account: signed, each under one deadline, to a verified value or an error.

Source: API documentation, "Get margin balances" and "Authentication".
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.endpoints import BALANCES, PATHS, Endpoint
from exporter.bitopro.responses import DateHistory, clock_skew_seconds, require_success
from exporter.bitopro.signing import Credentials, NonceSource, signed_headers
from exporter.bitopro.transport import Answer, Connection, ConnectionLostError
from exporter.clock import Clock
from exporter.errors import (
    ConfigurationError,
    NotAskedError,
    PollError,
    PollTimeoutError,
    WrongAccountError,
)

# How much longer than its deadline an answer may take because the loop was busy.
_BUSY_SECONDS = 2.0

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_TakeSlot = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Response(Generic[_T_co]):
    """The verified value of one answer.

    `clock_skew_seconds` is local time minus the answer's `Date`, None if it had none. `Date` has
    whole seconds, so up to one second of it is rounding.
    """

    value: _T_co
    clock_skew_seconds: float | None


class KnownExchanges:
    """What all accounts of this process know of their exchanges, by host.

    That is the clock of each, and which account of the configuration watches which of its accounts,
    by `accountID`: two keys of one account would watch it twice, and the other account, which the
    operator meant, not at all. The first whose answer was verified keeps it.
    """

    def __init__(self) -> None:
        self._dates: dict[str, DateHistory] = {}
        # By host and accountID.
        self._names: dict[tuple[str, str], str] = {}

    def dates(self, base_url: str) -> DateHistory:
        """Return the history of what this exchange's answers had as their `Date`."""
        return self._dates.setdefault(_host(base_url), DateHistory())

    def claim(self, name: str, base_url: str, account_id: str) -> None:
        """Note that `name` watches this account. Raises WrongAccountError if another does."""
        holder = self._names.setdefault((_host(base_url), account_id), name)
        if holder != name:
            raise WrongAccountError(
                f"the answer is for the exchange's account that {holder} already watches"
            )

    def keep(self, base_urls: Mapping[str, str]) -> None:
        """Forget what is watched by other names than these, or was at another base URL."""
        hosts = {name: _host(url) for name, url in base_urls.items()}
        self._names = {key: name for key, name in self._names.items() if hosts.get(name) == key[0]}


def _host(base_url: str) -> str:
    """Return what the same host and port is always called, however it is written."""
    parts = urlsplit(base_url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{(parts.hostname or '').removesuffix('.')}:{port}"


class Exchange:
    """The exchange as one account sees it. One request at a time, for nonces must rise.

    `take_slot` waits for a request of the budget, `take_free_slot` for one that no poll needs;
    without it, optional requests take theirs like the polls. `claim` takes the `accountID` of
    each verified answer, and raises WrongAccountError if another account watches that; `dates` is
    what is known of the clock behind the answers.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is passed in, nothing is reached for
        self,
        *,
        base_url: str,
        read_credentials: Callable[[], Credentials],
        connection: Connection,
        clock: Clock,
        take_slot: _TakeSlot,
        deadline_seconds: float,
        take_free_slot: _TakeSlot | None = None,
        credentials: Credentials | None = None,
        account_id: str | None = None,
        is_key_new: bool = False,
        claim: Callable[[str], None] = lambda _: None,
        dates: DateHistory | None = None,
    ) -> None:
        self._claim = claim
        self._base_url = base_url.rstrip("/")
        self._read_credentials = read_credentials
        self.credentials = credentials or read_credentials()
        self._connection = connection
        self._clock = clock
        self._take_slot = take_slot
        self._take_free_slot = take_free_slot or take_slot
        self._deadline_seconds = deadline_seconds
        self._nonces = NonceSource(clock.wall)
        self.account_id = account_id
        self._is_key_unproven = is_key_new
        self._dates = dates or DateHistory()
        self._asked_monotonic_seconds = 0.0

    @property
    def is_key_unproven(self) -> bool:
        """Whether the key is another than the one that last answered for the account."""
        return self._is_key_unproven

    async def fetch(
        self, endpoint: Endpoint[_T], deadline_seconds: float | None = None
    ) -> Response[_T]:
        """Ask once, and at most once more where a second request can help.

        Balances wait for a slot of the budget, and have the whole deadline after it (by default
        that of the account). Everything else takes a slot that no poll needs, or raises
        NotAskedError if there is none within half of the deadline.

        Raises PollError, one leaf per thing an operator would do, within the deadline;
        WrongAccountError also where the key is not yet proven to be the account's.
        """
        deadline_seconds = deadline_seconds or self._deadline_seconds
        is_poll = endpoint.path == BALANCES.path
        if is_poll:
            await self._take_slot()
        started = self._clock.monotonic()
        if not is_poll:
            await self._take_free_slot_within(deadline_seconds / 2)
            self._require_proven_key(endpoint)
        left_seconds = deadline_seconds - (self._clock.monotonic() - started)
        try:
            async with asyncio.timeout(left_seconds):
                answer = await self._ask_with_one_retry(
                    endpoint, self._take_slot if is_poll else self._take_free_slot
                )
        except TimeoutError as error:
            raise await self._timed_out(left_seconds) from error
        await self._require_within(deadline_seconds, started)
        skew = clock_skew_seconds(answer, self._clock.wall())
        try:
            return Response(self._verified(endpoint, answer, skew), skew)
        except PollError as error:
            error.clock_skew_seconds = skew
            # What gave such an answer, perhaps a broken backend, must not be asked for ever.
            await self._connection.discard()
            raise

    async def _take_free_slot_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._take_free_slot()
        except TimeoutError:
            raise NotAskedError("no request is left for it this minute") from None

    async def _require_within(self, deadline_seconds: float, started: float) -> None:
        """Refuse an answer that lay in a buffer while the machine slept: asyncio did not count."""
        if self._clock.monotonic() - started > deadline_seconds + _BUSY_SECONDS:
            raise await self._timed_out(deadline_seconds)

    async def _timed_out(self, seconds: float) -> PollTimeoutError:
        await self._connection.discard()
        return PollTimeoutError(f"no complete answer within {seconds:.2g} s")

    async def _ask_with_one_retry(self, endpoint: Endpoint[object], take_slot: _TakeSlot) -> Answer:
        try:
            answer = await self._ask(endpoint)
        except ConnectionLostError:
            return await self._ask_again(endpoint, take_slot)
        if answer.status == 409:  # noqa: PLR2004 - an HTTP status
            self._nonces.rewind()
            return await self._ask_again(endpoint, take_slot)
        if answer.status == 401 and self._are_credentials_new():  # noqa: PLR2004 - likewise
            self._require_proven_key(endpoint)
            return await self._ask_again(endpoint, take_slot)
        return answer

    async def _ask_again(self, endpoint: Endpoint[object], take_slot: _TakeSlot) -> Answer:
        await take_slot()
        return await self._ask(endpoint)

    async def _ask(self, endpoint: Endpoint[object]) -> Answer:
        if endpoint.path not in PATHS:
            raise ValueError("not one of the paths that this program may ask")
        headers = signed_headers(self.credentials, self._nonces.next_ms())
        self._asked_monotonic_seconds = self._clock.monotonic()
        return await self._connection.get(self._base_url + endpoint.path, headers)

    def _are_credentials_new(self) -> bool:
        """Read the credentials again, because a rotated key shows itself as a 401."""
        try:
            credentials = self._read_credentials()
        except ConfigurationError:
            return False
        is_new = credentials != self.credentials
        self.credentials = credentials
        self._is_key_unproven |= is_new
        return is_new

    def _require_proven_key(self, endpoint: Endpoint[object]) -> None:
        """Refuse to ask about an account with a key that may be another account's.

        Balances say whose they are, and the other answers do not.
        """
        is_told = endpoint.path == BALANCES.path or not endpoint.is_of_account
        if self._is_key_unproven and not is_told:
            raise WrongAccountError("the next poll of balances has to show whose key this is")

    def _verified(self, endpoint: Endpoint[_T], answer: Answer, skew: float | None) -> _T:
        wall_seconds = self._clock.wall()
        require_success(answer, skew, wall_seconds)
        self._dates.require_fresh(
            answer,
            asked_monotonic_seconds=self._asked_monotonic_seconds,
            monotonic_seconds=self._clock.monotonic(),
            wall_seconds=wall_seconds,
        )
        value = endpoint.parse(answer.body)
        if isinstance(value, Snapshot):
            self._require_same_account(value.account_id)
        return value

    def _require_same_account(self, account_id: str) -> None:
        self._is_key_unproven = self.account_id not in (None, account_id)
        if self._is_key_unproven:
            raise WrongAccountError(
                "the answer is for another accountID than before; restart if the key was moved"
            )
        try:
            self._claim(account_id)
        except WrongAccountError:
            self._is_key_unproven = True
            raise
        self.account_id = account_id
