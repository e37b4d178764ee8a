"""What `once` prints, from looks that are given."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal

import pytest

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.market import MarkPrices
from exporter.cli.account_reports import AccountReport, Missing
from exporter.cli.once import document, table
from exporter.errors import AuthenticationError, PollError
from exporter.risk import Risk, Thresholds
from exporter.state import Account, AccountState, PollTimes
from tests.positions import POSITIONS, answer

AT = 1_800_000_000.0
ACCOUNT = Account(
    name="main", base_url="https://host/v3", poll_interval_seconds=15.0, stale_after_seconds=45.0
)
REFUSED = AuthenticationError("401: check the API key and secret, and that it still exists")


def report(  # noqa: PLR0913 - what a case may change
    position: str,
    *,
    account: Account = ACCOUNT,
    snapshot: Snapshot | None = None,
    prices: Mapping[str, Decimal] | None = None,
    error: PollError | None = None,
    missing: tuple[Missing, ...] = (),
) -> AccountReport:
    """Return the report of a position, polled at AT with or without an error."""
    given = POSITIONS[position]
    times = PollTimes(0.0, AT, 0.1)
    market = given.market
    if prices is not None:
        market = replace(market, prices=MarkPrices(prices, frozenset()) if prices else None)
    state = AccountState(account)
    if error is not None:
        return AccountReport(state.after_failure(error, times), market, missing)
    state = state.after_success(snapshot or given.snapshot, times, None)
    return AccountReport(state.assessed(market, 0.0), market, missing)


def shown(given: AccountReport) -> str:
    return table([given], is_coloured=False)


def test_table_of_a_mixed_position_sorts_by_danger() -> None:
    assert shown(report("mixed")) == (
        "main: safe: not below 1.5"
        "                                                    2027-01-15 08:00:00 UTC\n"
        "  ratio         2.0000 (the exchange says 2.00, SAFETY_THRESHOLD)\n"
        "  has, owes     100,000.00 and 50,000.00 USDT\n"
        "  thresholds    warning 1.5, critical 1.3, liquidation 1.2"
        " (assumed: BitoPro publishes none)\n"
        "\n"
        "                price in USDT  ratio 1.2 at  to 1.2\n"
        "  BTC               50,000.00     10,000.00  falls by 80.0 %\n"
        "  all together                               falls by 86.9 %\n"
        "  SOL                  100.00        433.33  rises by 333.3 %\n"
        "  ETH                2,000.00                no move leads there\n"
        "  USDC                   1.00                no move leads there\n"
        "\n"
        "  if all move   -50 % 1.62, -30 % 1.79, -20 % 1.86, -10 % 1.93,"
        " +10 % 2.05, +20 % 2.11, +30 % 2.16\n"
        "  rescue        none needed\n"
        "  interest      5.98 USDT a day; 5,574 days to 1.2 at these prices\n"
    )


def test_crossed_account_says_so_and_what_to_pay() -> None:
    text = shown(report("crossed"))

    assert text.startswith("main: LIQUIDATION: below 1.2  ")
    assert "  BTC               46,000.00                crossed\n" in text
    assert "repay 28,000.00 USDT or add 14,000.00 USDT to be back at 1.5\n" in text


@pytest.mark.parametrize(
    ("totals", "balances"),
    [
        (("0", "100"), {"USDT": ("0", "100", "0")}),
        (("110", "100"), {"ETH": ("1", "0", "0"), "USDT": ("0", "100", "0")}),
    ],
    ids=["nothing moves", "a price is missing"],
)
def test_crossed_account_is_not_told_that_no_move_leads_there(
    totals: tuple[str, str], balances: Mapping[str, tuple[str, str, str]]
) -> None:
    given = report("crossed", snapshot=parse_snapshot(answer(totals, balances)))

    text = shown(given)

    assert re.search(r"^  all together +crossed$", text, re.MULTILINE)
    assert "no move leads there" not in text
    assert "not known\n\n" not in text


def test_insolvent_account_is_not_told_to_repay() -> None:
    text = shown(report("insolvent"))

    assert text.startswith("main: LIQUIDATION: owes more than it has  ")
    assert (
        "add 24,000.00 USDT to be back at 1.5; no repayment out of the assets can do it\n" in text
    )


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        ("60000", "safe: not below 1.5"),
        ("59999.99999999", "WARNING: below 1.5"),
        ("51999.99999999", "CRITICAL: below 1.3"),
        ("47999.99999999", "LIQUIDATION: below 1.2"),
    ],
)
def test_verdict_is_by_the_exact_ratio(asset: str, expected: str) -> None:
    body = answer((asset, "40000"), {"BTC": ("1", "0", "0"), "USDT": ("0", "40000", "0")})

    given = report("crossed", snapshot=parse_snapshot(body), prices={"BTC": Decimal(asset)})
    assert shown(given).startswith(f"main: {expected}  ")


def test_ratio_is_cut_and_not_rounded() -> None:
    body = answer(
        ("47999.99999999", "40000"), {"BTC": ("1", "0", "0"), "USDT": ("0", "40000", "0")}
    )

    assert "ratio         1.1999 (" in shown(report("crossed", snapshot=parse_snapshot(body)))


def test_account_without_debt_has_no_moves() -> None:
    assert shown(report("no-debt")) == (
        "main: no debt"
        "                                                                "
        "2027-01-15 08:00:00 UTC\n"
        "  ratio         none without debt (the exchange says SAFETY_THRESHOLD)\n"
        "  has, owes     50,000.00 and 0.00 USDT\n"
        "  thresholds    warning 1.5, critical 1.3, liquidation 1.2"
        " (assumed: BitoPro publishes none)\n"
    )


def test_missing_price_is_said_and_makes_nothing_up() -> None:
    text = shown(report("missing-price"))

    assert "  ETH                                        not known\n" in text
    assert "  all together                               not known\n" in text
    assert "  if all move   not known\n" in text
    assert "  missing       the price of ETH: liquidation may be nearer than it looks\n" in text


def test_missing_price_is_no_danger_without_debt() -> None:
    assert "missing" not in shown(report("no-debt", prices={}))


def test_missing_endpoint_is_said_with_its_reason() -> None:
    missing_one = Missing("mark-price", "auth", "403: grant the key permission to read")

    text = shown(report("long", prices={}, missing=(missing_one,)))

    assert "  missing       mark-price: auth: 403: grant the key permission to read\n" in text


def doubtful(given: AccountReport) -> tuple[str, list[str]]:
    """Return the verdict, and the lines about what is doubtful."""
    heading, *lines = shown(given).splitlines()
    return heading.split("  ")[0], [line for line in lines if line.startswith("  doubtful")]


def test_totals_that_do_not_add_up_are_doubted() -> None:
    assert doubtful(report("wrong-total")) == (
        "main: DOUBTFUL; else safe: not below 1.5",
        ["  doubtful      balances at mark prices add up to other totals, by 9.0 %"],
    )


def test_answer_that_contradicts_itself_is_doubted() -> None:
    snapshot = replace(POSITIONS["long"].snapshot, ad_ratio=Decimal("5.00"))

    assert doubtful(report("long", snapshot=snapshot)) == (
        "main: DOUBTFUL; else safe: not below 1.5",
        ["  doubtful      the answer contradicts itself: ad_ratio"],
    )


def test_no_debt_is_doubted_where_something_is_borrowed() -> None:
    assert doubtful(report("contradiction")) == (
        "main: DOUBTFUL; else no debt",
        ["  doubtful      the answer contradicts itself: debt"],
    )


def test_what_is_not_documented_is_doubted() -> None:
    snapshot = replace(POSITIONS["long"].snapshot, ad_ratio_label="MARGIN_CALL", margin_status=2)

    assert doubtful(report("long", snapshot=snapshot)) == (
        "main: DOUBTFUL; else safe: not below 1.5",
        [
            "  doubtful      BitoPro documents no label MARGIN_CALL",
            "  doubtful      BitoPro documents no status marginStatus 2",
        ],
    )


def test_doubt_takes_nothing_from_danger() -> None:
    snapshot = replace(POSITIONS["crossed"].snapshot, margin_status=2)

    judged, lines = doubtful(report("crossed", snapshot=snapshot))

    assert judged == "main: LIQUIDATION: below 1.2"
    assert len(lines) == 1


def test_field_more_is_no_doubt() -> None:
    snapshot = replace(POSITIONS["long"].snapshot, unknown_fields=frozenset({"news"}))

    assert doubtful(report("long", snapshot=snapshot)) == ("main: safe: not below 1.5", [])


def test_account_that_is_not_known_is_never_safe() -> None:
    assert shown(report("long", error=REFUSED)) == (
        "main: NOT KNOWN"
        "                                                              "
        "2027-01-15 08:00:00 UTC\n"
        "  no answer     auth: 401: check the API key and secret, and that it still exists\n"
    )


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (set(), "(assumed: BitoPro publishes none)"),
        ({"warning"}, "warning 1.5, critical 1.3 (assumed), liquidation 1.2 (assumed)\n"),
        ({"warning", "critical", "liquidation"}, "liquidation 1.2\n"),
    ],
    ids=["none", "one", "all"],
)
def test_thresholds_are_said_to_be_assumed_when_they_are(chosen: set[str], expected: str) -> None:
    account = replace(ACCOUNT, thresholds=Thresholds(chosen=frozenset(chosen)))

    assert expected in shown(report("long", account=account))


@pytest.mark.parametrize("position", POSITIONS)
def test_no_line_is_wider_than_a_hundred(position: str) -> None:
    missing_one = Missing("provisioning/borrow", "http_status", "a long reason " * 20)

    lines = shown(report(position, missing=(missing_one,))).splitlines()

    assert max(map(len, lines)) <= 100


def test_largest_numbers_and_longest_names_fit() -> None:
    name, most = "C" * 32, "9" * 32
    body = answer((most, most), balances={name: (most, "0", "0"), "USDT": ("0", most, "0")})
    account = replace(ACCOUNT, name="n" * 64)
    given = report(
        "long",
        account=account,
        snapshot=parse_snapshot(body),
        prices={name: Decimal("999999999999999.99")},
    )

    assert max(map(len, shown(given).splitlines())) <= 100


def test_colour_is_only_around_the_verdict() -> None:
    given = report("crossed")

    coloured = table([given], is_coloured=True)

    assert coloured == shown(given).replace(
        "LIQUIDATION: below 1.2", "\x1b[1;31mLIQUIDATION: below 1.2\x1b[0m"
    )


def accounts(*reports: AccountReport) -> list[Mapping[str, object]]:
    listed: list[Mapping[str, object]] = json.loads(document(reports))["accounts"]
    return listed


def test_json_has_every_field_of_snapshot_and_risk() -> None:
    (account,) = accounts(report("documented"))

    snapshot, risk = account["snapshot"], account["risk"]
    assert isinstance(snapshot, dict)
    assert isinstance(risk, dict)
    assert list(snapshot) == [each.name for each in fields(Snapshot)]
    assert list(risk) == [each.name for each in fields(Risk)]
    assert snapshot["balances"]["BTC"] == {
        "available_amount": "9.99990000",
        "traded_amount": "0.00000000",
        "borrow_amount": "2.00008624",
        "borrow_interest_amount": "0.00236786",
        "borrow_status": 1,
        "transfer_status": 1,
        "total_amount": "9.99990000",
    }
    assert risk["ratio"] == "5.763844478083553108272564380"
    assert risk["stress"]["-0.5"] == "6.533689669555076650766538238"
    assert risk["currencies"]["BTC"]["liquidation_move"]["liquidation"] is None
    assert account["mark_prices"] == {"BTC": "64824.5"}
    assert account["error"] is None
    assert account["assumed_thresholds"] == ["warning", "critical", "liquidation"]


def test_json_of_a_failure_has_its_reason_and_no_numbers() -> None:
    (account,) = accounts(report("long", error=REFUSED, prices={}))

    assert account["error"] == {
        "endpoint": "balances",
        "reason": "auth",
        "message": "401: check the API key and secret, and that it still exists",
    }
    assert account["snapshot"] is None
    assert account["risk"] is None


def test_json_hides_the_account_id_where_the_page_does() -> None:
    shown_one, hidden = accounts(
        report("long"), report("long", account=replace(ACCOUNT, shows_id=False))
    )

    assert "5411716254" in json.dumps(shown_one)
    assert "5411716254" not in json.dumps(hidden)
