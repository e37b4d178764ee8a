"""What a look at each account found, as text for people, at most 100 characters wide."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from exporter.exchange.snapshot import Snapshot
from exporter.once import figures
from exporter.once.look import Look
from exporter.once.verdict import verdict
from exporter.once.words import Said, after_moves, before_moves, move
from exporter.risk.assessment import Risk

_WIDTH = 100
_NAME_WIDTH = 14
_COLOURS = {"good": "\x1b[32m", "doubtful": "\x1b[33m", "bad": "\x1b[1;31m"}
_PLAIN = "\x1b[0m"

_Row = tuple[str, str, str, str]


def table(looks: Iterable[Look], *, is_coloured: bool) -> str:
    """Give a paragraph per account."""
    return "\n".join(
        "".join(f"{line}\n" for line in _paragraph(look, is_coloured=is_coloured)) for look in looks
    )


def _paragraph(look: Look, *, is_coloured: bool) -> Iterator[str]:
    yield _heading(look, is_coloured=is_coloured)
    snapshot, risk = look.snapshot, look.risk
    if look.failure is not None:
        yield from _line(("no answer", f"{look.failure.reason}: {look.failure.message}"))
    if snapshot is not None and risk is not None:
        for said in before_moves(look, snapshot, risk):
            yield from _line(said)
        if risk.ratio is not None:
            yield from _moves(snapshot, risk, f"{look.account.thresholds.liquidation:g}")
        for said in after_moves(look, snapshot, risk):
            yield from _line(said)
    for lack in look.lacks:
        yield from _line(("missing", f"{lack.endpoint}: {lack.reason}: {lack.message}"))


def _heading(look: Look, *, is_coloured: bool) -> str:
    at = datetime.fromtimestamp(look.timestamp_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    judged = verdict(look)
    name = f"{look.account.name}: "
    length = len(name) + len(judged.text)
    text = f"{_COLOURS[judged.kind]}{judged.text}{_PLAIN}" if is_coloured else judged.text
    if length + 2 + len(at) > _WIDTH:
        return f"{name}{text}\n{at:>{_WIDTH}}"
    return f"{name}{text}{at:>{_WIDTH - length}}"


def _line(said: Said) -> Sequence[str]:
    """Give a sentence behind its subject, broken where it is too long."""
    name, text = said
    indent = " " * (2 + _NAME_WIDTH)
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"  {name:{_NAME_WIDTH}}", subsequent_indent=indent
    )


def _moves(snapshot: Snapshot, risk: Risk, level: str) -> Iterator[str]:
    """Give what brings liquidation, the nearest first."""
    singles = [
        (each.liquidation_move["liquidation"], _single(name, risk))
        for name, each in risk.currencies.items()
        if name != snapshot.unit and not each.asset == each.debt == 0
    ]
    together = risk.liquidation_move["liquidation"]
    moves = [*singles, (together, ("all together", "", "", move("", together, risk)))]
    moves.sort(key=lambda each: (each[0] is None, abs(each[0] or 0)))
    heading = ("", f"price in {snapshot.unit}", f"ratio {level} at", f"to {level}")
    yield ""
    yield from _aligned([heading, *(row for _, row in moves)])
    yield ""


def _single(name: str, risk: Risk) -> _Row:
    each = risk.currencies[name]
    change, there = each.liquidation_move["liquidation"], each.liquidation_price["liquidation"]
    return (
        name,
        "" if each.price is None else figures.price(each.price),
        figures.price(there) if change and there is not None else "",
        move(name, change, risk),
    )


def _aligned(rows: Sequence[_Row]) -> Iterator[str]:
    names, now, there, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    names = max(names, _NAME_WIDTH - 2)
    for row in rows:
        yield f"  {row[0]:{names}}  {row[1]:>{now}}  {row[2]:>{there}}  {row[3]}".rstrip()
