"""The pollers of the configured accounts: a task each, started and stopped by the configuration."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from exporter.bitopro.client import Exchange
from exporter.bitopro.endpoints import BALANCES
from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.signing import Credentials, NonceSource, signed_headers
from exporter.bitopro.transport import Connection, require_usable_url
from exporter.clock import Clock
from exporter.config.settings import AccountSettings, Settings
from exporter.crash import ExitOnFailure
from exporter.errors import AuthenticationError, ConfigurationError, PollError, RateLimitedError
from exporter.metrics.page import Exposition
from exporter.polling.optional import OptionalRequests, Schedule, SharedMarket
from exporter.polling.poller import Pace, poll_forever
from exporter.polling.session import AccountSession, SharedResources, log_changes
from exporter.state import AccountState, Store


def identity(settings: AccountSettings, credentials: Credentials) -> bytes:
    """Return what identifies a key at an exchange, without holding the key itself."""
    return sha256(f"{settings.account.base_url}\n{credentials.api_key}".encode()).digest()


@dataclass(slots=True, eq=False)
class AccountPoller:
    """One poller. `due_monotonic_seconds` is that of its next poll, `error` that of its last.

    `account_id` is the exchange's name for the account as it was known before this poller, and
    `is_key_new` says that the credentials were others then.
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
        """Return whether nothing that it works with would change."""
        return self.settings == settings and not self._has_others_than(credentials)

    def reconfigured(
        self, settings: AccountSettings, credentials: Credentials, soon_monotonic_seconds: float
    ) -> "AccountPoller":
        """Return the poller of the same account with other settings, to be started.

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
        publish: Callable[[AccountState, AccountState], None],
        *,
        connection: Connection,
        resources: SharedResources,
        shared_market: SharedMarket,
        pace: Pace,
    ) -> None:
        """Poll from `state` on, until cancelled."""
        clock = resources.clock
        self._exchange = resources.exchange(
            self.settings,
            connection,
            credentials=self.credentials,
            account_id=self.account_id,
            is_key_new=self.is_key_new,
        )
        session = AccountSession(state, self._exchange, clock, publish, lambda: shared_market.state)
        optional_requests = OptionalRequests(session, shared_market, clock=clock)

        async def in_between(error: PollError | None, due_monotonic_seconds: float) -> None:
            self.due_monotonic_seconds, self.error = due_monotonic_seconds, error
            await optional_requests.ask_due(error, due_monotonic_seconds)

        await poll_forever(
            session,
            clock=clock,
            offset_seconds=max(0.0, self.due_monotonic_seconds - clock.monotonic()),
            in_between=in_between,
            pace=pace.interval_seconds,
        )

    def _has_others_than(self, credentials: Credentials) -> bool:
        # Those in use may have been read again after a 401.
        used = self._exchange.credentials if self._exchange else self.credentials
        return used != credentials


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """The names of the accounts that came, went, or go on with other settings or another key."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class PollerManager:
    """Runs a poller per account in `group`, and publishes what they learn."""

    def __init__(  # noqa: PLR0913 - everything it needs is passed in
        self,
        *,
        store: Store,
        exposition: Exposition,
        ssl_context: ssl.SSLContext,
        clock: Clock,
        exit_on_failure: ExitOnFailure,
        group: asyncio.TaskGroup,
    ) -> None:
        self._store = store
        self._exposition = exposition
        self._resources = SharedResources(clock, ssl_context, RequestBudget(clock))
        self._exit_on_failure = exit_on_failure
        self._group = group
        self._shared_market = SharedMarket(Schedule({}, clock.monotonic()), exposition.put_market)
        self._pace = Pace()
        self._pollers: dict[str, AccountPoller] = {}
        # By what identifies a key at an exchange: until when requests with it are to wait, and why.
        self._waits: dict[bytes, tuple[float, RateLimitedError]] = {}
        # By account: those that are stopping.
        self._ending: dict[str, set[asyncio.Task[None]]] = {}

    def apply(self, settings: Settings, credentials: Mapping[str, Credentials]) -> Changes:
        """Poll the accounts of `settings` and no others. `credentials` are those of each, by name.

        A page shows all of it or nothing of it. Raises ConfigurationError, before anything has
        changed, if an account cannot be polled. An account that is as it was goes on untouched. One
        with other settings keeps its state and its place in time; at another exchange it is another
        account.
        """
        now = self._resources.clock.monotonic()
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
                after[name] = old.reconfigured(each, credentials[name], due)
                states[name] = replace(states[name], account=each.account, interval_seconds=None)
                changed.add(name)
        stays = {name for name, old in before.items() if after.get(name) is old}
        connections = {
            name: _built(poller, self._resources)
            for name, poller in after.items()
            if name not in stays
        }
        self._waits = waits
        self._resources.exchanges.keep(
            {each.account.name: each.account.base_url for each in settings.accounts}
        )
        self._resources.budget.change(settings.requests_per_minute)
        self._pace.change(after, settings.requests_per_minute)
        self._shared_market.change(settings, now)
        for name in changed:
            states[name] = states[name].assessed(self._shared_market.state, now)
        for name in before.keys() - stays:
            self._retire(before[name])
        self._pollers = after
        self._store.replace_all(states[name] for name in after)
        self._exposition.keep(after)
        for name in [each for each in after if each not in stays]:
            self._exposition.put(states[name])
            self._start(after[name], states[name], connections[name])
        return Changes(
            added=tuple(name for name in after if name not in stays | changed),
            removed=tuple(name for name in before if name not in stays | changed),
            changed=tuple(name for name in after if name in changed),
        )

    def stop(self) -> None:
        """Stop all of them."""
        for each in self._pollers.values():
            self._retire(each)

    def _waits_after(self, now: float) -> dict[bytes, tuple[float, RateLimitedError]]:
        """Return how long each key is to wait, whatever becomes of its account."""
        asked = {
            poller.identity: (poller.due_monotonic_seconds, poller.error)
            for poller in self._pollers.values()
            if isinstance(poller.error, RateLimitedError)
        }
        return {key: wait for key, wait in {**self._waits, **asked}.items() if wait[0] > now}

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

    def _start(self, poller: AccountPoller, state: AccountState, connection: Connection) -> None:
        # A key's requests never overlap, so a predecessor has to be through with its last one.
        predecessors = frozenset(self._ending.get(state.account.name, ()))
        poller.task = self._group.create_task(self._run(poller, state, connection, predecessors))

    async def _run(
        self,
        poller: AccountPoller,
        state: AccountState,
        connection: Connection,
        predecessors: frozenset[asyncio.Task[None]],
    ) -> None:
        if predecessors:
            await asyncio.wait(predecessors)

        def publish(before: AccountState, after: AccountState) -> None:
            log_changes(before, after)
            if not poller.is_retired:
                self._store.put(after)
                self._exposition.put(after)

        async with connection:
            # Inside of the connection, whose closing takes time.
            part = f"poller of {state.account.name}"
            with self._exit_on_failure.over(part, lambda: poller.is_retired):
                await poller.poll(
                    state,
                    publish,
                    connection=connection,
                    resources=self._resources,
                    shared_market=self._shared_market,
                    pace=self._pace,
                )


def _built(poller: AccountPoller, resources: SharedResources) -> Connection:
    """Return the connection of a new poller, with which a request could be built and signed."""
    account = poller.settings.account
    try:
        require_usable_url(account.base_url + BALANCES.path)
        signed_headers(poller.credentials, NonceSource(resources.clock.wall).next_ms())
        return Connection(resources.ssl_context)
    except Exception as error:
        # Of any kind, because this is all that stands between it and a dead process.
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
