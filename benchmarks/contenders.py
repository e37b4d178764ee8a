"""The processes that are measured: `python -m benchmarks.contenders KIND ACCOUNTS [PAGE GZIP]`.

Each prints its port, then obeys lines on standard input and answers each by a line: "prepare ROUND
ACCOUNTS" computes what the first accounts are to change to, which is not measured; "apply" makes it
so, which is. The one that is watched changes accounts in steps of the loop, as polls do, and tells
its "longest" step.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.registry import Collector

from benchmarks import data
from benchmarks.constant import ConstantSite
from benchmarks.watch import Watch
from exporter.clock import Clock
from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.page import Exposition
from exporter.metrics.text import as_metric
from exporter.state import AccountState, Store
from exporter.web.application import Application, AuthMiddleware
from exporter.web.listening import open_sockets
from exporter.web.server import ASGIApplication, serve
from exporter.web.status_page import StatusPage
from exporter.web.tls import Protection

Prepare = Callable[[int, int], None]
Apply = Callable[[], None]


def main() -> None:
    """Run the contender that the arguments name, until standard input ends."""
    # As the command does.
    gc.freeze()
    kind, count, *files = sys.argv[1:]
    match kind:
        case "ours":
            asyncio.run(_ours(int(count)))
        case "watched":
            asyncio.run(_ours(int(count), Watch()))
        case "constant":
            plain, compressed = (Path(each).read_bytes() for each in files)
            asyncio.run(_constant(plain, compressed))
        case "gauges":
            _gauges(int(count))
        case "collector":
            _collector(int(count))


async def _ours(count: int, watch: Watch | None = None) -> None:
    before = data.states(count, time.monotonic())
    store = Store(each.account for each in before)
    exposition = Exposition(time.monotonic, ExporterMetrics())
    pending: list[AccountState] = []

    def publish(states: Iterable[AccountState]) -> None:
        # As the service does.
        for state in states:
            store.put(state)
            exposition.put(state)

    def prepare(round_: int, accounts: int) -> None:
        present = store.states()[:accounts]
        pending[:] = data.changed(present, round_, time.monotonic())

    async def apply_in_steps() -> None:
        for state in pending:
            publish([state])
            await asyncio.sleep(0)

    async def obey(line: str) -> None:
        match line.split():
            case ["longest"] if watch is not None:
                _say(*watch.longest())
            case ["apply"] if watch is not None:
                await apply_in_steps()
                _say("done")
            case _:
                _obey(line, prepare, lambda: publish(pending))

    publish(before)
    before.clear()
    site = Application(store, exposition, "/metrics", StatusPage(Clock(), "/metrics"))
    await _serve(AuthMiddleware(site, Protection()), obey)


async def _constant(plain: bytes, compressed: bytes) -> None:

    async def obey(line: str) -> None:
        _obey(line, lambda _, __: None, lambda: None)

    await _serve(ConstantSite(plain, compressed), obey)


async def _serve(application: ASGIApplication, obey: Callable[[str], Awaitable[None]]) -> None:
    sockets = open_sockets(["127.0.0.1:0"])
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )

    async def obey_all() -> None:
        while line := await commands.readline():
            await obey(line.decode())

    _say(sockets[0].getsockname()[1])
    await serve(application, sockets, obey_all)


def _gauges(count: int) -> None:
    """Serve a Gauge per family; children are looked up once and kept."""
    registry = _registry()
    children: list[tuple[int, Gauge, float]] = []
    pending: list[tuple[Gauge, float]] = []
    gauges = {
        family.name: Gauge(family.name, family.help, family.labels, registry=registry)
        for family in FAMILIES
    }
    for number, state in enumerate(data.states(count, time.monotonic())):
        for family in FAMILIES:
            for key, value in family.read(state):
                child = gauges[family.name].labels(*family.owner(state), *key)
                child.set(float(value))
                children.append((number, child, float(value)))

    def prepare(round_: int, accounts: int) -> None:
        factor = 1 + round_ / 1000
        pending[:] = [
            (child, base * factor) for number, child, base in children if number < accounts
        ]

    def apply() -> None:
        for child, value in pending:
            child.set(value)

    _serve_by_thread(registry, prepare, apply)


def _collector(count: int) -> None:
    """Serve a collector that builds every family at the scrape."""
    states = data.states(count, time.monotonic())
    pending: list[AccountState] = []

    class States(Collector):
        def collect(self) -> Iterable[Metric]:
            return [as_metric(family, states) for family in FAMILIES]

        def describe(self) -> Iterable[Metric]:
            return []

    registry = _registry()
    registry.register(States())

    def prepare(round_: int, accounts: int) -> None:
        pending[:] = data.changed(states[:accounts], round_, time.monotonic())

    def apply() -> None:
        states[: len(pending)] = pending

    _serve_by_thread(registry, prepare, apply)


def _registry() -> CollectorRegistry:
    """Return a registry with the families that every program in Python has."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _serve_by_thread(registry: CollectorRegistry, prepare: Prepare, apply: Apply) -> None:
    server, _ = start_http_server(0, addr="127.0.0.1", registry=registry)
    _say(server.server_port)
    for line in sys.stdin:
        _obey(line, prepare, apply)
    server.shutdown()
    server.server_close()


def _obey(line: str, prepare: Prepare, apply: Apply) -> None:
    match line.split():
        case ["prepare", round_, accounts]:
            prepare(int(round_), int(accounts))
        case ["apply"]:
            apply()
    _say("done")


def _say(*what: object) -> None:
    sys.stdout.write(f"{' '.join(map(str, what))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
