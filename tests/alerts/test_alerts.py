"""Each alert fires when it should, for as long as it should, and at no other time."""

from pathlib import Path

import pytest

from tests.alerts.cases import (
    FIRING,
    FIRING_LATE,
    NEAR_MISSES,
    NEAR_MISSES_LATE,
    Case,
)
from tests.alerts.deployment import ALERTS, RISK_RULES, RULES, rules_of
from tests.alerts.risk_cases import (
    FIRING_RISK,
    FIRING_RISK_LATE,
    NEAR_MISSES_RISK,
    NEAR_MISSES_RISK_LATE,
)
from tests.alerts.scenarios import Timeline, account, played

# Of no account: what each test of a chain that is broken as a whole says.
OF_THE_CHAIN = {
    "BitoproMarginExporterAbsent",
    "BitoproMarginNoAccountExpected",
    "BitoproMarginRulesFailing",
    "BitoproMarginUndocumentedValues",
    "BitoproMarginWatchdog",
}
# Of several accounts: see test_company.
OF_COMPANY = {"BitoproMarginAccountLabelHidden", "BitoproMarginAccountsAreOne"}


def _ids(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", FIRING, ids=_ids)
def test_alert_fires_from_its_time_until_it_is_over(cases: Timeline, case: Case) -> None:
    assert_fires(cases, case)


@pytest.mark.parametrize("case", FIRING_LATE, ids=_ids)
def test_late_alert_fires_from_its_time_until_it_is_over(late_cases: Timeline, case: Case) -> None:
    assert_fires(late_cases, case)


@pytest.mark.parametrize("case", FIRING_RISK, ids=_ids)
def test_alert_on_risk_fires_from_its_time_until_it_is_over(
    risk_cases: Timeline, case: Case
) -> None:
    assert_fires(risk_cases, case)


@pytest.mark.parametrize("case", FIRING_RISK_LATE, ids=_ids)
def test_late_alert_on_risk_fires_from_its_time_until_it_is_over(
    late_risk_cases: Timeline, case: Case
) -> None:
    assert_fires(late_risk_cases, case)


def assert_fires(timeline: Timeline, case: Case) -> None:
    minutes = timeline.minutes(case.alert, case.expected_labels)

    assert minutes, f"never with the labels {case.expected_labels}"
    assert minutes == list(range(minutes[0], minutes[-1] + 1))
    assert minutes[0] == pytest.approx(case.first, abs=case.slack)
    assert minutes[-1] == pytest.approx(case.last, abs=case.slack)


@pytest.mark.parametrize(("account", "first"), [("spared", None), ("concerned", 80)])
def test_endpoint_is_failing_where_no_key_of_the_exporter_reads_it(
    shared_prices: Timeline, account: str, first: int | None
) -> None:
    labels = {"account": account, "endpoint": "mark-price"}

    minutes = shared_prices.minutes("BitoproMarginEndpointFailing", labels)

    assert next(iter(minutes), None) == pytest.approx(first, abs=1)


@pytest.mark.parametrize(
    ("account", "first"), [("reader", None), ("not needed", None), ("former reader", 26)]
)
def test_endpoint_is_not_asked_where_no_key_of_the_exporter_reads_it(
    shared_prices: Timeline, account: str, first: int | None
) -> None:
    labels = {"account": account, "endpoint": "mark-price"}

    minutes = shared_prices.minutes("BitoproMarginEndpointNotAsked", labels)

    assert next(iter(minutes), None) == pytest.approx(first, abs=1)


@pytest.mark.parametrize("account", ["first one", "another one"])
def test_liquidation_that_nobody_saw_is_told_for_an_hour_once_it_is_seen(
    liquidated_unseen: Timeline, account: str
) -> None:
    minutes = liquidated_unseen.minutes("BitoproMarginLiquidated", {"account": account})

    assert minutes == list(range(minutes[0], minutes[-1] + 1, 2))
    assert minutes[0] == 150
    assert minutes[-1] == pytest.approx(150 + 60 + 5, abs=2)


@pytest.mark.parametrize("account", ["none", "listed again", "new exporter", "new key"])
def test_liquidation_of_long_ago_is_not_told(liquidated_unseen: Timeline, account: str) -> None:
    assert liquidated_unseen.minutes("BitoproMarginLiquidated", {"account": account}) == []


def test_text_of_a_liquidation_that_nobody_saw_says_so(liquidated_unseen: Timeline) -> None:
    texts = [each for each in liquidated_unseen.texts if each.alert == "BitoproMarginLiquidated"]

    assert {"1h 40m 0s ago" in each.annotations["description"] for each in texts} == {True, False}
    assert {
        "It was not seen at that time, so there may have been more than one."
        in each.annotations["description"]
        for each in texts
    } == {True}
    assert [fault for each in texts for fault in each.faults] == []


@pytest.mark.parametrize("case", NEAR_MISSES, ids=_ids)
def test_alert_is_silent_on_what_only_comes_near(cases: Timeline, case: Case) -> None:
    assert cases.minutes(case.alert, case.expected_labels) == []


@pytest.mark.parametrize("case", NEAR_MISSES_LATE, ids=_ids)
def test_late_alert_is_silent_on_what_only_comes_near(late_cases: Timeline, case: Case) -> None:
    assert late_cases.minutes(case.alert, case.expected_labels) == []


@pytest.mark.parametrize("case", NEAR_MISSES_RISK, ids=_ids)
def test_alert_on_risk_is_silent_on_what_only_comes_near(risk_cases: Timeline, case: Case) -> None:
    assert risk_cases.minutes(case.alert, case.expected_labels) == []


@pytest.mark.parametrize("case", NEAR_MISSES_RISK_LATE, ids=_ids)
def test_late_alert_on_risk_is_silent_on_what_only_comes_near(
    late_risk_cases: Timeline, case: Case
) -> None:
    assert late_risk_cases.minutes(case.alert, case.expected_labels) == []


def test_nothing_fires_for_an_account_beside_many_that_are_in_trouble(
    cases: Timeline, risk_cases: Timeline
) -> None:
    assert cases.about("healthy") == {}
    assert risk_cases.about("healthy") == {}


@pytest.mark.parametrize("alert", sorted(set(ALERTS) - {"BitoproMarginWatchdog"}))
def test_alert_is_silent_before_anything_happens(
    cases: Timeline, risk_cases: Timeline, alert: str
) -> None:
    minutes = [*cases.minutes_of(alert), *risk_cases.minutes_of(alert)]

    assert [minute for minute in minutes if minute < 10] == []


def test_every_alert_is_seen_to_fire() -> None:
    seen = {case.alert for case in [*FIRING, *FIRING_LATE, *FIRING_RISK, *FIRING_RISK_LATE]}

    assert seen | OF_THE_CHAIN | OF_COMPANY == set(ALERTS)


def test_every_alert_on_risk_is_seen_to_be_silent() -> None:
    silent = {case.alert for case in [*NEAR_MISSES_RISK, *NEAR_MISSES_RISK_LATE]}

    assert silent == {rule.name for rule in rules_of(RISK_RULES) if rule.is_alert}


def test_watchdog_fires_always(cases: Timeline) -> None:
    assert cases.minutes("BitoproMarginWatchdog", {}) == list(range(39))


def test_exporter_absent_fires_until_there_is_a_target(chain: Timeline) -> None:
    minutes = chain.minutes("BitoproMarginExporterAbsent", {"job": "bitopro-margin"})

    assert minutes == list(range(3, 9))


def test_no_account_expected_fires_until_one_is_seen(chain: Timeline) -> None:
    minutes = chain.minutes("BitoproMarginNoAccountExpected", {})

    assert minutes[0] == 5
    assert minutes[-1] in (8, 9)


def test_rules_failing_fires_for_rules_of_margin_accounts_only(chain: Timeline) -> None:
    group = "/etc/prometheus/rules/bitopro-margin.rules.yml;bitopro-margin-account"

    minutes = chain.minutes("BitoproMarginRulesFailing", {"rule_group": group})

    assert minutes == chain.minutes_of("BitoproMarginRulesFailing")
    assert minutes[0] == 20
    assert minutes[-1] == pytest.approx(29, abs=1)


def test_no_account_expected_fires_if_the_operators_file_is_not_loaded(
    promtool: str, tmp_path: Path
) -> None:
    timeline = played(promtool, tmp_path, account("main"), minutes=8, rule_files=[RULES])

    assert timeline.minutes("BitoproMarginNoAccountExpected", {}) == [5, 6, 7, 8]


def test_removed_account_is_missed_for_a_day(days: Timeline) -> None:
    minutes = days.minutes("BitoproMarginNotProvenSafe", {"account": "removed"})

    assert minutes[0] <= 60 + 10
    assert minutes[-1] == pytest.approx(60 + 24 * 60, abs=20)


def test_undocumented_value_is_news_for_a_day(days: Timeline) -> None:
    minutes = days.minutes("BitoproMarginUndocumentedValues", {"account": "news", "kind": "label"})

    assert minutes[0] == 60
    assert minutes[-1] == pytest.approx(60 + 24 * 60, abs=20)
