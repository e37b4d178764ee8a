"""Several accounts, several exporters, and drills: one must not hide or raise another's alert."""

from pathlib import Path

from tests.alerts.cases import NO_PAGE, ratio
from tests.alerts.company import drill
from tests.alerts.deployment import EXPECTED_ACCOUNTS, RULES, document
from tests.alerts.risk_cases import NEAR, UNFINISHED
from tests.alerts.scenarios import MINUTE, STALE, Timeline, account, between, during, timeline_of


def test_one_of_two_accounts_missing_raises_its_alert_alone(company: Timeline) -> None:
    assert company.minutes("BitoproMarginNotProvenSafe", {"account": "missing"})[0] <= 18
    assert company.about("present") == {}


def test_exporter_that_is_down_is_told_although_another_is_left(company: Timeline) -> None:
    labels = {"instance": "first is down", "job": "bitopro-margin"}

    assert company.minutes("BitoproMarginExporterDown", labels) == list(range(13, 28))


def test_account_is_unreachable_or_unproven_by_what_all_its_exporters_say(
    company: Timeline,
) -> None:
    # By account: whether it is told to be unreachable, and whether not to be proven safe.
    expected = {
        "first is down": (False, False),
        "both are down": (True, True),
        "down and blind": (False, True),
        "elsewhere": (False, True),
    }

    assert {
        name: tuple(
            bool(company.minutes(f"BitoproMargin{alert}", {"account": name}))
            for alert in ("AccountUnreachable", "NotProvenSafe")
        )
        for name in expected
    } == expected


def test_of_two_exporters_the_lower_ratio_counts(company: Timeline) -> None:
    labels = {"account": "worse one counts"}

    assert company.minutes("BitoproMarginRatioLiquidation", labels)[0] == 10


def test_of_two_exporters_the_label_of_danger_counts(company: Timeline) -> None:
    assert company.minutes("BitoproMarginExchangeLabel", {"account": "labels differ"})


def test_unreachable_account_fires_for_as_long_as_it_is_not_proven_safe(company: Timeline) -> None:
    held_back = company.minutes("BitoproMarginAccountUnreachable", {"account": "both are down"})
    unproven = company.minutes("BitoproMarginNotProvenSafe", {"account": "both are down"})

    assert unproven
    assert set(unproven) <= set(held_back)


def test_drill_that_does_not_answer_is_not_proven_safe_and_no_exporter_that_is_down(
    company: Timeline,
) -> None:
    told = company.about("drill")

    assert min(told) == 14
    assert set().union(*told.values()) == {"BitoproMarginNotProvenSafe"}


def test_account_behind_a_label_of_the_target_is_told_until_the_label_is_gone(
    company: Timeline,
) -> None:
    hidden = {
        account: company.minutes(
            "BitoproMarginAccountLabelHidden",
            {"account": "cloud", "exported_account": account, "job": "bitopro-margin"},
        )
        for account in ("hidden and well", "hidden and blind")
    }

    assert hidden == {name: list(range(10, 29)) for name in hidden}
    assert company.minutes_of("BitoproMarginAccountLabelHidden") == list(range(10, 29))


def test_account_behind_a_label_is_no_proof_that_another_is_safe(company: Timeline) -> None:
    # promtool evaluates groups in any order, so what one records may reach another a minute later.
    assert company.minutes("BitoproMarginNotProvenSafe", {"account": "cloud"})[0] in {14, 15}


def test_accounts_that_are_one_are_told_until_they_differ(company: Timeline) -> None:
    twins = {
        account: company.minutes("BitoproMarginAccountsAreOne", {"account": account})
        for account in ("twin-1", "twin-2")
    }

    assert twins == {name: list(range(12, 29)) for name in twins}


def test_accounts_scraped_twice_or_without_an_id_are_not_taken_for_one(company: Timeline) -> None:
    quiet = ("scraped twice", "without an id", "without an id either", "both are down", "drill")

    assert [
        name for name in quiet if company.minutes("BitoproMarginAccountsAreOne", {"account": name})
    ] == []


def test_drill_is_not_taken_for_the_watched_account_that_it_drills_or_for_a_hidden_one(
    promtool: str, tmp_path: Path
) -> None:
    series = {**account("main", account_id="drill"), **drill({})}

    timeline = timeline_of(promtool, tmp_path, series, minutes=8)

    assert timeline.minutes_of("BitoproMarginAccountsAreOne") == []
    assert timeline.minutes_of("BitoproMarginAccountLabelHidden") == []


def test_drill_that_has_ended_is_not_missed(promtool: str, tmp_path: Path) -> None:
    ended = drill(during(10 * MINUTE, 99 * MINUTE, {**NO_PAGE, "up": STALE}))

    timeline = timeline_of(promtool, tmp_path, {**account("main"), **ended}, minutes=20)

    assert timeline.about("drill") == {}


def test_drill_that_ended_below_liquidation_leaves_nothing_behind(
    promtool: str, tmp_path: Path
) -> None:
    below = drill(during(10 * MINUTE, 99 * MINUTE, ratio(1.1)))
    ended = {
        series: between(12 * MINUTE, 99 * MINUTE, STALE, history)
        for series, history in below.items()
    }

    timeline = timeline_of(promtool, tmp_path, {**account("main"), **ended}, minutes=24)

    assert set(timeline.about("drill", ["critical"])) <= set(range(10, 19))


def test_near_liquidation_is_of_its_account_alone_and_one_exporter_that_sees_it_is_enough(
    promtool: str, tmp_path: Path
) -> None:
    near = during(10 * MINUTE, 99 * MINUTE, NEAR)
    series = {
        **account("main"),
        **account("two"),
        **account("two", near, instance="second"),
        **drill({**near, **during(10 * MINUTE, 99 * MINUTE, {UNFINISHED: 1})}),
    }

    timeline = timeline_of(promtool, tmp_path, series, minutes=14)

    assert timeline.minutes("BitoproMarginDistanceCritical", {"account": "two"})[0] == 10
    assert timeline.minutes("BitoproMarginDistanceCritical", {"account": "drill"})
    assert timeline.minutes("BitoproMarginLiquidationRunning", {"account": "drill"})
    assert timeline.about("main") == {}


def fixed_list(folder: Path) -> Path:
    """Write the operator's file with its example in the place of the default."""
    text = EXPECTED_ACCOUNTS.read_text()
    default, _, rest = text.partition("        expr: group by")
    _, _, example = rest.partition("        # expr: |\n")
    path = folder / "expected-accounts.rules.yml"
    path.write_text(f"{default}        expr: |\n{example.replace('        # ', '        ')}")
    return path


def test_fixed_list_expects_accounts_that_were_never_seen(promtool: str, tmp_path: Path) -> None:
    rule_files = [RULES, fixed_list(tmp_path)]

    timeline = timeline_of(promtool, tmp_path, account("main"), minutes=8, rule_files=rule_files)

    assert timeline.about("second", ["critical"])
    assert timeline.about("main") == {}


def test_last_ratio_survives_a_prometheus_that_was_down_for_ten_minutes(
    promtool: str, tmp_path: Path
) -> None:
    # An evaluation each ten minutes is what a restart looks like to a rule.
    series = account("main", during(20 * MINUTE, 30 * MINUTE, ratio(1.1)))
    blind = {
        name: between(30 * MINUTE, 99 * MINUTE, STALE, history) for name, history in series.items()
    }

    timeline = timeline_of(promtool, tmp_path, blind, minutes=60, interval=10 * MINUTE)

    assert timeline.minutes("BitoproMarginRatioLiquidation", {"account": "main"}) == [
        20,
        30,
        40,
        50,
        60,
    ]


def test_operators_file_holds_one_rule_and_nothing_else() -> None:
    (group,) = document(EXPECTED_ACCOUNTS)["groups"]

    assert [rule["record"] for rule in group["rules"]] == ["bitopro_margin:expected_account"]
