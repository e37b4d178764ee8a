"""20,000 polls, a fifth of them failing: do memory, descriptors or tasks grow? Run by `make soak`.

The real poller, exchange, wire, store and exposition meet the simulator in another process, as fast
as they can: only the clock does not sleep. Exit code 1 if anything grew that must not.
"""

import argparse
import asyncio
import gc
import itertools
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from exporter.bitopro.client import Exchange
from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.signing import Credentials
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.polling.poller import poll_forever
from exporter.polling.session import AccountSession, log_changes
from exporter.service.process import client_ssl_context
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import Account, AccountState, Store

_ACCEPTED_GROWTH_BYTES = 5_000_000
# Every fault is met twice before anything is measured.
_WARM_UP_POLLS = 2000
# Of so many polls, the first fifth fails and the others succeed.
_ROUND_POLLS = 50
_ROUND_FAILURES = _ROUND_POLLS // 5
_REPORT_POLLS = 4000
# Short, for some faults are only ended by it.
_DEADLINE_SECONDS = 0.25

_FAULTS = (
    "reset-at-accept",
    "close-without-answer",
    "reset-in-headers",
    "close-in-body",
    "stall-in-body",
    "length-too-small",
    "length-huge",
    "bytes-after-body",
    "chunked-cut-in-chunk",
    "endless-chunks",
    "garbage",
    "gzip",
    "html",
    "status-401",
    "status-409",
    "status-500",
    "retry-after-huge",
    "redirect-302",
    "amount-nan",
    "another-account",
)


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What this process holds."""

    memory_bytes: int
    descriptors: int
    tasks: int


def main() -> int:
    """Run the soak and give the exit code."""
    parser = argparse.ArgumentParser(description="Poll a failing simulator for a long time.")
    parser.add_argument("--polls", type=int, default=20_000, metavar="N", help="after warming up")
    polls = parser.parse_args().polls
    # Failures are what this is about.
    logging.getLogger("exporter").setLevel(logging.ERROR)
    started = time.monotonic()
    with _simulator() as (base_url, set_fault):
        soak = _Soak(polls, set_fault)
        asyncio.run(soak.run(base_url))
    _say(f"{soak.polled} polls, {soak.failed} failed, {time.monotonic() - started:.0f} s")
    return soak.verdict()


class _Soak:
    """A run of one poller, and what was measured beside it."""

    def __init__(self, polls: int, set_fault: Callable[[str | None], None]) -> None:
        self.polled = 0
        self.failed = 0
        self._polls = polls
        self._set_fault = set_fault
        self._faults = itertools.cycle(_FAULTS)
        self._measured: list[_Holdings] = []
        self._ended = asyncio.Event()

    async def run(self, base_url: str) -> None:
        """Poll the simulator at `base_url` until there were enough polls."""
        clock = Clock(sleep=_yield)
        account = Account("soak", base_url, poll_interval_seconds=1.0, stale_after_seconds=60.0)
        store = Store([account])
        exposition = Exposition(clock.monotonic, ExporterMetrics())

        def publish(before: AccountState, state: AccountState) -> None:
            log_changes(before, state)
            store.put(state)
            exposition.put(state)
            exposition.page(Format.OPENMETRICS)
            self._count(state)

        self._set_fault(next(self._faults))
        async with Connection(client_ssl_context()) as connection:
            exchange = Exchange(
                base_url=base_url,
                read_credentials=lambda: Credentials("demo-key", "demo-secret", "demo@example.com"),
                connection=connection,
                clock=clock,
                take_slot=RequestBudget(clock, requests_per_minute=1e9).take,
                deadline_seconds=_DEADLINE_SECONDS,
            )
            session = AccountSession(store.states()[0], exchange, clock, publish)
            poller = asyncio.create_task(poll_forever(session, clock=clock))
            ended = asyncio.create_task(self._ended.wait())
            await asyncio.wait([poller, ended], return_when=asyncio.FIRST_COMPLETED)
            poller.cancel()
            with suppress(asyncio.CancelledError):
                await poller

    def _count(self, state: AccountState) -> None:
        self.polled += 1
        self.failed += not state.is_up
        match self.polled % _ROUND_POLLS:
            case 0:
                self._end_round()
            case each if each == _ROUND_FAILURES:
                self._set_fault(None)

    def _end_round(self) -> None:
        counted = self.polled - _WARM_UP_POLLS
        is_last = counted >= self._polls
        if counted >= 0 and (is_last or counted % _REPORT_POLLS == 0):
            self._measure()
        if is_last:
            self._ended.set()
        else:
            self._set_fault(next(self._faults))

    def _measure(self) -> None:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        holdings = _Holdings(
            memory_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
            descriptors=len(list(Path("/proc/self/fd").iterdir())),
            tasks=len(asyncio.all_tasks()),
        )
        self._measured.append(holdings)
        _say(
            f"after {self.polled:6} polls: {holdings.memory_bytes / 1e6:6.1f} MB, "
            f"{holdings.descriptors} descriptors, {holdings.tasks} tasks"
        )

    def verdict(self) -> int:
        """Print what grew, and return the exit code."""
        first, last = self._measured[0], self._measured[-1]
        grown_bytes = last.memory_bytes - first.memory_bytes
        descriptors = last.descriptors - first.descriptors
        tasks = last.tasks - first.tasks
        _say(
            f"growth: {grown_bytes / 1e6:+.1f} MB of memory (below "
            f"{_ACCEPTED_GROWTH_BYTES / 1e6:g} is fine), {descriptors:+} descriptors, "
            f"{tasks:+} tasks"
        )
        if self.failed * 5 < self.polled:
            _say("fewer than a fifth of the polls failed: the faults do not work")
            return 1
        is_flat = grown_bytes < _ACCEPTED_GROWTH_BYTES and descriptors <= 0 and tasks <= 0
        return 0 if is_flat else 1


async def _yield(_seconds: float) -> None:
    await asyncio.sleep(0)


@contextmanager
def _simulator() -> Iterator[tuple[str, Callable[[str | None], None]]]:
    """Run a simulator in a process of its own; give its URL and what sets its fault."""
    # Not forked, so that it shares no memory with what is measured.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_simulate, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    base_url: str = ours.recv()

    def set_fault(name: str | None) -> None:
        ours.send(name)
        ours.recv()

    try:
        yield base_url, set_fault
    finally:
        ours.close()
        process.join()


def _simulate(control: Pipe) -> None:
    asyncio.run(_serve(control))


async def _serve(control: Pipe) -> None:
    """Serve until the other end of `control` is closed; what comes from it is the next fault."""
    closed = asyncio.Event()
    config = SimulatorConfig(port=0, currencies=20, rate_limit=10_000_000)
    async with Simulator(config) as simulator:

        def obey() -> None:
            try:
                simulator.fault = control.recv()
            except EOFError:
                asyncio.get_running_loop().remove_reader(control.fileno())
                closed.set()
            else:
                control.send(simulator.fault)

        asyncio.get_running_loop().add_reader(control.fileno(), obey)
        control.send(simulator.base_url)
        await closed.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
