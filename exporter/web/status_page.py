"""The page at `/`: what this is, and how each account's polls are doing.

Balances are on it only if that was asked for. It has no script and fetches nothing; whatever came
from outside is escaped.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from html import escape
from urllib.parse import quote

from exporter import __version__
from exporter.clock import Clock
from exporter.exchange.snapshot import Snapshot
from exporter.metrics.exporter import ExporterStatus
from exporter.project import DASHBOARDS_URL, DOCUMENTATION_URL
from exporter.state.store import AccountState
from exporter.web.account_view import SIGNS, AccountView, Condition, span, utc, view_of
from exporter.web.status_style import STYLE

_REFRESH_SECONDS = 15
_LONG = 24
# What needs a person comes first.
_ORDER: tuple[Condition, ...] = ("stale", "failing", "waiting", "ok")


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
        """Give the page as HTML."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        viewed = [(view_of(state, wall, monotonic), state) for state in states]
        viewed.sort(key=lambda each: _ORDER.index(each[0].condition))
        sections = [
            _section(
                view,
                state.snapshot if self._shows_balances and state.is_fresh(monotonic) else None,
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
            documentation=DOCUMENTATION_URL,
            dashboards=DASHBOARDS_URL,
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
    """Give how many accounts are in which condition, the worst first."""
    if not views:
        return "no accounts"
    counts = Counter(view.condition for view in views)
    return ", ".join(f"{counts[each]} {each}" for each in _ORDER if counts[each])


def _section(view: AccountView, snapshot: Snapshot | None) -> str:
    shown = view.facts if snapshot is None else (*view.facts, ("Ratio", _ratio(snapshot)))
    facts = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in shown)
    return (
        f'<section class="{view.condition}">\n<h2>{escape(view.name)}</h2>\n'
        f'<p class="state">{SIGNS[view.condition]} {view.condition}: {escape(view.sentence)}</p>\n'
        f"<dl>\n{facts}\n</dl>\n{''.join(_balances(snapshot)) if snapshot else ''}</section>"
    )


def _balances(snapshot: Snapshot) -> Iterator[str]:
    # One amount to a line, for one that is broken or cut off reads as another amount.
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


def _ratio(snapshot: Snapshot) -> str:
    if snapshot.ad_ratio is None:
        return "none, for there is no debt"
    return f"{snapshot.ad_ratio:f}, which the exchange calls {snapshot.ad_ratio_label or 'nothing'}"
