"""Alertmanager's tools, and the scenarios that many tests look at."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alerts.account_states import BAD, GOOD, State
from tests.alerts.cases import (
    FIRING,
    FIRING_LATE,
    NEAR_MISSES,
    NEAR_MISSES_LATE,
    UNDOCUMENTED,
    Case,
)
from tests.alerts.company import COMPANY
from tests.alerts.deployment import EXPECTED_ACCOUNTS, RULE_FILES, RULES
from tests.alerts.risk_cases import (
    FIRING_RISK,
    FIRING_RISK_LATE,
    LIQUIDATED_UNSEEN,
    NEAR_MISSES_RISK,
    NEAR_MISSES_RISK_LATE,
    SHARED_PRICES,
)
from tests.alerts.scenarios import (
    INTERVAL,
    MINUTE,
    STALE,
    Timeline,
    World,
    account,
    between,
    played,
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


def _together(cases: Iterable[Case | State]) -> World:
    """Return one world with the accounts of many cases, for promtool is slow to start over."""
    return {series: history for case in cases for series, history in case.world.items()}


_FAILURES_OF_RULES = (
    'prometheus_rule_evaluation_failures_total{instance="127.0.0.1:9090",job="prometheus",'
    'rule_group="/etc/prometheus/rules/%s.rules.yml;%s"}'
)
# Prometheus scrapes nothing for eight minutes, and has trouble with a rule from minute 20.
_CHAIN: World = {
    **{series: between(0, 8 * MINUTE, "_", history) for series, history in account("late").items()},
    _FAILURES_OF_RULES % ("bitopro-margin", "bitopro-margin-account"): lambda at: at // 1200,
    _FAILURES_OF_RULES % ("other", "other"): lambda at: at,
}
# Two days: an account that is removed after an hour, and news after an hour.
_DAYS: World = {
    **account("removed", {"bitopro_margin_*": lambda at: at if at < 3600 else STALE}),
    **account("news", {UNDOCUMENTED: lambda at: 1 if at >= 3600 else 0}),
}

# promtool takes four times as long with the rules on risk: where they are not looked at, without.
_WITHOUT_RISK = (RULES, EXPECTED_ACCOUNTS)


@dataclass(frozen=True)
class _Play:
    """What happens, for how many minutes, how often Prometheus looks, and by which rules."""

    world: World
    minutes: int
    interval: int = INTERVAL
    rule_files: Sequence[Path] = tuple(RULE_FILES)


_PLAYS: Mapping[str, _Play] = {
    "cases": _Play(
        _together([*FIRING, *NEAR_MISSES]) | account("healthy"), 38, rule_files=_WITHOUT_RISK
    ),
    "risk cases": _Play(_together([*FIRING_RISK, *NEAR_MISSES_RISK]) | account("healthy"), 38),
    "late cases": _Play(_together([*FIRING_LATE, *NEAR_MISSES_LATE]), 77, rule_files=_WITHOUT_RISK),
    "late risk cases": _Play(_together([*FIRING_RISK_LATE, *NEAR_MISSES_RISK_LATE]), 77),
    "shared prices": _Play(SHARED_PRICES, 82, MINUTE),
    "liquidated unseen": _Play(LIQUIDATED_UNSEEN, 250, 2 * MINUTE),
    "chain": _Play(_CHAIN, 32),
    "days": _Play(_DAYS, 26 * 60, 10 * MINUTE),
    "company": _Play(COMPANY, 32),
    "states": _Play(_together([*BAD, *GOOD]), 29),
    "sequences": _Play(_together(SEQUENCES), 38, rule_files=_WITHOUT_RISK),
}


@pytest.fixture(scope="session")
def _timelines(
    promtool: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Timeline]]]:
    """Play the scenarios, two at a time and in order, so that no test waits for all of them."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {
            name: pool.submit(
                played,
                promtool,
                tmp_path_factory.mktemp("world"),
                play.world,
                minutes=play.minutes,
                interval=play.interval,
                rule_files=play.rule_files,
            )
            for name, play in _PLAYS.items()
        }


@pytest.fixture(scope="session")
def cases(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires for the cases."""
    return _timelines["cases"].result()


@pytest.fixture(scope="session")
def late_cases(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires for the cases that take longer."""
    return _timelines["late cases"].result()


@pytest.fixture(scope="session")
def risk_cases(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires for the cases of risk."""
    return _timelines["risk cases"].result()


@pytest.fixture(scope="session")
def late_risk_cases(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires for the cases of risk that take longer."""
    return _timelines["late risk cases"].result()


@pytest.fixture(scope="session")
def shared_prices(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires where one key reads prices for several accounts."""
    return _timelines["shared prices"].result()


@pytest.fixture(scope="session")
def liquidated_unseen(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires for liquidations that finished while nothing was scraped."""
    return _timelines["liquidated unseen"].result()


@pytest.fixture(scope="session")
def states(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires in the states of the matrix."""
    return _timelines["states"].result()


@pytest.fixture(scope="session")
def sequences(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires when one state follows another."""
    return _timelines["sequences"].result()


@pytest.fixture(scope="session")
def company(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires where several accounts and exporters are."""
    return _timelines["company"].result()


@pytest.fixture(scope="session")
def chain(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires when the chain from exporter to rule is broken."""
    return _timelines["chain"].result()


@pytest.fixture(scope="session")
def days(_timelines: Mapping[str, Future[Timeline]]) -> Timeline:
    """What fires over two days."""
    return _timelines["days"].result()
