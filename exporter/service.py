"""The running exporter: one task group of a server and a poller per account."""

import asyncio
import logging
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import certifi

from exporter.budget import RequestBudget
from exporter.clock import Clock
from exporter.endpoints import BORROW_TERMS, MARK_PRICE, OPTIONAL_ENDPOINTS
from exporter.exchange import Exchange
from exporter.exposition import Exposition
from exporter.extras import Extras
from exporter.market import MarketState
from exporter.poller import poll_forever
from exporter.rota import Rota
from exporter.serving import serve
from exporter.settings import AccountSettings, Settings
from exporter.store import AccountState, Store
from exporter.supervision import Supervisor
from exporter.telemetry import process_registry
from exporter.web import Application
from exporter.wire import Wire

DEADLINE_SECONDS = 10.0
EXIT_INTERNAL = 70

# A poller that died must not be outlived by a page that still answers, whatever cleaning up does.
# A second is promised; the rest is for a busy machine.
_DYING_SECONDS = 0.5

logger = logging.getLogger(__name__)


async def run_service(
    settings: Settings,
    sockets: Sequence[socket.socket],
    *,
    telemetry_path: str,
    clock: Clock,
    stopped: asyncio.Event,
) -> None:
    """Poll and serve until `stopped` is set. Whatever ends any of it before that is a bug."""
    store = Store(each.account for each in settings.accounts)
    exposition = Exposition(process_registry(clock.wall()), clock.monotonic)
    budget = RequestBudget(clock)
    ssl_context = client_ssl_context()
    shared, market = _shared_rota(settings, clock), _market(settings)
    vigil = _Vigil(stopped)
    supervisor = Supervisor(os.environ, clock.monotonic, store.states)

    def publish(state: AccountState) -> None:
        store.put(state)
        exposition.put(state)

    def update_market(update: Callable[[MarketState], MarketState]) -> None:
        nonlocal market
        market = update(market)
        exposition.put_market(market)

    async def serve_pages() -> None:
        with vigil.over("server"):
            await serve(Application(store, exposition, telemetry_path), sockets, stopped.wait)

    async def poll_account(each: AccountSettings, state: AccountState, offset: float) -> None:
        async with Wire(ssl_context) as wire:
            # Inside of the wire, whose closing takes time.
            with vigil.over(f"poller of {each.account.name}"):
                exchange = _exchange(each, wire, budget, clock)
                extras = Extras(
                    exchange,
                    OPTIONAL_ENDPOINTS,
                    interval_seconds=each.account.poll_interval_seconds,
                    shared=shared,
                    update_market=update_market,
                    publish=publish,
                    clock=clock,
                )
                await poll_forever(
                    state,
                    exchange,
                    publish,
                    clock=clock,
                    offset_seconds=offset,
                    in_between=extras.ask_due,
                )

    for state in store.states():
        publish(state)
    async with asyncio.TaskGroup() as group:
        server = group.create_task(serve_pages())
        group.create_task(supervisor.attend(stopped))
        pollers = [
            group.create_task(poll_account(each, state, offset))
            for each, state, offset in zip(
                settings.accounts, store.states(), _offsets(settings), strict=True
            )
        ]
        await server
        for poller in pollers:
            poller.cancel()


class _Vigil:
    """Ends the process as soon as a part of it ends that was not told to stop."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self._stopped = stopped
        self._is_dying = False

    @contextmanager
    def over(self, part: str) -> Iterator[None]:
        """Watch over a part, `part` being its name in the log."""
        try:
            yield
        finally:
            # Finally, for a return or a stray cancellation, which a task group takes for a good
            # end, is as deadly as an exception.
            if not (self._stopped.is_set() or self._is_dying):
                self._is_dying = True
                logger.error("died of a bug", exc_info=sys.exc_info(), extra={"part": part})
                exit_after(_DYING_SECONDS, EXIT_INTERNAL)


def client_ssl_context() -> ssl.SSLContext:
    """Trust what OpenSSL's `SSL_CERT_FILE` names, or else certifi's list of authorities."""
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


def _offsets(settings: Settings) -> list[float]:
    """Spread the first polls over the interval, so that requests come evenly ever after."""
    count = len(settings.accounts)
    return [
        each.account.poll_interval_seconds * index / count
        for index, each in enumerate(settings.accounts)
    ]


def _market(settings: Settings) -> MarketState:
    """Give what is known before anything was asked."""
    return MarketState(min(each.account.stale_after_seconds for each in settings.accounts))


def _shared_rota(settings: Settings, clock: Clock) -> Rota:
    """Give the rota of what is asked once for all accounts; of two exchanges, nothing is."""
    poll_interval_seconds = min(each.account.poll_interval_seconds for each in settings.accounts)
    intervals_seconds = {
        each.name: each.interval_seconds or poll_interval_seconds
        for each in (MARK_PRICE, BORROW_TERMS)
        if settings.has_one_exchange
    }
    return Rota(intervals_seconds, clock.monotonic())


def _exchange(
    settings: AccountSettings, wire: Wire, budget: RequestBudget, clock: Clock
) -> Exchange:
    return Exchange(
        base_url=settings.account.base_url,
        read_credentials=settings.credentials.read,
        wire=wire,
        clock=clock,
        take_slot=budget.take,
        take_free_slot=budget.take_when_free,
        deadline_seconds=min(DEADLINE_SECONDS, settings.account.poll_interval_seconds),
    )


def exit_after(seconds: float, code: int) -> None:
    """End the process with `code`, come what may, unless it has ended by itself before."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
