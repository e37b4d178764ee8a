"""The pollers of the configured accounts: a task each, which come and go with the configuration."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.account import Account
from exporter.budget import RequestBudget
from exporter.clock import Clock
from exporter.endpoints import BORROW_TERMS, MARK_PRICE, OPTIONAL_ENDPOINTS
from exporter.errors import AuthenticationError, PollError
from exporter.exchange import Exchange
from exporter.exposition import Exposition
from exporter.extras import Extras
from exporter.market import MarketState
from exporter.poller import poll_forever
from exporter.rota import Rota
from exporter.settings import AccountSettings, Settings
from exporter.signing import Credentials
from exporter.store import AccountState, Store
from exporter.vigil import Vigil
from exporter.wire import Wire

DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Changes:
    """The names of the accounts that came, went, or go on with other settings or another key."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class _Poller:
    """A running poller. `due_monotonic_seconds` and `error` are of its last poll."""

    settings: AccountSettings
    credentials: Credentials
    due_monotonic_seconds: float
    account_id: str | None = None
    is_key_new: bool = False
    error: PollError | None = None
    exchange: Exchange | None = None
    is_retired: bool = False
    # Set as soon as it is started.
    task: asyncio.Task[None] = field(init=False, repr=False)

    @property
    def account(self) -> Account:
        return self.settings.account

    def has_changed(self, settings: AccountSettings, credentials: Credentials) -> bool:
        return self.settings != settings or self.has_other_key(credentials)

    def has_other_key(self, credentials: Credentials) -> bool:
        used = self.exchange.credentials if self.exchange else self.credentials
        return used != credentials

    def known_account_id(self) -> str | None:
        return self.exchange.account_id if self.exchange else self.account_id


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
        self._shared = Rota({}, clock.monotonic())
        self._market = MarketState(0.0)
        self._exchanges: frozenset[str] = frozenset()
        self._pollers: dict[str, _Poller] = {}
        # By account: those told to end that have not ended yet.
        self._ending: dict[str, set[asyncio.Task[None]]] = {}

    def apply(self, settings: Settings, credentials: Mapping[str, Credentials]) -> Changes:
        """Poll the accounts of `settings` and no others. `credentials` are those of each, by name.

        A page shows all of it or nothing of it. An account that is as it was goes on untouched. One
        with other settings keeps its state, and is polled no later than it would have been; at
        another exchange it is another account.
        """
        now = self._clock.monotonic()
        self._budget.change(settings.requests_per_minute)
        self._shared.change(_shared_intervals(settings), now)
        before, self._pollers = self._pollers, {}
        states = {state.account.name: state for state in self._store.states()}
        started: list[tuple[_Poller, AccountState]] = []
        changes: dict[str, list[str]] = {"added": [], "changed": []}
        for each, offset_seconds in zip(settings.accounts, _offsets(settings), strict=True):
            name = each.account.name
            old, key = before.get(name), credentials[name]
            if old and old.account.base_url == each.account.base_url:
                if not old.has_changed(each, key):
                    self._pollers[name] = before.pop(name)
                    continue
                changes["changed"].append(name)
                new = _Poller(
                    each,
                    key,
                    _due(old, key, now, offset_seconds),
                    old.known_account_id(),
                    old.has_other_key(key),
                    old.error,
                )
                states[name] = replace(states[name], account=each.account)
            else:
                changes["added"].append(name)
                new = _Poller(each, key, now + offset_seconds)
                states[name] = AccountState(each.account)
            self._pollers[name] = new
            started.append((new, states[name]))
        for old in before.values():
            self._retire(old)
        names = list(self._pollers)
        self._store.replace_all(states[name] for name in names)
        self._exposition.keep(names)
        self._change_market(settings)
        for new, state in started:
            self._exposition.put(state)
            self._start(new, state)
        removed = tuple(name for name in before if name not in changes["changed"])
        return Changes(tuple(changes["added"]), removed, tuple(changes["changed"]))

    def stop(self) -> None:
        """Tell all of them to end."""
        for each in self._pollers.values():
            self._retire(each)
        self._pollers = {}

    def _retire(self, poller: _Poller) -> None:
        poller.is_retired = True
        poller.task.cancel()
        name = poller.account.name
        self._ending.setdefault(name, set()).add(poller.task)
        poller.task.add_done_callback(lambda task: self._forget(name, task))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        self._ending[name].discard(task)
        if not self._ending[name]:
            del self._ending[name]

    def _start(self, poller: _Poller, state: AccountState) -> None:
        # A key's requests never overlap, so a predecessor has to be through with its last one.
        predecessors = frozenset(self._ending.get(poller.account.name, ()))
        poller.task = self._group.create_task(self._run(poller, state, predecessors))

    async def _run(
        self, poller: _Poller, state: AccountState, predecessors: frozenset[asyncio.Task[None]]
    ) -> None:
        if predecessors:
            await asyncio.wait(predecessors)
        async with Wire(self._ssl_context) as wire:
            # Inside of the wire, whose closing takes time.
            part = f"poller of {poller.account.name}"
            with self._vigil.over(part, lambda: poller.is_retired):
                await self._poll(poller, state, wire)

    async def _poll(self, poller: _Poller, state: AccountState, wire: Wire) -> None:
        interval_seconds = poller.account.poll_interval_seconds
        poller.exchange = Exchange(
            base_url=poller.account.base_url,
            read_credentials=poller.settings.credentials.read,
            wire=wire,
            clock=self._clock,
            take_slot=self._budget.take,
            take_free_slot=self._budget.take_when_free,
            deadline_seconds=min(DEADLINE_SECONDS, interval_seconds),
            credentials=poller.credentials,
            account_id=poller.account_id,
            is_key_new=poller.is_key_new,
        )

        def publish(state: AccountState) -> None:
            if not poller.is_retired:
                self._store.put(state)
                self._exposition.put(state)

        extras = Extras(
            poller.exchange,
            OPTIONAL_ENDPOINTS,
            interval_seconds=interval_seconds,
            shared=self._shared,
            update_market=self._update_market,
            publish=publish,
            clock=self._clock,
        )

        async def in_between(
            state: AccountState, error: PollError | None, due_monotonic_seconds: float
        ) -> AccountState:
            poller.due_monotonic_seconds, poller.error = due_monotonic_seconds, error
            return await extras.ask_due(state, error, due_monotonic_seconds)

        await poll_forever(
            state,
            poller.exchange,
            publish,
            clock=self._clock,
            offset_seconds=max(0.0, poller.due_monotonic_seconds - self._clock.monotonic()),
            in_between=in_between,
        )

    def _update_market(self, update: Callable[[MarketState], MarketState]) -> None:
        self._market = update(self._market)
        self._exposition.put_market(self._market)

    def _change_market(self, settings: Settings) -> None:
        """Keep what is known of the market, unless it may be another market now."""
        exchanges = frozenset(each.account.base_url for each in settings.accounts)
        stale_after_seconds = min(
            (each.account.stale_after_seconds for each in settings.accounts), default=0.0
        )
        if exchanges != self._exchanges:
            self._market = MarketState(stale_after_seconds)
        self._exchanges = exchanges
        self._update_market(lambda market: replace(market, stale_after_seconds=stale_after_seconds))


def _due(old: _Poller, credentials: Credentials, now: float, offset_seconds: float) -> float:
    """Give when an account with other settings is to be polled: no later than it would have been.

    What the exchange has asked to wait for is waited for; credentials that it rejected are tried at
    once if they are others now.
    """
    if old.error is None:
        return min(old.due_monotonic_seconds, now + offset_seconds)
    if isinstance(old.error, AuthenticationError) and old.has_other_key(credentials):
        return now
    return old.due_monotonic_seconds


def _offsets(settings: Settings) -> Sequence[float]:
    """Spread the first polls over the interval, so that requests come evenly ever after."""
    count = len(settings.accounts)
    return [
        each.account.poll_interval_seconds * index / count
        for index, each in enumerate(settings.accounts)
    ]


def _shared_intervals(settings: Settings) -> Mapping[str, float]:
    """Give how often to ask what is asked once for all accounts; of two exchanges, nothing is."""
    if not (settings.accounts and settings.has_one_exchange):
        return {}
    shortest_seconds = min(each.account.poll_interval_seconds for each in settings.accounts)
    return {
        each.name: each.interval_seconds or shortest_seconds for each in (MARK_PRICE, BORROW_TERMS)
    }
