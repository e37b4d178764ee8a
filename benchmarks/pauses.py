"""For how long the event loop stands still while everything changes and is scraped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.processes import Contender, fetch, python, running

_ROUNDS = 5
_SCRAPES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """The longest step of the loop in a round, by its thread's CPU time and on the wall."""

    accounts: int
    cpu_ms: float
    wall_ms: float


def measure(accounts: int) -> list[Row]:
    """Let every account change, step by step as polls do, while others scrape."""
    with running(python("watched", accounts)) as contender:
        return [_round(contender, accounts, number) for number in range(_ROUNDS)]


def _round(contender: Contender, accounts: int, number: int) -> Row:
    contender.prepare(number, accounts)
    contender.tell("longest")
    scrapers = [
        threading.Thread(target=_scrape, args=(contender.port, compressed))
        for compressed in (False, True)
    ]
    _each(scrapers, threading.Thread.start)
    contender.apply()
    _each(scrapers, threading.Thread.join)
    cpu, wall = contender.tell("longest").split()
    return Row(accounts, float(cpu) * 1e3, float(wall) * 1e3)


def _scrape(port: int, compressed: bool) -> None:  # noqa: FBT001 - a thread's target
    for _ in range(_SCRAPES):
        fetch(port, compressed=compressed)


def _each(threads: list[threading.Thread], do: Callable[[threading.Thread], None]) -> None:
    for each in threads:
        do(each)
