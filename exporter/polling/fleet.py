"""The pollers of the configured accounts: a task each, which come and go with the configuration."""

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.clock import Clock
from exporter.configuration.settings import Settings
from exporter.errors import ConfigurationError, RateLimitedError
from exporter.exchange.budget import RequestBudget
from exporter.exchange.client import KnownExchanges
from exporter.exchange.endpoints import BALANCES
from exporter.exchange.signing import Credentials, NonceSource, signed_headers
from exporter.exchange.wire import Wire, require_usable_url
from exporter.metrics.page import Exposition
from exporter.polling.account_poller import AccountPoller, identity
from exporter.polling.market_board import MarketBoard
from exporter.polling.vigil import Vigil
from exporter.state.store import AccountState, Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """The names of the accounts that came, went, or go on with other settings or another key."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class Fleet:
    """Runs a poller per account in `group`, and publishes what they learn."""

    def __init__(  # noqa: PLR0913 - everything it needs is passed in
        self,
        *,
        store: Store,
        exposition: Exposition,
        ssl_context: ssl.SSLContext,
        clock: Clock,
        vigil: Vigil,
        group: asyncio.TaskGroup,
    ) -> None:
        self._store = store
        self._exposition = exposition
        self._ssl_context = ssl_context
        self._clock = clock
        self._vigil = vigil
        self._group = group
        self._budget = RequestBudget(clock)
        self._board = MarketBoard(exposition, clock.monotonic())
        self._exchanges = KnownExchanges()
        self._pollers: dict[str, AccountPoller] = {}
        # By what identifies a key at an exchange: until when requests with it are to wait, and why.
        self._waits: dict[bytes, tuple[float, RateLimitedError]] = {}
        # By account: those told to end that have not ended yet.
        self._ending: dict[str, set[asyncio.Task[None]]] = {}

    def apply(self, settings: Settings, credentials: Mapping[str, Credentials]) -> Changes:
        """Poll the accounts of `settings` and no others. `credentials` are those of each, by name.

        A page shows all of it or nothing of it. Raises ConfigurationError, before anything has
        changed, if an account cannot be polled. An account that is as it was goes on untouched. One
        with other settings keeps its state and its place in time; at another exchange it is another
        account.
        """
        now = self._clock.monotonic()
        waits = self._waits_after(now)
        before, after = self._pollers, dict[str, AccountPoller]()
        states = {state.account.name: state for state in self._store.states()}
        changed: set[str] = set()
        for each, offset_seconds in zip(settings.accounts, _offsets(settings), strict=True):
            name, due = each.account.name, now + offset_seconds
            old = before.get(name)
            if old is None or old.settings.account.base_url != each.account.base_url:
                due, error = waits.get(identity(each, credentials[name]), (due, None))
                after[name] = AccountPoller(each, credentials[name], due, error=error)
                states[name] = AccountState(each.account)
            elif old.is_for(each, credentials[name]):
                after[name] = old
            else:
                after[name] = old.successor(each, credentials[name], due)
                states[name] = replace(states[name], account=each.account)
                changed.add(name)
        stays = {name for name, old in before.items() if after.get(name) is old}
        wires = {
            name: _built(poller, self._ssl_context, self._clock)
            for name, poller in after.items()
            if name not in stays
        }
        self._waits = waits
        self._exchanges.keep(
            {each.account.name: each.account.base_url for each in settings.accounts}
        )
        self._budget.change(settings.requests_per_minute)
        self._board.change(settings, now)
        for name in before.keys() - stays:
            self._retire(before[name])
        self._pollers = after
        self._store.replace_all(states[name] for name in after)
        self._exposition.keep(after)
        for name in [each for each in after if each not in stays]:
            self._exposition.put(states[name])
            self._start(after[name], states[name], wires[name])
        return Changes(
            added=tuple(name for name in after if name not in stays | changed),
            removed=tuple(name for name in before if name not in stays | changed),
            changed=tuple(name for name in after if name in changed),
        )

    def stop(self) -> None:
        """Tell all of them to end."""
        for each in self._pollers.values():
            self._retire(each)

    def _waits_after(self, now: float) -> dict[bytes, tuple[float, RateLimitedError]]:
        """Return how long each key is to wait, whatever becomes of the account that was told."""
        told = {
            poller.identity: (poller.due_monotonic_seconds, poller.error)
            for poller in self._pollers.values()
            if isinstance(poller.error, RateLimitedError)
        }
        return {key: wait for key, wait in {**self._waits, **told}.items() if wait[0] > now}

    def _retire(self, poller: AccountPoller) -> None:
        poller.is_retired = True
        poller.task.cancel()
        name = poller.settings.account.name
        self._ending.setdefault(name, set()).add(poller.task)
        poller.task.add_done_callback(lambda task: self._forget(name, task))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        self._ending[name].discard(task)
        if not self._ending[name]:
            del self._ending[name]

    def _start(self, poller: AccountPoller, state: AccountState, wire: Wire) -> None:
        # A key's requests never overlap, so a predecessor has to be through with its last one.
        predecessors = frozenset(self._ending.get(state.account.name, ()))
        poller.task = self._group.create_task(self._run(poller, state, wire, predecessors))

    async def _run(
        self,
        poller: AccountPoller,
        state: AccountState,
        wire: Wire,
        predecessors: frozenset[asyncio.Task[None]],
    ) -> None:
        if predecessors:
            await asyncio.wait(predecessors)

        def publish(state: AccountState) -> None:
            if not poller.is_retired:
                self._store.put(state)
                self._exposition.put(state)

        async with wire:
            # Inside of the wire, whose closing takes time.
            part = f"poller of {state.account.name}"
            with self._vigil.over(part, lambda: poller.is_retired):
                await poller.poll(
                    state,
                    publish,
                    wire=wire,
                    budget=self._budget,
                    board=self._board,
                    exchanges=self._exchanges,
                    clock=self._clock,
                )


def _built(poller: AccountPoller, ssl_context: ssl.SSLContext, clock: Clock) -> Wire:
    """Return the connection of a new poller, with which a request could be built and signed."""
    account = poller.settings.account
    try:
        require_usable_url(account.base_url + BALANCES.path)
        signed_headers(poller.credentials, NonceSource(clock.wall).next_ms())
        return Wire(ssl_context)
    except Exception as error:
        # Of any kind, for this is all that stands between it and a dead process.
        logger.exception("account cannot be polled", extra={"account": account.name})
        raise ConfigurationError(
            [f"account {account.name}: no request can be built for it; the log says why"]
        ) from error


def _offsets(settings: Settings) -> Sequence[float]:
    """Spread the first polls over the interval, so that requests come evenly ever after."""
    count = len(settings.accounts)
    return [
        each.account.poll_interval_seconds * index / count
        for index, each in enumerate(settings.accounts)
    ]
