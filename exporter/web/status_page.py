"""The page at `/`: what this is, and how each account and its polls are doing.

An account is shown as the worse of the two: how its polls do, and which threshold its ratio is
below. Numbers are on it only if that was asked for. It has no script and fetches nothing; whatever
came from outside is escaped.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from html import escape
from typing import Final, Literal
from urllib.parse import quote

from exporter import __version__
from exporter.bitopro.balances import Snapshot
from exporter.clock import Clock
from exporter.errors import POLL_ERRORS
from exporter.metrics.exporter import ExporterStatus
from exporter.risk import Totals, is_crossed
from exporter.state import AccountState

_REPOSITORY = "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter"

Condition = Literal["liquidation", "critical", "stale", "failing", "warning", "waiting", "ok"]

SIGNS: dict[Condition, str] = {
    "liquidation": "✗",
    "critical": "✗",
    "stale": "✗",
    "failing": "!",
    "warning": "!",
    "waiting": "…",
    "ok": "✓",
}
# The levels that a ratio can be below, the worst first.
_LEVELS: tuple[Condition, ...] = ("liquidation", "critical", "warning")

_NO_BREAK_SPACE = "\u00a0"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class AccountView:
    """What is said about one account: a condition, a sentence, and (name, text) pairs."""

    name: str
    condition: Condition
    sentence: str
    facts: tuple[tuple[str, str], ...]


def view_of(state: AccountState, wall_seconds: float, monotonic_seconds: float) -> AccountView:
    """Return the state in words, as of now on both clocks."""
    polling = _condition(state, monotonic_seconds)
    danger = _danger(state)
    condition = min(polling, danger or "ok", key=_ORDER.index)
    facts: list[tuple[str, str]] = []
    if state.reason is not None:
        facts += [
            ("Why", f"{state.reason}: {state.message}"),
            ("Do", POLL_ERRORS[state.reason].hint),
        ]
    if state.since_timestamp_seconds is not None:
        facts.append(("Since", _since(state.since_timestamp_seconds, wall_seconds)))
    if state.received is not None:
        facts.append(("Data", f"{span(monotonic_seconds - state.received.monotonic_seconds)} old"))
    if state.due_monotonic_seconds is not None:
        facts.append(("Next poll", _next(state.due_monotonic_seconds - monotonic_seconds)))
    sentence = f"{_sentence(state, polling)}{_of_danger(state, danger, polling)}"
    return AccountView(state.account.name, condition, sentence, tuple(facts))


def span(seconds: float) -> str:
    """Return a length of time in the two units that matter, with spaces that do not break."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        text = f"{whole} s"
    elif whole < _HOUR:
        text = f"{whole // _MINUTE} min {whole % _MINUTE} s"
    elif whole < _DAY:
        text = f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    else:
        text = f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
    return text.replace(" ", _NO_BREAK_SPACE)


def _condition(state: AccountState, monotonic_seconds: float) -> Condition:
    if not state.is_tried:
        return "waiting"
    if state.received is not None and not state.is_fresh(monotonic_seconds):
        return "stale"
    return "ok" if state.reason is None else "failing"


def _sentence(state: AccountState, condition: Condition) -> str:
    match condition:
        case "waiting":
            return "not yet polled"
        case "ok":
            return "polls succeed"
        case "stale":
            polls = "polls fail" if state.reason else "no poll has ended for too long"
            return f"{polls}; the values are too old and off the metrics page"
        case "failing" if state.received is None:
            return "polls fail; there are no values"
        case _:
            return "polls fail; the last values are still shown"


def _danger(state: AccountState) -> Condition | None:
    """Return what the last snapshot says, however old: the worst level crossed, or "ok".

    A label that is not called safe counts as critical. None without a snapshot.
    """
    snapshot = state.snapshot
    if snapshot is None:
        return None
    total = Totals(snapshot.total_asset_amount, snapshot.total_debt_amount)
    levels = state.account.thresholds.by_level()
    crossed: list[Condition] = [
        level for level in _LEVELS if is_crossed(total, Decimal(str(levels[level])))
    ]
    if snapshot.total_debt_amount and snapshot.ad_ratio_label not in state.account.safe_labels:
        crossed.append("critical")
    return min(crossed, default="ok", key=_ORDER.index)


def _of_danger(state: AccountState, danger: Condition | None, polling: Condition) -> str:
    if danger is None:
        return ""
    snapshot = state.snapshot
    has_debt = snapshot is not None and bool(snapshot.total_debt_amount)
    if danger == "ok":
        text = "above warning" if has_debt else "no debt"
    else:
        text = f"below {danger}"
        if snapshot is not None and _is_label_alone(state, snapshot):
            text = "the exchange no longer calls it safe"
    return f"; {text}" if polling in {"ok", "failing"} else f"; when last seen: {text}"


def _is_label_alone(state: AccountState, snapshot: Snapshot) -> bool:
    level = Decimal(str(state.account.thresholds.critical))
    total = Totals(snapshot.total_asset_amount, snapshot.total_debt_amount)
    return snapshot.ad_ratio_label not in state.account.safe_labels and not is_crossed(total, level)


def _since(timestamp_seconds: float, wall_seconds: float) -> str:
    return f"{utc(timestamp_seconds)} ({span(wall_seconds - timestamp_seconds)})"


def _next(seconds: float) -> str:
    return f"in {span(seconds)}" if seconds >= 1.0 else "now"


def utc(timestamp_seconds: float) -> str:
    """Return a time for people."""
    return datetime.fromtimestamp(timestamp_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


STYLE: Final = """
:root { color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --text: #1c2024;
  --quiet: #5b6470; --line: #d9dde3; --link: #0b57d0;
  --ok: #12703a; --failing: #8a5300; --stale: #b3261e; --waiting: #5b6470; }
@media (prefers-color-scheme: dark) { :root {
  --back: #14171a; --card: #1d2125; --text: #e6e9ec;
  --quiet: #a3acb6; --line: #353b42; --link: #8ab4f8;
  --ok: #6dd58c; --failing: #f5bf4f; --stale: #ff8a80; --waiting: #a3acb6; } }
* { box-sizing: border-box; }
body { background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 72rem; overflow-wrap: anywhere; padding: 1.25rem 1rem 2rem; }
a { color: var(--link); }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0; }
header p, footer { color: var(--quiet); margin: .25rem 0 0; }
nav { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin: .5rem 0 1rem; }
nav a { display: inline-block; padding: .25rem 0; }
main { align-items: start; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
section { background: var(--card); border: 1px solid var(--line);
  border-left: .375rem solid var(--state);
  border-radius: .5rem; padding: .875rem 1rem 1rem; }
section.ok { --state: var(--ok); }
section.failing, section.warning { --state: var(--failing); }
section.liquidation, section.critical, section.stale { --state: var(--stale); }
section.waiting, section.none { --state: var(--waiting); }
h2 { font-size: 1.125rem; line-height: 1.3; margin: 0; }
.state { color: var(--state); font-weight: 600; margin: .125rem 0 .5rem; }
dl { display: grid; gap: .25rem .75rem; grid-template-columns: max-content minmax(0, 1fr);
  margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: .75rem;
  white-space: nowrap; width: 100%; }
th, td { padding: .125rem .75rem .125rem 0; text-align: left; vertical-align: top; }
th { border-top: 1px solid var(--line); font-weight: 400; min-width: 6rem; white-space: normal; }
th ~ td { border-top: 1px solid var(--line); }
td:last-child { padding-right: 0; text-align: right; }
th, td:not(:last-child) { color: var(--quiet); }
td.long { white-space: normal; }
section.none p:last-child, section.refusal p:last-child { margin: 0; }
section.refusal { margin-bottom: 1rem; }
footer { font-size: .875rem; margin-top: 1.25rem; }
"""

# Only what we have written ourselves may style the page, so nothing that slips into it can.
STYLE_SOURCE: Final = (
    f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)


_REFRESH_SECONDS = 15
_LONG = 24
# What needs a person comes first.
_ORDER: tuple[Condition, ...] = (
    "liquidation",
    "critical",
    "stale",
    "failing",
    "warning",
    "waiting",
    "ok",
)


class StatusPage:
    """Renders the page as of now."""

    def __init__(
        self,
        clock: Clock,
        telemetry_path: str,
        status: ExporterStatus | None = None,
        *,
        shows_balances: bool = False,
    ) -> None:
        self._clock = clock
        self._status = status or ExporterStatus()
        # Relative, so that it holds behind a proxy that strips a prefix.
        self._metrics_link = f"./{quote(telemetry_path.removeprefix('/'))}"
        self._shows_balances = shows_balances

    def render(self, states: Iterable[AccountState]) -> str:
        """Return the page as HTML."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        viewed = [(view_of(state, wall, monotonic), state) for state in states]
        viewed.sort(key=lambda each: _ORDER.index(each[0].condition))
        sections = [
            _section(
                view,
                state if self._shows_balances and state.is_fresh(monotonic) else None,
            )
            for view, state in viewed
        ]
        summary = _summary([view for view, _ in viewed])
        if not self._status.is_config_good:
            summary = f"configuration refused, {summary}"
        return _PAGE.format(
            refresh=_REFRESH_SECONDS,
            style=STYLE,
            version=escape(__version__),
            summary=summary,
            refusal=_refusal(self._status, wall),
            metrics=escape(self._metrics_link),
            documentation=f"{_REPOSITORY}#readme",
            dashboards=f"{_REPOSITORY}/tree/main/grafana/dashboards",
            accounts="\n".join(sections) or _NO_ACCOUNTS,
            now=utc(wall),
        )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{refresh}">
<title>bitopro-margin-exporter: {summary}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>bitopro-margin-exporter</h1>
<p>{version} · {summary}</p>
</header>
<nav>
<a href="{metrics}">Metrics</a>
<a href="./-/healthy">Healthy</a>
<a href="./-/ready">Ready</a>
<a href="{documentation}" rel="noreferrer">Documentation</a>
<a href="{dashboards}" rel="noreferrer">Dashboards</a>
</nav>
{refusal}<main>
{accounts}
</main>
<footer>As of {now}; the page asks for a newer one every {refresh} s.</footer>
</body>
</html>
"""

_NO_ACCOUNTS = """<section class="none">
<h2>No accounts</h2>
<p class="state">this exporter has nothing to poll</p>
<p>With shards, that is so where none of the accounts falls to this one. Otherwise check the
configuration: <code>bitopro-margin-exporter check</code>.</p>
</section>"""


def _refusal(status: ExporterStatus, wall_seconds: float) -> str:
    """Return a bar that says so where the configuration on disk is not the one in force.

    What is wrong with it is left to the log: this page may be read by others.
    """
    since = status.refused_timestamp_seconds
    if status.is_config_good or since is None:
        return ""
    return (
        '<section class="stale refusal" role="alert">\n<h2>Configuration refused</h2>\n'
        '<p class="state">✗ what is below is of an older configuration than the one on disk</p>\n'
        f"<p>It could not be loaded at {utc(since)} ({span(wall_seconds - since)} ago), so the one "
        f"of {utc(status.config_timestamp_seconds)} stays in force. The log says what is wrong, "
        "and so does <code>bitopro-margin-exporter check --offline</code> with the same flags; "
        "fix it and reload.</p>\n</section>\n"
    )


def _summary(views: list[AccountView]) -> str:
    """Return how many accounts are in which condition, the worst first."""
    if not views:
        return "no accounts"
    counts = Counter(view.condition for view in views)
    return ", ".join(f"{counts[each]} {each}" for each in _ORDER if counts[each])


def _section(view: AccountView, state: AccountState | None) -> str:
    """Return the card of an account; `state` is that of its numbers, None to show none."""
    snapshot = state.snapshot if state else None
    shown = (*(_numbers(state) if state else ()), *view.facts)
    facts = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in shown)
    return (
        f'<section class="{view.condition}">\n<h2>{escape(view.name)}</h2>\n'
        f'<p class="state">{SIGNS[view.condition]} {view.condition}: {escape(view.sentence)}</p>\n'
        f"<dl>\n{facts}\n</dl>\n{''.join(_balances(snapshot)) if snapshot else ''}</section>"
    )


def _balances(snapshot: Snapshot) -> Iterator[str]:
    # One amount to a line, because one that is broken or cut off reads as another amount.
    yield "<table>\n"
    yield _rows(f"Total, {snapshot.unit}", snapshot.total_asset_amount, snapshot.total_debt_amount)
    for currency, balance in snapshot.balances.items():
        debt = balance.borrow_amount + balance.borrow_interest_amount
        if balance.total_amount or debt:
            yield _rows(currency, balance.total_amount, debt)
    yield "</table>\n"


def _rows(name: str, held: Decimal, owed: Decimal) -> str:
    return (
        f'<tr><th rowspan="2">{escape(name)}</th><td>holds</td>{_amount(held)}</tr>\n'
        f"<tr><td>owes</td>{_amount(owed)}</tr>\n"
    )


def _amount(amount: Decimal) -> str:
    text = f"{amount:,f}"
    # More digits than money has are better broken than wider than the page.
    return f'<td class="long">{text}</td>' if len(text) > _LONG else f"<td>{text}</td>"


def _numbers(state: AccountState) -> Iterator[tuple[str, str]]:
    """Yield what somebody needs who is woken: the ratio, how far it is, and what helps."""
    snapshot, assessment = state.snapshot, state.assessment
    if snapshot is None:
        return
    yield "Ratio", _ratio(state, snapshot)
    if snapshot.ad_ratio_label is not None:
        yield "Label", snapshot.ad_ratio_label
    if assessment is None or not snapshot.total_debt_amount:
        return
    risk = assessment.risk
    if distance := risk.liquidation_distance["liquidation"]:
        yield "Distance", f"{100 * distance:.1f} % to liquidation"
    if risk.missing_prices:
        yield "No price of", ", ".join(risk.missing_prices)
    if deposit := risk.rescue_deposit["warning"]:
        repay = risk.rescue_repay["warning"]
        ways = [f"repay {_up(repay)}"] if repay is not None else []
        ways.append(f"add {_up(deposit)}")
        yield "Rescue", f"{' or '.join(ways)} {snapshot.unit}, to be back at warning"


def _ratio(state: AccountState, snapshot: Snapshot) -> str:
    exact = Totals(snapshot.total_asset_amount, snapshot.total_debt_amount).ratio
    if exact is None:
        return "none: no debt"
    levels = state.account.thresholds.by_level()
    of = next(
        (f" of {levels[level]:g}" for level in _LEVELS if exact < Decimal(str(levels[level]))), ""
    )
    return f"{exact:.4f}{of}"


def _up(amount: Decimal) -> str:
    """Return an amount rounded up to cents, so that it suffices."""
    return f"{amount.quantize(Decimal('0.01'), rounding=ROUND_UP):,f}"
