"""The poller of one account as long as its settings last, and what the next one takes over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from exporter.clock import Clock
from exporter.configuration.settings import AccountSettings
from exporter.errors import AuthenticationError, PollError
from exporter.exchange.budget import RequestBudget
from exporter.exchange.client import Exchange, KnownExchanges
from exporter.exchange.endpoints import OPTIONAL_ENDPOINTS
from exporter.exchange.signing import Credentials
from exporter.exchange.wire import Wire
from exporter.polling.extras import Extras
from exporter.polling.market_board import MarketBoard
from exporter.polling.poller import poll_forever
from exporter.state.store import AccountState

DEADLINE_SECONDS = 10.0


def identity(settings: AccountSettings, credentials: Credentials) -> bytes:
    """Return what identifies a key at an exchange, without holding the key itself."""
    return sha256(f"{settings.account.base_url}\n{credentials.api_key}".encode()).digest()


@dataclass(slots=True, eq=False)
class AccountPoller:
    """One poller. `due_monotonic_seconds` is that of its next poll, `error` that of its last.

    `account_id` is the exchange's name for the account as it was known before this poller, and
    `is_key_new` tells that the credentials were others then.
    """

    settings: AccountSettings
    credentials: Credentials
    due_monotonic_seconds: float
    account_id: str | None = None
    is_key_new: bool = False
    error: PollError | None = None
    is_retired: bool = False
    # Set as soon as it is started.
    task: asyncio.Task[None] = field(init=False, repr=False)
    _exchange: Exchange | None = None

    @property
    def identity(self) -> bytes:
        """What identifies the key in use at its exchange."""
        return identity(
            self.settings, self._exchange.credentials if self._exchange else self.credentials
        )

    def is_for(self, settings: AccountSettings, credentials: Credentials) -> bool:
        """Tell whether nothing that it works with would change."""
        return self.settings == settings and not self._has_others_than(credentials)

    def successor(
        self, settings: AccountSettings, credentials: Credentials, soon_monotonic_seconds: float
    ) -> "AccountPoller":
        """Give the poller of the same account with other settings, to be started.

        It knows whose answers to expect, and polls no later than this one would have, or at
        `soon_monotonic_seconds` if that is earlier. What the exchange has asked to wait for is
        waited for; credentials that it has rejected are tried at once if they are others now.
        """
        has_other_key = self._has_others_than(credentials)
        is_key_new = self._exchange.is_key_unproven if self._exchange else self.is_key_new
        due = self.due_monotonic_seconds
        is_mended = isinstance(self.error, AuthenticationError) and has_other_key
        if self.error is None or is_mended:
            due = min(due, soon_monotonic_seconds)
        return AccountPoller(
            settings,
            credentials,
            due,
            self._exchange.account_id if self._exchange else self.account_id,
            has_other_key or is_key_new,
            None if is_mended else self.error,
        )

    async def poll(  # noqa: PLR0913 - everything it needs is passed in
        self,
        state: AccountState,
        publish: Callable[[AccountState], None],
        *,
        wire: Wire,
        budget: RequestBudget,
        board: MarketBoard,
        exchanges: KnownExchanges,
        clock: Clock,
    ) -> None:
        """Poll from `state` on, until cancelled."""
        interval_seconds = state.account.poll_interval_seconds
        self._exchange = Exchange(
            base_url=state.account.base_url,
            read_credentials=self.settings.credentials.read,
            wire=wire,
            clock=clock,
            take_slot=budget.take,
            take_free_slot=budget.take_when_free,
            deadline_seconds=min(DEADLINE_SECONDS, interval_seconds),
            credentials=self.credentials,
            account_id=self.account_id,
            is_key_new=self.is_key_new,
            claim=partial(exchanges.claim, state.account.name, state.account.base_url),
            dates=exchanges.dates(state.account.base_url),
        )
        extras = Extras(
            self._exchange,
            OPTIONAL_ENDPOINTS,
            interval_seconds=interval_seconds,
            shared=board.rota,
            update_market=board.update,
            publish=publish,
            clock=clock,
        )

        async def in_between(
            state: AccountState, error: PollError | None, due_monotonic_seconds: float
        ) -> AccountState:
            self.due_monotonic_seconds, self.error = due_monotonic_seconds, error
            return await extras.ask_due(state, error, due_monotonic_seconds)

        await poll_forever(
            state,
            self._exchange,
            publish,
            clock=clock,
            offset_seconds=max(0.0, self.due_monotonic_seconds - clock.monotonic()),
            in_between=in_between,
        )

    def _has_others_than(self, credentials: Credentials) -> bool:
        # Those in use may have been read anew after a 401.
        used = self._exchange.credentials if self._exchange else self.credentials
        return used != credentials
