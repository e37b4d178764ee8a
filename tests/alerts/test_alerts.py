"""Each alert fires when it should, for as long as it should, and at no other time."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.alerts.account_states import BAD, END, GOOD, START
from tests.alerts.cases import CASES, LATE_CASES, Case
from tests.alerts.deployment import ALERTS, RISK_RULES, RULES, rules_of
from tests.alerts.risk_cases import LATE_RISK_CASES, RISK_CASES
from tests.alerts.scenarios import Timeline, account, timeline_of
from tests.alerts.sequences import BELOW_UNTIL_30, REPAID_AT_15

# Of no account: what each test of a chain that is broken as a whole says.
OF_THE_CHAIN = {
    "BitoproMarginExporterAbsent",
    "BitoproMarginNoAlertmanager",
    "BitoproMarginNoAccountExpected",
    "BitoproMarginNotificationsFailing",
    "BitoproMarginRulesFailing",
    "BitoproMarginUndocumentedValues",
    "BitoproMarginWatchdog",
}
# Of several accounts: see test_company.
OF_COMPANY = {"BitoproMarginAccountLabelHidden", "BitoproMarginAccountsAreOne"}
SCENARIOS: Mapping[str, list[Case]] = {
    "cases": CASES,
    "risk_cases": RISK_CASES,
    "late_cases": LATE_CASES,
    "late_risk_cases": LATE_RISK_CASES,
}

Timelines = Mapping[str, Future[Timeline]]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_alerts_fire_from_their_time_until_it_is_over_and_on_nothing_that_only_comes_near(
    timelines: Timelines, scenario: str
) -> None:
    timeline = timelines[scenario].result()
    fired = [(case, timeline.minutes(case.alert, case.labels)) for case in SCENARIOS[scenario]]

    assert [
        (case.name, case.first, case.last, minutes)
        for case, minutes in fired
        if not case.is_met_by(minutes)
    ] == []


@pytest.mark.parametrize("scenario", ["cases", "risk_cases"])
def test_nothing_fires_before_anything_happens_or_for_an_account_beside_many_in_trouble(
    timelines: Timelines, scenario: str
) -> None:
    timeline = timelines[scenario].result()
    too_early = {
        alert: minutes
        for alert in sorted(set(ALERTS) - {"BitoproMarginWatchdog"})
        if (minutes := [minute for minute in timeline.minutes_of(alert) if minute < 10])
    }

    assert too_early == {}
    assert timeline.about("healthy") == {}


def test_every_alert_is_seen_to_fire() -> None:
    seen = {case.alert for cases in SCENARIOS.values() for case in cases if case.first is not None}

    assert seen | OF_THE_CHAIN | OF_COMPANY == set(ALERTS)


def test_every_alert_on_risk_is_seen_to_be_silent() -> None:
    silent = {case.alert for case in [*RISK_CASES, *LATE_RISK_CASES] if case.first is None}

    assert silent == {rule.name for rule in rules_of(RISK_RULES) if rule.is_alert}


def test_bad_states_page_within_eight_minutes_and_without_a_pause_until_they_end(
    states: Timeline,
) -> None:
    wrong = {}
    for state in BAD:
        minutes = sorted(states.about(state.name, ["critical"])) or [99]
        is_soon = minutes[0] in range(START, START + 9)
        is_steady = set(range(minutes[0], END)) <= set(minutes)
        if not (is_soon and is_steady and minutes[-1] < END + 12):
            wrong[state.name] = minutes

    assert wrong == {}


def test_good_states_raise_nothing(states: Timeline) -> None:
    assert {each.name: found for each in GOOD if (found := states.about(each.name))} == {}


def test_liquidation_fires_until_it_is_proven_to_be_over_and_no_longer(sequences: Timeline) -> None:
    fired = {
        state.name: sequences.minutes("BitoproMarginRatioLiquidation", {"account": state.name})
        for state in BELOW_UNTIL_30
    }

    assert {
        name: minutes
        for name, minutes in fired.items()
        if not set(range(10, 30)) <= set(minutes) or max(minutes) >= 36
    } == {}


def test_ratio_from_before_a_repayment_does_not_come_back(sequences: Timeline) -> None:
    minutes = sequences.minutes("BitoproMarginRatioLiquidation", {"account": REPAID_AT_15.name})

    assert max(minutes) < 21


def first_minutes(timeline: Timeline, alert: str, accounts: Iterable[str]) -> dict[str, int | None]:
    """Return the first minute at which an alert on mark prices fires, by account."""
    labels = [{"account": each, "endpoint": "mark-price"} for each in accounts]
    return {each["account"]: next(iter(timeline.minutes(alert, each)), None) for each in labels}


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        ("BitoproMarginEndpointFailing", {"spared": None, "concerned": 80}),
        (
            "BitoproMarginEndpointNotAsked",
            {"reader": None, "not needed": None, "former reader": 26},
        ),
    ],
)
def test_endpoint_is_told_of_where_no_key_of_the_exporter_reads_it(
    shared_prices: Timeline, alert: str, expected: Mapping[str, int | None]
) -> None:
    assert first_minutes(shared_prices, alert, expected) == pytest.approx(expected, abs=1)


def test_liquidation_that_was_not_seen_is_told_for_an_hour_once_it_is_seen(
    liquidated_unseen: Timeline,
) -> None:
    for name in ("first one", "another one"):
        minutes = liquidated_unseen.minutes("BitoproMarginLiquidated", {"account": name})

        assert minutes == list(range(150, minutes[-1] + 1, 2))
        assert minutes[-1] == pytest.approx(150 + 60 + 5, abs=2)


def test_liquidation_of_long_ago_is_not_told(liquidated_unseen: Timeline) -> None:
    for name in ("none", "listed again", "new exporter", "new key"):
        assert liquidated_unseen.minutes("BitoproMarginLiquidated", {"account": name}) == [], name


def test_text_of_a_liquidation_that_was_not_seen_says_so(liquidated_unseen: Timeline) -> None:
    texts = [each for each in liquidated_unseen.texts if each.alert == "BitoproMarginLiquidated"]
    told = [each.annotations["description"] for each in texts]
    unseen = "It was not seen at that time, so there may have been more than one."

    assert {"1h 40m 0s ago" in each for each in told} == {True, False}
    assert [each for each in told if unseen not in each] == []
    assert [fault for each in texts for fault in each.faults] == []


def test_watchdog_fires_always(timelines: Timelines) -> None:
    assert timelines["cases"].result().minutes("BitoproMarginWatchdog", {}) == list(range(39))


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


def test_notifications_failing_fires_by_integration(chain: Timeline) -> None:
    labels = {"instance": "127.0.0.1:9093", "integration": "webhook", "job": "alertmanager"}

    minutes = chain.minutes("BitoproMarginNotificationsFailing", labels)

    assert minutes == chain.minutes_of("BitoproMarginNotificationsFailing")
    assert (minutes[0], minutes[-1]) == pytest.approx((16, 32), abs=1)


def test_no_alertmanager_fires_where_none_is_known_or_none_takes_alerts(chain: Timeline) -> None:
    fired = {
        name: chain.minutes("BitoproMarginNoAlertmanager", {"instance": name, "job": "prometheus"})
        for name in ("without one", "with one that is down", "127.0.0.1:9090")
    }

    assert fired["without one"] == list(range(12, 28))
    assert fired["with one that is down"][0] in {12, 13}
    assert fired["127.0.0.1:9090"] == []


def test_no_account_expected_fires_if_the_operators_file_is_not_loaded(
    promtool: str, tmp_path: Path
) -> None:
    timeline = timeline_of(promtool, tmp_path, account("main"), minutes=8, rule_files=[RULES])

    assert timeline.minutes("BitoproMarginNoAccountExpected", {}) == [5, 6, 7, 8]


def test_removed_account_is_missed_for_a_day(days: Timeline) -> None:
    minutes = days.minutes("BitoproMarginNotProvenSafe", {"account": "removed"})

    assert minutes[0] <= 60 + 10
    assert minutes[-1] == pytest.approx(60 + 24 * 60, abs=20)


def test_undocumented_value_is_news_for_a_day(days: Timeline) -> None:
    minutes = days.minutes("BitoproMarginUndocumentedValues", {"account": "news", "kind": "label"})

    assert minutes[0] == 60
    assert minutes[-1] == pytest.approx(60 + 24 * 60, abs=20)
