import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.liquidations import parse_liquidations
from exporter.bitopro.market import parse_mark_prices
from exporter.errors import REASONS, NetworkError
from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.market import MARKET_FAMILIES
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.metrics.text import as_metric
from exporter.state import Account, AccountState, MarketState
from tests.bitopro.answers import answer_with, documented
from tests.conftest import FIXTURES
from tests.metrics.snapshots import snapshots
from tests.positions import POSITIONS
from tests.states import ACCOUNT, asked, at, polled
from tests.states import market as known_market


def page_of(
    *states: AccountState,
    now: float = 1.0,
    format_: Format = Format.TEXT,
    market: MarketState | None = None,
) -> str:
    exposition = Exposition(lambda: now)
    for state in states:
        exposition.put(state)
    if market is not None:
        exposition.put_market(market)
    return exposition.page(format_).decode()


def samples(page: str) -> dict[str, float]:
    lines = (line for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def names(page: str) -> set[str]:
    return {name.partition("{")[0] for name in samples(page)}


@pytest.mark.parametrize(
    ("format_", "golden"),
    [(Format.TEXT, "documented.prom"), (Format.OPENMETRICS, "documented.openmetrics")],
)
def test_page_of_the_documented_example(
    documented_answer: bytes, format_: Format, golden: str
) -> None:
    page = page_of(asked(polled(documented_answer)), format_=format_, market=known_market())

    assert page == (FIXTURES / golden).read_text()


def test_page_of_a_loan() -> None:
    loan = POSITIONS["loan"]
    state = polled(loan.body).assessed(loan.market, 0.0)

    assert page_of(state, market=loan.market) == (FIXTURES / "loan.prom").read_text()


def test_families_read_as_many_samples_as_the_page_has_lines(documented_answer: bytes) -> None:
    state, now_known = asked(polled(documented_answer)), known_market()

    page = samples(page_of(state, market=now_known))

    of_account = [name for name in page if "{account=" in name]
    assert sum(len(family.read(state)) for family in FAMILIES) == len(of_account)
    assert sum(len(family.read(now_known)) for family in MARKET_FAMILIES) == len(page) - len(
        of_account
    )


def test_promtool_finds_nothing_on_the_whole_page(documented_answer: bytes, promtool: str) -> None:
    exposition = Exposition(lambda: 0.0, ExporterMetrics())
    exposition.put(asked(polled(documented_answer)))
    exposition.put_market(known_market())

    check = subprocess.run(
        [promtool, "check", "metrics"],
        input=exposition.page(Format.TEXT),
        capture_output=True,
        check=False,
    )

    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_prometheus_clients_own_parser_reads_openmetrics(documented_answer: bytes) -> None:
    exposition = Exposition(lambda: 0.0, ExporterMetrics())
    exposition.put(asked(polled(documented_answer)))
    exposition.put_market(known_market())

    families = list(
        parse_openmetrics(exposition.page(Format.OPENMETRICS).decode())  # type: ignore[no-untyped-call]  # untyped upstream
    )

    assert len(families) >= len(FAMILIES) + len(MARKET_FAMILIES)


def test_every_reason_is_there_at_zero_from_the_start() -> None:
    page = samples(page_of(AccountState(ACCOUNT)))

    assert {
        name: value for name, value in page.items() if name.startswith("bitopro_margin_poll_fai")
    } == {
        f'bitopro_margin_poll_failures_total{{account="main",reason="{reason}"}}': 0.0
        for reason in REASONS
    }


NEVER_POLLED = {
    "bitopro_margin_up",
    "bitopro_margin_last_success_timestamp_seconds",
    "bitopro_margin_poll_interval_seconds",
    "bitopro_margin_stale_after_seconds",
    "bitopro_margin_polls_total",
    "bitopro_margin_poll_failures_total",
    "bitopro_margin_undocumented_values_total",
    "bitopro_margin_ad_ratio_threshold",
    "bitopro_margin_ad_ratio_threshold_assumed",
    "bitopro_margin_distance_threshold_ratio",
    "bitopro_margin_stable_currency",
}


def test_before_the_first_poll_there_is_no_value_of_the_exchange() -> None:
    assert names(page_of(AccountState(ACCOUNT))) == NEVER_POLLED


def test_stale_account_keeps_up_and_loses_everything_of_the_exchange(
    documented_answer: bytes,
) -> None:
    page = page_of(polled(documented_answer), now=45.0)

    assert names(page) == NEVER_POLLED | {
        "bitopro_margin_poll_duration_seconds",
        "bitopro_margin_clock_skew_seconds",
    }
    assert samples(page)['bitopro_margin_last_success_timestamp_seconds{account="main"}'] == 1.7e9


def test_failed_poll_turns_up_to_zero_and_keeps_the_values(documented_answer: bytes) -> None:
    state = polled(documented_answer).after_failure(NetworkError("no"), at(15.0))

    page = samples(page_of(state, now=15.0))

    assert page['bitopro_margin_up{account="main"}'] == 0.0
    assert page['bitopro_margin_ad_ratio{account="main"}'] == 5.76


def test_one_stale_account_takes_nothing_from_a_fresh_one(documented_answer: bytes) -> None:
    stale = polled(documented_answer, 0.0, replace(ACCOUNT, name="stale"))
    fresh = polled(documented_answer, 45.0, replace(ACCOUNT, name="fresh"))

    page = samples(page_of(stale, fresh, now=50.0))

    assert 'bitopro_margin_ad_ratio{account="fresh"}' in page
    assert 'bitopro_margin_ad_ratio{account="stale"}' not in page


def test_without_debt_there_is_no_ratio_and_the_debt_is_zero() -> None:
    page = samples(page_of(polled(answer_with("totalDebtAmount", "0", adRatio="0"))))

    assert 'bitopro_margin_ad_ratio{account="main"}' not in page
    assert page['bitopro_margin_total_debt_amount{account="main",unit="USDT"}'] == 0.0


def test_currency_that_left_the_answer_leaves_the_page(documented_answer: bytes) -> None:
    balances = documented()["balances"]
    del balances["ETH"]
    exposition = Exposition(lambda: 0.0)

    exposition.put(polled(documented_answer))
    exposition.put(polled(answer_with("balances", balances)))

    assert b'currency="ETH"' not in exposition.page(Format.TEXT)


def test_unit_that_changed_leaves_no_series_of_the_old_one(documented_answer: bytes) -> None:
    exposition = Exposition(lambda: 0.0)

    exposition.put(polled(documented_answer))
    exposition.put(polled(answer_with("calculateUnit", "TWD")))

    page = exposition.page(Format.TEXT)
    assert b'unit="USDT"' not in page
    assert b'bitopro_margin_total_asset_amount{account="main",unit="TWD"} 748279.6' in page


def test_label_of_the_exchange_is_exactly_one_series() -> None:
    page = page_of(polled(answer_with("adRatioLabel", "LIQUIDATION_WARNING")))

    assert [
        line for line in page.splitlines() if line.startswith("bitopro_margin_ad_ratio_la")
    ] == [
        'bitopro_margin_ad_ratio_label{account="main",label="LIQUIDATION_WARNING"} 1.0',
        'bitopro_margin_ad_ratio_label_safe{account="main"} 0.0',
    ]


def test_label_is_safe_if_the_operator_says_so() -> None:
    account = replace(ACCOUNT, safe_labels=frozenset({"SAFETY_THRESHOLD", "CAUTION"}))
    page = page_of(polled(answer_with("adRatioLabel", "CAUTION"), account=account))

    assert samples(page)['bitopro_margin_ad_ratio_label_safe{account="main"}'] == 1.0


def test_account_id_can_be_hidden(documented_answer: bytes) -> None:
    page = page_of(polled(documented_answer, account=replace(ACCOUNT, shows_id=False)))

    assert "5411716254" not in page
    assert 'bitopro_margin_account_info{account="main",account_id="",unit="USDT"} 1.0' in page


@st.composite
def states(draw: st.DrawFn) -> AccountState:
    state = AccountState(Account("any", "https://x", 15.0, 45.0, shows_id=draw(st.booleans())))
    for _ in range(draw(st.integers(0, 2))):
        state = state.after_failure(NetworkError("no"), at(draw(st.floats(0, 100))))
    if draw(st.booleans()):
        state = state.after_success(draw(snapshots()), at(draw(st.floats(0, 100))), None)
    return state


def several(drawn: list[AccountState]) -> list[AccountState]:
    return [
        replace(state, account=replace(state.account, name=f"account-{number}"))
        for number, state in enumerate(drawn)
    ]


@settings(deadline=None)
@given(drawn=st.lists(states(), max_size=3), now=st.floats(0, 200))
def test_any_states_give_a_page_of_unique_complete_series(
    drawn: list[AccountState], now: float
) -> None:
    accounts = several(drawn)

    page = page_of(*accounts, now=now)

    counts = Counter(line.rpartition(" ")[0] for line in page.splitlines() if line[0] != "#")
    expected = {
        sample.name + str(sorted(sample.labels.items()))
        for family in FAMILIES
        for sample in as_metric(
            family,
            [s for s in accounts if now < family.expires_at(s)],
        ).samples
    }
    shown = {
        sample.name + str(sorted(sample.labels.items()))
        for metric in parse_text(page)
        for sample in metric.samples
    }
    assert set(counts.values()) <= {1}
    assert shown == expected


@settings(deadline=None)
@given(drawn=st.lists(states(), max_size=3))
def test_joined_fragments_are_what_prometheus_client_writes(drawn: list[AccountState]) -> None:
    accounts = [
        replace(s, account=replace(s.account, stale_after_seconds=1e9)) for s in several(drawn)
    ]

    class Collected:
        def collect(self) -> list[object]:
            return [
                *(as_metric(family, accounts) for family in FAMILIES),
                *(as_metric(family, [known_market()]) for family in MARKET_FAMILIES),
            ]

    assert page_of(*accounts, market=known_market()).encode() == generate_latest(Collected())  # type: ignore[arg-type]  # a collector by its method


@settings(deadline=None)
@given(snapshot=snapshots(), now=st.floats(45.0, 1e6))
def test_stale_account_never_shows_a_balance(snapshot: Snapshot, now: float) -> None:
    state = AccountState(ACCOUNT).after_success(snapshot, at(0.0), None)

    assert not [name for name in names(page_of(state, now=now)) if name.endswith("_amount")]


PRICE = 'bitopro_margin_mark_price{currency="BTC",unit="USDT"}'
RATE = 'bitopro_margin_borrow_annual_interest_ratio{currency="BTC"}'
LIQUIDATIONS = 'bitopro_margin_liquidations_total{account="main"}'
RATIO = 'bitopro_margin_ad_ratio{account="main"}'


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (44.9, {RATIO, PRICE, LIQUIDATIONS, RATE}),
        (45.0, {PRICE, LIQUIDATIONS, RATE}),
        (54.9, {PRICE, LIQUIDATIONS, RATE}),
        (55.0, {LIQUIDATIONS, RATE}),
        (199.9, {LIQUIDATIONS, RATE}),
        (200.0, {RATE}),
        (909.9, {RATE}),
        (910.0, set()),
    ],
)
def test_balances_prices_liquidations_and_terms_grow_stale_each_on_their_own(
    documented_answer: bytes, now: float, shown: set[str]
) -> None:
    state = asked(polled(documented_answer, 0.0), 20.0)

    page = samples(page_of(state, now=now, market=known_market(10.0)))

    assert page.keys() & {RATIO, PRICE, LIQUIDATIONS, RATE} == shown


@pytest.mark.parametrize("now", [909.9, 1809.9])
def test_terms_last_as_long_as_the_configuration_wants_if_that_is_longer(now: float) -> None:
    page = samples(page_of(now=now, market=known_market(10.0, 1800.0)))

    assert RATE in page


def test_how_optional_requests_do_is_shown_when_all_values_are_stale() -> None:
    state = asked(AccountState(ACCOUNT)).after_no_answer("mark-price", NetworkError("no"))

    page = samples(page_of(state, now=1e6))

    up = {name: value for name, value in page.items() if "endpoint_up" in name}
    assert up == {
        'bitopro_margin_endpoint_up{account="main",endpoint="mark-price"}': 0.0,
        'bitopro_margin_endpoint_up{account="main",endpoint="provisioning/borrow"}': 1.0,
        'bitopro_margin_endpoint_up{account="main",endpoint="user-liquidations"}': 1.0,
    }


def test_every_reason_is_there_once_the_endpoint_was_asked() -> None:
    state = AccountState(ACCOUNT).after_no_answer("mark-price", NetworkError("no"))

    page = samples(page_of(state))

    assert {name: value for name, value in page.items() if "endpoint_failures" in name} == {
        "bitopro_margin_endpoint_failures_total"
        f'{{account="main",endpoint="mark-price",reason="{reason}"}}': float(reason == "network")
        for reason in REASONS
    }


def test_endpoint_that_was_never_asked_has_no_series() -> None:
    assert "endpoint_" not in "".join(samples(page_of(AccountState(ACCOUNT))))


def test_account_without_liquidations_shows_their_number_alone() -> None:
    none = parse_liquidations(b'{"liquidations": [], "liquidationsAmount": 0}')
    state = AccountState(ACCOUNT).after_answer("user-liquidations", none, at(0.0))

    page = samples(page_of(state))

    assert {
        name: value for name, value in page.items() if "liquidation" in name.partition("{")[0]
    } == {
        LIQUIDATIONS: 0.0,
        'bitopro_margin_liquidations_unfinished{account="main"}': 0.0,
    }


def test_currency_that_lost_its_price_leaves_the_page() -> None:
    exposition = Exposition(lambda: 0.0)
    exposition.put_market(known_market())
    assert PRICE.encode() in exposition.page(Format.TEXT)

    none = parse_mark_prices(b'{"tokenPrices": {"BTC": {"currency": "BTC", "price": "0"}}}')
    exposition.put_market(known_market().after(none, 0.0))

    assert b"bitopro_margin_mark_price{" not in exposition.page(Format.TEXT)


@settings(deadline=None)
@given(earlier=states(), later=states())
def test_page_after_several_states_is_that_of_the_last_one(
    earlier: AccountState, later: AccountState
) -> None:
    # One account in four states, of which each shares something with the one before.
    account = earlier.account
    last = replace(later, account=account)

    page = page_of(earlier, asked(earlier), replace(asked(last), received=earlier.received), last)

    assert page == page_of(last)
