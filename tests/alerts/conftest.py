"""Alertmanager's tools, and the scenarios that many tests look at."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alerts.account_states import BAD, GOOD, State
from tests.alerts.cases import CASES, LATE_CASES, UNDOCUMENTED, Case
from tests.alerts.company import COMPANY
from tests.alerts.deployment import EXPECTED_ACCOUNTS, RULE_FILES, RULES
from tests.alerts.risk_cases import LATE_RISK_CASES, LIQUIDATED_UNSEEN, RISK_CASES, SHARED_PRICES
from tests.alerts.scenarios import (
    INTERVAL,
    MINUTE,
    STALE,
    Series,
    Timeline,
    account,
    always,
    between,
    timeline_of,
)
from tests.alerts.sequences import SEQUENCES


@pytest.fixture(scope="session")
def amtool() -> str:
    """Debian's amtool, from the package prometheus-alertmanager."""
    return _tool("amtool")


@pytest.fixture(scope="session")
def alertmanager() -> str:
    """Debian's Alertmanager, which Debian calls by another name than its authors."""
    return _tool("prometheus-alertmanager", "alertmanager")


def _tool(*names: str) -> str:
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"{names[0]} is missing: install Debian's package prometheus-alertmanager")
    return path


def _together(cases: Iterable[Case | State]) -> Series:
    """Return the series of many cases together, because promtool is slow to start over."""
    return {series: history for case in cases for series, history in case.series.items()}


_FAILURES_OF_RULES = (
    'prometheus_rule_evaluation_failures_total{instance="127.0.0.1:9090",job="prometheus",'
    'rule_group="/etc/prometheus/rules/%s.rules.yml;%s"}'
)
_OF_ALERTMANAGER = (
    'alertmanager_notifications_failed_total{instance="127.0.0.1:9093",integration="%s",'
    'job="alertmanager"}'
)
_KNOWN = 'prometheus_notifications_alertmanagers_discovered{instance="%s",job="prometheus"}'
_NOT_TAKEN = (
    'prometheus_notifications_errors_total{alertmanager="http://127.0.0.1:9093/api/v2/alerts",'
    'instance="%s",job="prometheus"}'
)
# Prometheus scrapes nothing for eight minutes, and has trouble with a rule from minute 20; the
# webhook is gone from minute 15, and Alertmanager from minute 10.
_CHAIN: Series = {
    **{series: between(0, 8 * MINUTE, "_", history) for series, history in account("late").items()},
    _FAILURES_OF_RULES % ("bitopro-margin", "bitopro-margin-account"): lambda at: at // 1200,
    _FAILURES_OF_RULES % ("other", "other"): lambda at: at,
    _OF_ALERTMANAGER % "webhook": lambda at: max(0, at // MINUTE - 14),
    _OF_ALERTMANAGER % "email": always(3),
    _KNOWN % "without one": between(10 * MINUTE, 23 * MINUTE, 0, always(1)),
    _KNOWN % "with one that is down": always(1),
    _KNOWN % "127.0.0.1:9090": always(1),
    _NOT_TAKEN % "with one that is down": lambda at: max(0, at // MINUTE - 9),
    _NOT_TAKEN % "127.0.0.1:9090": always(3),
}
# Two days: an account that is removed after an hour, and news after an hour.
_DAYS: Series = {
    **account("removed", {"bitopro_margin_*": lambda at: at if at < 3600 else STALE}),
    **account("news", {UNDOCUMENTED: lambda at: 1 if at >= 3600 else 0}),
}

# promtool takes four times as long with the rules on risk: where they are not looked at, without.
_WITHOUT_RISK = (RULES, EXPECTED_ACCOUNTS)


@dataclass(frozen=True)
class _Scenario:
    """What happens, for how many minutes, how often Prometheus looks, and by which rules."""

    series: Series
    minutes: int
    interval: int = INTERVAL
    rule_files: Sequence[Path] = tuple(RULE_FILES)


_SCENARIOS: Mapping[str, _Scenario] = {
    "cases": _Scenario(_together(CASES) | account("healthy"), 38, rule_files=_WITHOUT_RISK),
    "risk_cases": _Scenario(_together(RISK_CASES) | account("healthy"), 38),
    "late_cases": _Scenario(_together(LATE_CASES), 77, rule_files=_WITHOUT_RISK),
    "late_risk_cases": _Scenario(_together(LATE_RISK_CASES), 77),
    "shared_prices": _Scenario(SHARED_PRICES, 82, MINUTE),
    "liquidated_unseen": _Scenario(LIQUIDATED_UNSEEN, 250, 2 * MINUTE),
    "chain": _Scenario(_CHAIN, 32),
    "days": _Scenario(_DAYS, 26 * 60, 10 * MINUTE),
    "company": _Scenario(COMPANY, 32),
    "states": _Scenario(_together([*BAD, *GOOD]), 29),
    "sequences": _Scenario(_together(SEQUENCES), 38, rule_files=_WITHOUT_RISK),
}


@pytest.fixture(scope="session")
def timelines(
    promtool: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Timeline]]]:
    """Run the scenarios, two at a time and in order, so that no test waits for all of them."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {
            name: pool.submit(
                timeline_of,
                promtool,
                tmp_path_factory.mktemp("scenario"),
                scenario.series,
                minutes=scenario.minutes,
                interval=scenario.interval,
                rule_files=scenario.rule_files,
            )
            for name, scenario in _SCENARIOS.items()
        }


def _timeline(name: str) -> Callable[..., Timeline]:
    """Return the fixture of a scenario: what fires in it."""

    @pytest.fixture(scope="session", name=name)
    def timeline(timelines: Mapping[str, Future[Timeline]]) -> Timeline:
        return timelines[name].result()

    return timeline


shared_prices = _timeline("shared_prices")
liquidated_unseen = _timeline("liquidated_unseen")
chain = _timeline("chain")
days = _timeline("days")
company = _timeline("company")
states = _timeline("states")
sequences = _timeline("sequences")
