"""Scenarios that rules are tried in: what is scraped over time, from the exporter's own page.

The series are those of a page that the exporter renders, and a test changes values of series
that are there: a name that is misspelt in rule and test alike cannot pass. Time is in seconds
since the start of the series, which is unix time 0 for the rules.
"""

import fnmatch
import json
import math
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from tests.alerts import risk_series
from tests.alerts.deployment import RULE_FILES, bilingual
from tests.alerts.texts import Text, asked_for, shown
from tests.conftest import FIXTURES
from tests.states import polled

MINUTE = 60
INTERVAL = 15
# In minutes: often enough to meet every alert, see test_languages.
_TEXTS_EACH = 5

ABSENT = "_"
STALE = "stale"

# The sample that a scrape at some time gives, as promtool writes it.
History = Callable[[int], float | str]
# Series by what stands for them in a test, see `account`.
Series = dict[str, History]
Labels = Mapping[str, str]
Changes = Mapping[str, float | str | History]


def always(value: float | str) -> History:
    """Return a value that does not change."""
    return lambda _: value


def between(start: int, end: int, bad: float | str | History, good: History) -> History:
    """Return another value, or other values, from `start` to before `end`."""
    other = bad if callable(bad) else always(bad)
    return lambda at: other(at) if start <= at < end else good(at)


def clock(at: int) -> float:
    """Return the time itself, as a time of last success has it."""
    return at


def counter(at: int) -> float:
    """Return a count that rises by one per scrape."""
    return at // INTERVAL


@cache
def _page() -> str:
    exposition = Exposition(lambda: 0.0, ExporterMetrics())
    exposition.put(polled((FIXTURES / "margin_balances.json").read_bytes()))
    return exposition.page(Format.TEXT).decode()


# Each series costs promtool time: the other reasons are alike.
_REASONS = re.compile(r'reason="(?!auth|rate_limited|timeout)')


@cache
def series_of_page() -> Mapping[str, float]:
    """Return the samples of a page that rules may read, by name and labels without the account."""
    samples = re.findall(
        r"^((?:bitopro_margin|process_start)\S+) (\S+)$", _page(), flags=re.MULTILINE
    )
    return {
        name.replace('{account="main"}', "").replace('account="main",', ""): float(value)
        for name, value in samples
        if not _REASONS.search(name) and name.partition("{")[0] not in risk_series.NAMES
    }


_MOVING: Mapping[str, History] = {
    "bitopro_margin_last_success_timestamp_seconds": clock,
    "bitopro_margin_last_change_timestamp_seconds": clock,
    "bitopro_margin_polls_total": counter,
    **{
        f'bitopro_margin_endpoint_last_success_timestamp_seconds{{endpoint="{endpoint}"}}': clock
        for endpoint in ("mark-price", "provisioning/borrow", "user-liquidations")
    },
}


# Of the optional endpoints, by the names that the exporter gives them: see test_contract. The price
# is the one that the totals of the documented example belong to; the unit is not listed.
BTC_PRICE = 'bitopro_margin_mark_price{currency="BTC",unit="USDT"}'
MARKET: Mapping[str, float | str] = {
    BTC_PRICE: 64_824.45906666,
    'bitopro_margin_mark_price{currency="ETH",unit="USDT"}': 3_000.0,
    'bitopro_margin_borrow_annual_interest_ratio{currency="BTC"}': 0.01,
    'bitopro_margin_borrow_annual_interest_ratio{currency="ETH"}': 0.02,
    'bitopro_margin_borrow_annual_interest_ratio{currency="USDT"}': 0.05,
    "bitopro_margin_liquidations_unfinished": 0.0,
    "bitopro_margin_last_liquidation_timestamp_seconds": ABSENT,
    'bitopro_margin_last_liquidation_debt_amount{currency="USDT"}': ABSENT,
    'bitopro_margin_last_liquidation_asset_amount{currency="BTC"}': ABSENT,
    'bitopro_margin_endpoint_up{endpoint="mark-price"}': 1.0,
    'bitopro_margin_endpoint_up{endpoint="provisioning/borrow"}': 1.0,
    'bitopro_margin_endpoint_up{endpoint="user-liquidations"}': 1.0,
    'bitopro_margin_endpoint_failures_total{endpoint="mark-price",reason="auth"}': 0.0,
    'bitopro_margin_endpoint_failures_total{endpoint="user-liquidations",reason="cached"}': 0.0,
    'bitopro_margin_endpoint_failures_total{endpoint="user-liquidations",reason="schema"}': 0.0,
    'bitopro_margin_endpoint_last_success_timestamp_seconds{endpoint="mark-price"}': 0.0,
}
# What a page shows without an account, beside `up` and what is of the process.
OF_EXPORTER = (
    "bitopro_margin_exporter_",
    "bitopro_margin_mark_price",
    "bitopro_margin_borrow_annual_interest_ratio",
)


def _scraped(name: str, *, account: str, account_id: str, instance: str, job: str) -> str:
    """Return the series that Prometheus makes of a sample."""
    metric, _, labels = name.rstrip("}").partition("{")
    labels = re.sub(r'account_id="[^"]*"', f'account_id="{account_id}"', labels)
    is_of_account = not metric.startswith(("up", "process_", *OF_EXPORTER))
    own = [f'account="{account}"'] if is_of_account else []
    target = [f'instance="{instance}"', f'job="{job}"']
    return metric + "{" + ",".join([*own, *filter(None, [labels]), *target]) + "}"


LABEL_SAFE = "bitopro_margin_ad_ratio_label_safe"
_SAFE = 'bitopro_margin_ad_ratio_label{label="SAFETY_THRESHOLD"}'


def account(
    name: str,
    changes: Changes | None = None,
    *,
    instance: str | None = None,
    job: str = "bitopro-margin",
    account_id: str | None = None,
) -> Series:
    """Return what scrapes show of a healthy account and its exporter, with changes.

    Changes name series as on the page, without the account, or `up`. The exporter's address is
    the account's name, and so is its id at the exchange, if nothing else is said. Amounts follow
    the totals, so that prices explain them, unless they are changed themselves. Risk is what the
    exporter computes of all that.
    """
    changed = _histories(changes or {})
    histories = {**_healthy(), **_in_proportion(changed), **changed}
    histories |= risk_series.risk_histories(histories)
    # The one documented label is safe, and is the one that a page shows.
    histories[LABEL_SAFE] = changed.get(LABEL_SAFE, histories[_SAFE])
    target = name if instance is None else instance
    own_id = name if account_id is None else account_id
    return {
        _scraped(series, account=name, account_id=own_id, instance=target, job=job): history
        for series, history in histories.items()
    }


_SIDES = {
    'bitopro_margin_total_asset_amount{unit="USDT"}': ["bitopro_margin_total_amount*"],
    'bitopro_margin_total_debt_amount{unit="USDT"}': [
        "bitopro_margin_borrow_amount*",
        "bitopro_margin_borrow_interest_amount*",
    ],
}


def _in_proportion(changed: Mapping[str, History]) -> dict[str, History]:
    return {
        series: _scaled(_healthy()[series], changed[total], _healthy()[total])
        for total, patterns in _SIDES.items()
        if total in changed
        for pattern in patterns
        for series in _named(pattern)
    }


def _scaled(amount: History, total: History, usual: History) -> History:
    def scaled(at: int) -> float | str:
        now, before, own = total(at), usual(at), amount(at)
        numbers = isinstance(now, int | float) and isinstance(before, int | float)
        if not numbers or isinstance(own, str) or not 0 < float(now) < math.inf:
            return own
        return own * float(now) / float(before)

    return scaled


def during(start: int, end: int, changes: Changes) -> dict[str, History]:
    """Return changes to a healthy account that hold from `start` to before `end`, in seconds."""
    healthy = _healthy()
    return {
        series: between(start, end, change, healthy[series])
        for series, change in _histories(changes).items()
    }


def then(*parts: tuple[int, int, Changes]) -> dict[str, History]:
    """Return changes that hold between two minutes each; parts do not overlap."""
    together: dict[str, History] = {}
    for start, end, changes in parts:
        for series, history in during(start * MINUTE, end * MINUTE, changes).items():
            before = together.get(series, history)
            together[series] = between(start * MINUTE, end * MINUTE, history, before)
    return together


@cache
def _healthy() -> Mapping[str, History]:
    constant = {
        series: always(value) for series, value in [*series_of_page().items(), *MARKET.items()]
    }
    return {**constant, **_MOVING, "up": always(1)}


def _histories(changes: Changes) -> dict[str, History]:
    """Return a history per series; a star at the end stands for any rest of the name."""
    return {
        series: change if callable(change) else always(change)
        for pattern, change in changes.items()
        for series in _named(pattern)
    }


def _named(pattern: str) -> list[str]:
    named = fnmatch.filter(_healthy(), pattern) if pattern.endswith("*") else [pattern]
    if not set(named) & set(_healthy()):
        raise ValueError(f"no such series on the page: {pattern}")
    return named


@dataclass(frozen=True)
class Alert:
    """A firing alert. `labels` are all but its name and severity, sorted."""

    name: str
    severity: str
    labels: tuple[tuple[str, str], ...]


class Timeline:
    """The alerts that fire on some series, by minute, and what is written on them now and then."""

    def __init__(self, firing: Mapping[int, frozenset[Alert]], texts: Sequence[Text] = ()) -> None:
        self._firing = firing
        self.texts = texts

    def minutes(self, alert: str, labels: Labels) -> list[int]:
        """Return the minutes at which an alert fires with exactly these labels."""
        wanted = (alert, tuple(sorted(labels.items())))
        return [
            minute
            for minute, alerts in self._firing.items()
            if wanted in {(each.name, each.labels) for each in alerts}
        ]

    def minutes_of(self, alert: str) -> list[int]:
        """Return the minutes at which an alert fires, whatever its labels."""
        return [
            minute
            for minute, alerts in self._firing.items()
            if alert in {each.name for each in alerts}
        ]

    def about(self, account: str, severities: Sequence[str] = ()) -> dict[int, set[str]]:
        """Return the names of what fires for an account or its exporter, by minute."""
        named = {
            minute: {
                each.name
                for each in alerts
                if account in dict(each.labels).values()
                and (not severities or each.severity in severities)
            }
            for minute, alerts in self._firing.items()
        }
        return {minute: names for minute, names in named.items() if names}


def timeline_of(  # noqa: PLR0913 - what a run of promtool consists of
    promtool: str,
    folder: Path,
    series: Series,
    *,
    minutes: int = 60,
    interval: int = INTERVAL,
    rule_files: Sequence[Path] = RULE_FILES,
) -> Timeline:
    """Let promtool evaluate the rules on series, and return the alerts that fire."""
    at = range(0, minutes + 1, max(1, interval // MINUTE))
    output = _tested(
        promtool,
        folder,
        series,
        minutes=minutes,
        interval=interval,
        rule_files=rule_files,
        promql_expr_test=[_asked('ALERTS{alertstate="firing"}', f"{minute}m") for minute in at],
        alert_rule_test=asked_for([minute for minute in at if minute % _TEXTS_EACH == 0]),
    )
    return Timeline(_firing(output, at), shown(output))


def firing_at_each(
    promtool: str, folder: Path, series: Series, *, minutes: int, interval: int
) -> Mapping[int, frozenset[Alert]]:
    """Let promtool evaluate the rules on series, and return what fires at each such second."""
    at = range(0, minutes * MINUTE + 1, interval)
    output = _tested(
        promtool,
        folder,
        series,
        minutes=minutes,
        interval=interval,
        rule_files=RULE_FILES,
        promql_expr_test=[_asked('ALERTS{alertstate="firing"}', f"{each}s") for each in at],
    )
    return _firing(output, at)


def _firing(output: str, at: Sequence[int]) -> Mapping[int, frozenset[Alert]]:
    got = re.findall(r"^\s+got: (.*)$", output, re.MULTILINE)
    # Without the watchdog no rule was evaluated at all.
    if len(got) != len(at) or 'alertname="BitoproMarginWatchdog"' not in output:
        pytest.fail(output, pytrace=False)
    return {each: _alerts(samples) for each, samples in zip(at, got, strict=True)}


Sample = tuple[Labels, float]


def evaluated(  # noqa: PLR0913 - what a run of promtool consists of
    promtool: str,
    folder: Path,
    series: Series,
    expression: str,
    *,
    minutes: int,
    rule_files: Sequence[Path] = RULE_FILES,
) -> list[Sample]:
    """Let promtool evaluate the rules on series, and return what an expression is at its end."""
    output = _tested(
        promtool,
        folder,
        series,
        minutes=minutes,
        interval=INTERVAL,
        rule_files=rule_files,
        promql_expr_test=[_asked(expression, f"{minutes}m")],
    )
    got = re.findall(r"^\s+got: (.*)$", output, re.MULTILINE)
    if len(got) != 1 or "err:" in output:
        pytest.fail(output, pytrace=False)
    return [
        (dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)), float(value))
        for labels, value in re.findall(r"\{([^}]*)\} ([^\s,]+)", got[0])
    ]


def written(
    promtool: str, folder: Path, series: Series, alerts: Iterable[str], *, minutes: int
) -> list[Text]:
    """Let promtool evaluate the rules on series, and return what is written at its end."""
    output = _tested(
        promtool,
        folder,
        series,
        minutes=minutes,
        interval=INTERVAL,
        rule_files=RULE_FILES,
        alert_rule_test=asked_for([minutes], alerts),
    )
    return shown(output)


def _asked(expression: str, at: str) -> object:
    """Return what lets promtool show what an expression gives: it expects what never comes."""
    never = [{"labels": "never", "value": 0}]
    return {"expr": expression, "eval_time": at, "exp_samples": never}


def _tested(  # noqa: PLR0913 - what a run of promtool consists of
    promtool: str,
    folder: Path,
    series: Series,
    *,
    minutes: int,
    interval: int,
    rule_files: Sequence[Path],
    **tests: Sequence[object],
) -> str:
    times = range(0, minutes * MINUTE + 1, interval)
    document = {
        "rule_files": [str(_bilingual(path, folder)) for path in rule_files],
        "evaluation_interval": f"{interval}s",
        "tests": [
            {
                "interval": f"{interval}s",
                "input_series": [
                    {"series": name, "values": _written([history(at) for at in times])}
                    for name, history in series.items()
                ],
                **tests,
            }
        ],
    }
    path = folder / "rules.test.yml"
    # JSON is YAML, and is written in a tenth of the time.
    path.write_text(json.dumps(document))
    run = subprocess.run(
        [promtool, "test", "rules", path],
        # Collecting garbage less often saves a sixth of the time.
        env={**os.environ, "GOGC": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


def _bilingual(path: Path, folder: Path) -> Path:
    """Write a file of rules with the texts of both languages, so that one run shows both."""
    copy = folder / path.name
    copy.write_text(json.dumps(bilingual(path)))
    return copy


def _alerts(samples: str) -> frozenset[Alert]:
    found = set()
    for labels in re.findall(r"\{([^}]*)\} \S+", samples):
        each = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        name, severity = each.pop("alertname"), each.pop("severity")
        each.pop("__name__")
        each.pop("alertstate")
        found.add(Alert(name, severity, tuple(sorted(each.items()))))
    return frozenset(found)


def _written(values: Iterable[float | str]) -> str:
    return " ".join(_run(value, len(list(group))) for value, group in groupby(values))


def _run(value: float | str, times: int) -> str:
    if value == ABSENT:
        return f"_x{times}"
    if value == STALE:
        # A marker, and nothing after it.
        return "stale" if times == 1 else f"stale _x{times - 1}"
    if isinstance(value, str):
        # "NaN" and "Inf" cannot be repeated by a number.
        return " ".join([value] * times)
    text = repr(float(value))
    return text if times == 1 else f"{text}x{times - 1}"
