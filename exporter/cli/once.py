"""`once`: one look at every account, printed as a table, as JSON or for a textfile collector."""

import argparse
import asyncio
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import Literal

from exporter.bitopro.balances import Balance, Snapshot
from exporter.bitopro.consistency import contradictions, with_undocumented
from exporter.cli import formatting
from exporter.cli.account_reports import AccountReport, poll_until
from exporter.cli.flags import OutputFormat
from exporter.cli.run import shard_of
from exporter.cli.terminal import echo, echo_error, terminal_of
from exporter.clock import Clock
from exporter.errors import EXIT_FAILED, POLL_ERRORS, UnableError
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.risk import Risk, Thresholds, Totals, is_crossed
from exporter.service.process import load_configuration, run_until_signal

Kind = Literal["good", "doubtful", "bad"]

_KINDS: dict[str, Kind] = {"warning": "doubtful", "critical": "bad", "liquidation": "bad"}
_DIFFERENCE_WORTH_TELLING = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A few words, and how bad they are."""

    kind: Kind
    text: str


def verdict(report: AccountReport) -> Verdict:
    """Judge an account by its exact ratio. What is not known, or doubtful, is never good."""
    judged = _by_ratio(report)
    if judged.kind == "good" and any(doubts(report)):
        return Verdict("doubtful", f"DOUBTFUL; else {judged.text}")
    return judged


def _by_ratio(report: AccountReport) -> Verdict:
    if report.snapshot is None:
        return Verdict("bad", "NOT KNOWN")
    thresholds = report.account.thresholds
    total = Totals(report.snapshot.total_asset_amount, report.snapshot.total_debt_amount)
    if not total.debt:
        return Verdict("good", "no debt")
    if total.asset < total.debt:
        return Verdict("bad", "LIQUIDATION: owes more than it has")
    for name, ratio in sorted(thresholds.by_level().items(), key=itemgetter(1)):
        if is_crossed(total, Decimal(str(ratio))):
            return Verdict(_KINDS[name], f"{name.upper()}: below {ratio:g}")
    return Verdict("good", f"safe: not below {thresholds.warning:g}")


def doubts(report: AccountReport) -> Iterator[str]:
    """Yield what in an answer contradicts itself, the market, or the documentation."""
    if report.snapshot is None or report.risk is None:
        return
    difference = report.risk.integrity
    if difference is not None and difference > _DIFFERENCE_WORTH_TELLING:
        share = formatting.percent(difference)
        yield f"balances at mark prices add up to other totals, by {share}"
    if failed := [check for check, fails in contradictions(report.snapshot).items() if fails]:
        yield f"the answer contradicts itself: {', '.join(failed)}"
    for item in sorted(with_undocumented(frozenset(), report.snapshot)):
        # A field more takes nothing away from the others.
        if item.kind != "field":
            yield f"BitoPro documents no {item.kind} {item.text}"


Line = tuple[str, str]
"""What it is about, and the sentence."""


def before_moves(report: AccountReport, snapshot: Snapshot, risk: Risk) -> Iterator[Line]:
    """Yield how the account stands now."""
    yield "ratio", _ratio(snapshot, risk)
    asset, debt = snapshot.total_asset_amount, snapshot.total_debt_amount
    yield "has, owes", f"{formatting.money(asset)} and {formatting.money(debt)} {snapshot.unit}"
    yield "thresholds", _thresholds(report.account.thresholds)


def after_moves(report: AccountReport, snapshot: Snapshot, risk: Risk) -> Iterator[Line]:
    """Yield what would become of it, what helps, and what is doubtful."""
    thresholds = report.account.thresholds
    if risk.ratio is not None:
        yield "if all move", _shocks(risk)
        yield "rescue", _rescue(snapshot, risk, thresholds)
        yield "interest", _interest(snapshot, risk, thresholds)
    for doubt in doubts(report):
        yield "doubtful", doubt
    if risk.ratio is not None and risk.missing_prices:
        names = ", ".join(risk.missing_prices)
        yield "missing", f"the price of {names}: liquidation may be nearer than it looks"


def move(name: str, change: Decimal | None, risk: Risk) -> str:
    """Return which move of a price, or of all together, brings liquidation."""
    if change == 0 or risk.liquidation_distance["liquidation"] == 0:
        return "crossed"
    if change is None:
        is_unknown = name in risk.missing_prices or (not name and risk.together_asset is None)
        return "not known" if is_unknown else "no move leads there"
    return f"{'falls' if change < 0 else 'rises'} by {formatting.percent(change)}"


def _ratio(snapshot: Snapshot, risk: Risk) -> str:
    text = "none without debt" if risk.ratio is None else formatting.ratio(risk.ratio)
    reported = [
        *([] if snapshot.ad_ratio is None else [f"{snapshot.ad_ratio:f}"]),
        *([] if snapshot.ad_ratio_label is None else [snapshot.ad_ratio_label]),
    ]
    return f"{text} (the exchange says {', '.join(reported)})" if reported else text


def _thresholds(thresholds: Thresholds) -> str:
    levels = thresholds.by_level()
    if not thresholds.chosen:
        text = ", ".join(f"{name} {ratio:g}" for name, ratio in levels.items())
        return f"{text} (assumed: BitoPro publishes none)"
    return ", ".join(
        f"{name} {ratio:g}" + ("" if name in thresholds.chosen else " (assumed)")
        for name, ratio in levels.items()
    )


def _shocks(risk: Risk) -> str:
    known = {shock: ratio for shock, ratio in risk.stress.items() if ratio is not None}
    if not known:
        return "not known"
    return ", ".join(
        f"{Decimal(shock) * 100:+.0f} % {formatting.short_ratio(ratio)}"
        for shock, ratio in known.items()
    )


def _rescue(snapshot: Snapshot, risk: Risk, thresholds: Thresholds) -> str:
    back = f"to be back at {thresholds.warning:g}"
    repay, deposit = risk.rescue_repay["warning"], risk.rescue_deposit["warning"]
    if not deposit:
        return "none needed"
    add = f"add {formatting.needed(deposit)} {snapshot.unit} {back}"
    if repay is None:
        return f"{add}; no repayment out of the assets can do it"
    return f"repay {formatting.needed(repay)} {snapshot.unit} or {add}"


def _interest(snapshot: Snapshot, risk: Risk, thresholds: Thresholds) -> str:
    if risk.interest_per_day is None:
        return "not known: the price or the rate of something borrowed is missing"
    text = f"{formatting.needed(risk.interest_per_day)} {snapshot.unit} a day"
    left = risk.days_to_threshold["liquidation"]
    if not left:
        return text
    return f"{text}; {formatting.days(left)} days to {thresholds.liquidation:g} at these prices"


_WIDTH = 100
_NAME_WIDTH = 14
_COLOURS = {"good": "\x1b[32m", "doubtful": "\x1b[33m", "bad": "\x1b[1;31m"}
_PLAIN = "\x1b[0m"

_Row = tuple[str, str, str, str]


def table(reports: Iterable[AccountReport], *, is_coloured: bool) -> str:
    """Return a paragraph per account."""
    return "\n".join(
        "".join(f"{line}\n" for line in _paragraph(report, is_coloured=is_coloured))
        for report in reports
    )


def _paragraph(report: AccountReport, *, is_coloured: bool) -> Iterator[str]:
    yield _heading(report, is_coloured=is_coloured)
    snapshot, risk = report.snapshot, report.risk
    if report.failure is not None:
        yield from _line(("no answer", f"{report.failure.reason}: {report.failure.message}"))
    if snapshot is not None and risk is not None:
        for said in before_moves(report, snapshot, risk):
            yield from _line(said)
        if risk.ratio is not None:
            yield from _moves(snapshot, risk, f"{report.account.thresholds.liquidation:g}")
        for said in after_moves(report, snapshot, risk):
            yield from _line(said)
    for missing_one in report.missing:
        yield from _line(
            ("missing", f"{missing_one.endpoint}: {missing_one.reason}: {missing_one.message}")
        )


def _heading(report: AccountReport, *, is_coloured: bool) -> str:
    at = datetime.fromtimestamp(report.timestamp_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    judged = verdict(report)
    name = f"{report.account.name}: "
    length = len(name) + len(judged.text)
    text = f"{_COLOURS[judged.kind]}{judged.text}{_PLAIN}" if is_coloured else judged.text
    if length + 2 + len(at) > _WIDTH:
        return f"{name}{text}\n{at:>{_WIDTH}}"
    return f"{name}{text}{at:>{_WIDTH - length}}"


def _line(said: Line) -> Sequence[str]:
    """Return a sentence behind its subject, broken where it is too long."""
    name, text = said
    indent = " " * (2 + _NAME_WIDTH)
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"  {name:{_NAME_WIDTH}}", subsequent_indent=indent
    )


def _moves(snapshot: Snapshot, risk: Risk, level: str) -> Iterator[str]:
    """Return what brings liquidation, the nearest first."""
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
        "" if each.price is None else formatting.price(each.price),
        formatting.price(there) if change and there is not None else "",
        move(name, change, risk),
    )


def _aligned(rows: Sequence[_Row]) -> Iterator[str]:
    names, now, there, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    names = max(names, _NAME_WIDTH - 2)
    for row in rows:
        yield f"  {row[0]:{names}}  {row[1]:>{now}}  {row[2]:>{there}}  {row[3]}".rstrip()


_DIGITS = Context(prec=28)


def document(reports: Iterable[AccountReport]) -> str:
    """Return the document, `accounts` in the order of the configuration."""
    return json.dumps({"accounts": [_account(report) for report in reports]}, indent=2) + "\n"


def _account(report: AccountReport) -> Mapping[str, object]:
    thresholds = report.account.thresholds
    levels = thresholds.by_level()
    snapshot = _plain(report.snapshot)
    if isinstance(snapshot, dict) and not report.account.shows_id:
        snapshot["account_id"] = None
    return {
        "account": report.account.name,
        "timestamp_seconds": report.timestamp_seconds,
        "error": _plain(report.failure),
        "missing": _plain(report.missing),
        "thresholds": {name: str(ratio) for name, ratio in levels.items()},
        "assumed_thresholds": [name for name in levels if name not in thresholds.chosen],
        "snapshot": snapshot,
        "mark_prices": _plain(report.market.prices.prices if report.market.prices else {}),
        "annual_interest_ratios": _plain(report.market.annual_ratios),
        "risk": _plain(report.risk, _DIGITS),
    }


def _plain(value: object, digits: Context | None = None) -> object:
    """Return a value of ours as JSON has it; `digits` rounds decimals."""
    if isinstance(value, Decimal):
        rounded = value if digits is None else digits.create_decimal(value)
        return f"{rounded:f}"
    if isinstance(value, Balance):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(name): _plain(each, digits) for name, each in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return [_plain(each, digits) for each in value]
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name), digits) for each in fields(value)}
    return value


def printed(results: Sequence[AccountReport], form: OutputFormat, *, is_coloured: bool) -> str:
    """Return the text to print."""
    return _FORMS[form](results, is_coloured)


def failures(results: Sequence[AccountReport]) -> Sequence[str]:
    """Return why each account without an answer has none, and what to do."""
    return [
        f"account {report.account.name}: no answer: "
        f"{report.failure.reason}: {report.failure.message}; "
        f"{POLL_ERRORS[report.failure.reason].hint}"
        for report in results
        if report.failure is not None
    ]


def _table(results: Sequence[AccountReport], is_coloured: bool) -> str:  # noqa: FBT001 - see _FORMS
    return table(results, is_coloured=is_coloured)


def _json(results: Sequence[AccountReport], _: object) -> str:
    return document(results)


def _prom(results: Sequence[AccountReport], _: object) -> str:
    """Return the page without what it says of the process, which has ended when that is read."""
    exposition = Exposition(lambda: float("-inf"))
    for each in results:
        exposition.put(each.state)
    markets = {each.state.account.base_url: each.market for each in results}
    if len(markets) == 1:
        # Prices are of no account: those of two exchanges would be mixed.
        exposition.put_market(*markets.values())
    return exposition.page(Format.TEXT).decode()


_FORMS: Mapping[OutputFormat, Callable[[Sequence[AccountReport], bool], str]] = MappingProxyType(
    {OutputFormat.TABLE: _table, OutputFormat.JSON: _json, OutputFormat.PROM: _prom}
)


def main(options: argparse.Namespace) -> int:
    """Print each account; return 1 if one of them gave no answer."""
    settings = load_configuration(options.config_file, choose_shard=lambda: shard_of(options))
    results: tuple[AccountReport, ...] | None = None

    async def report(stopped: asyncio.Event) -> None:
        nonlocal results
        results = await poll_until(stopped, settings, Clock())

    code = run_until_signal(report, options.log_level, options.log_format)
    if code:
        return code
    if results is None:
        raise UnableError("stopped before every account was asked")
    echo_error("".join(f"warning: {warning}\n" for warning in settings.warnings))
    echo(printed(results, OutputFormat(options.output), is_coloured=terminal_of().has_colour))
    problems = failures(results)
    echo_error("".join(f"error: {problem}\n" for problem in problems))
    return EXIT_FAILED if problems else 0
