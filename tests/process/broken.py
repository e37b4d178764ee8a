"""The exporter with a bug built in: `python -m tests.process.broken BUG [FLAG...]`.

Most bugs show when the simulator's fault `label-unknown` reaches the parser. They print the
monotonic time of that moment.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.endpoints import BALANCES
from exporter.bitopro.transport import Connection
from exporter.cli import run
from exporter.cli.main import main
from exporter.polling import manager, poller
from exporter.service import process, signals
from tests.process.running import SECRETS


def _now() -> None:
    sys.stdout.write(f"{time.monotonic()}\n")
    sys.stdout.flush()


def _at_trigger(happen: Callable[[], None]) -> None:
    """Let something happen in the poller when the parser meets the label."""

    def parse(body: bytes) -> Snapshot:
        snapshot = parse_snapshot(body)
        if snapshot.ad_ratio_label != "SAFETY_THRESHOLD":
            _now()
            happen()
        return snapshot

    balances = replace(BALANCES, parse=parse)
    setattr(poller, "BALANCES", balances)  # noqa: B010 - mypy refuses what is only imported


def _raising(error: BaseException) -> Callable[[], None]:
    def happen() -> NoReturn:
        raise error

    return happen


def _exception() -> None:
    # As careless as an exception can be.
    _at_trigger(_raising(ValueError(f"cannot cope with {SECRETS}")))


def _stray_cancellation() -> None:
    _at_trigger(_raising(asyncio.CancelledError()))


def _system_exit() -> None:
    _at_trigger(_raising(SystemExit(0)))


def _hung_cleanup() -> None:
    _at_trigger(_raising(ValueError()))

    async def close(*_: object) -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    setattr(Connection, "__aexit__", close)  # noqa: B010 - mypy refuses to assign a method


def _blocked_cleanup() -> None:
    _at_trigger(_raising(ValueError()))

    async def close(*_: object) -> None:
        time.sleep(60)  # noqa: ASYNC251 - the bug

    setattr(Connection, "__aexit__", close)  # noqa: B010 - mypy refuses to assign a method


def _return() -> None:
    async def poll_once(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        _now()

    setattr(manager, "poll_forever", poll_once)  # noqa: B010 - of another type on purpose


def _server_ends() -> None:
    async def serve(*_: object) -> None:
        await asyncio.sleep(0)
        _now()

    setattr(process, "serve", serve)  # noqa: B010 - of another type on purpose


def _blocked_loop() -> None:
    _at_trigger(lambda: time.sleep(30))


def _hung_lookup() -> None:
    def look_up(*_: object, **__: object) -> NoReturn:
        _now()
        time.sleep(30)
        raise OSError

    setattr(socket, "getaddrinfo", look_up)  # noqa: B010 - of another type on purpose


def _leaking_start() -> None:
    def load(*_: object, **__: object) -> NoReturn:
        raise ValueError(f"cannot cope with {SECRETS}")

    setattr(run, "load_configuration", load)  # noqa: B010 - of another type on purpose


def _quick_backoff() -> None:
    def delay(*_: object) -> float:
        return 0.01

    setattr(poller, "delay_seconds", delay)  # noqa: B010 - of another type on purpose


class _Lingering:
    def __del__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        sleep(30)


def _slow_end() -> None:
    # Kept by a module, it goes when the interpreter has given up its handlers.
    setattr(sys, "lingering", _Lingering())  # noqa: B010 - unknown to mypy


BUGS: Mapping[str, Callable[[], None]] = {
    "exception": _exception,
    "stray-cancellation": _stray_cancellation,
    "system-exit": _system_exit,
    "hung-cleanup": _hung_cleanup,
    "blocked-cleanup": _blocked_cleanup,
    "return": _return,
    "server-ends": _server_ends,
    "blocked-loop": _blocked_loop,
    "hung-lookup": _hung_lookup,
    "leaking-start": _leaking_start,
    "quick-backoff": _quick_backoff,
    "slow-end": _slow_end,
}


if __name__ == "__main__":
    signals.exit_at_once_on_signal()
    BUGS[sys.argv.pop(1)]()
    signals.end(main())
