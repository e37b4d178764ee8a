"""What follows from a snapshot, on the page of the running exporter, position by position."""

from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from exporter.bitopro.market import parse_borrow_terms
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.errors import NetworkError, WrongAccountError
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.metrics.risk import RISK_FAMILIES
from exporter.risk import Risk
from exporter.state import Account, AccountState, MarketState
from tests.exporting import exporting
from tests.positions import DRAWN, POSITIONS, Position
from tests.states import ACCOUNT, at

ALL = {**POSITIONS, **DRAWN}
DAY_SECONDS = 86_400


def expected_of(position: Position) -> Iterator[tuple[str, dict[str, str], Decimal | int | None]]:
    """Yield name, labels and value of each series that a position may have."""
    risk, snapshot = position.risk(), position.snapshot
    unit = snapshot.unit
    yield "ad_ratio_exact", {}, risk.ratio
    yield "interest_per_day_amount", {"unit": unit}, risk.interest_per_day
    yield "totals_difference_ratio", {}, risk.integrity
    for currency in ("TWD", "USDC", "USDT"):
        yield "stable_currency", {"currency": currency}, 1
    for level, ratio in position.thresholds.distance_by_level().items():
        yield "distance_threshold_ratio", {"level": level}, Decimal(str(ratio))
    for currency, each in risk.currencies.items():
        of_currency = {"currency": currency, "unit": unit}
        yield "asset_value", of_currency, each.asset or None
        yield "debt_value", of_currency, each.debt or None
        for level, move in each.liquidation_move.items():
            yield "liquidation_move_ratio", {"currency": currency, "level": level}, move
        for level, price in each.liquidation_price.items():
            yield "liquidation_price", {**of_currency, "level": level}, price
        if any(amount for amount in snapshot.balances[currency] if isinstance(amount, Decimal)):
            is_missing = int(currency in risk.missing_prices)
            yield "price_missing", {"currency": currency}, is_missing
    yield from of_levels(risk, unit)
    for shock, after in risk.stress.items():
        yield "stress_ad_ratio", {"shock": shock}, after


def of_levels(risk: Risk, unit: str) -> Iterator[tuple[str, dict[str, str], Decimal | None]]:
    for level in ("warning", "critical", "liquidation"):
        by_level = {"level": level}
        yield "liquidation_move_together_ratio", by_level, risk.liquidation_move[level]
        yield "liquidation_distance_ratio", by_level, risk.liquidation_distance[level]
        rescue = {"unit": unit, **by_level}
        yield "rescue_amount", {**rescue, "way": "repay"}, risk.rescue_repay[level]
        yield "rescue_amount", {**rescue, "way": "deposit"}, risk.rescue_deposit[level]
        days = risk.days_to_threshold[level]
        yield "time_to_threshold_seconds", by_level, None if days is None else days * DAY_SECONDS


class Exchange(BaseHTTPRequestHandler):
    """An exchange per position, under its name: every position is in a market of its own."""

    def do_GET(self) -> None:
        _, name, endpoint = self.path.split("/", 2)
        bodies = {
            "margin/balances": ALL[name].body,
            "margin/mark-price": ALL[name].prices_body,
            "margin/provisioning/borrow": ALL[name].terms_body,
        }
        body = bodies.get(endpoint, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def exchange() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def settings_of(name: str, exchange: str) -> Settings:
    account = Account(
        name="main",
        base_url=f"{exchange}/{name}",
        poll_interval_seconds=60.0,
        stale_after_seconds=180.0,
        thresholds=ALL[name].thresholds,
    )
    key = CredentialSource(
        api_key=Secret("key", value="key"),
        api_secret=Secret("secret", value="secret"),
        email=Secret("email", value="me@example.com"),
    )
    return Settings(accounts=(AccountSettings(account, key),), warnings=())


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_page_has_what_follows_from_a_position_and_nothing_else(
    exchange: str, name: str
) -> None:
    async with exporting(settings_of(name, exchange)) as target:
        await target.until(1.0, "bitopro_margin_endpoint_up", endpoint="provisioning/borrow")
        page = await target.page()

    names = {family.name for family in RISK_FAMILIES}
    expected = {
        f"bitopro_margin_{metric}{sorted({'account': 'main', **labels}.items())}": float(value)
        for metric, labels, value in expected_of(ALL[name])
        if value is not None
    }
    shown = {series: each for series, each in page.items() if series.partition("[")[0] in names}
    assert shown == pytest.approx(expected, rel=1e-9, abs=1e-15)


def shown_at(now: float, state: AccountState) -> set[str]:
    exposition = Exposition(lambda: now)
    exposition.put(state)
    page = exposition.page(Format.TEXT).decode().splitlines()
    names = {family.name for family in RISK_FAMILIES}
    return {line.partition("{")[0].removeprefix("bitopro_margin_") for line in page} & {
        name.removeprefix("bitopro_margin_") for name in names
    }


CONFIGURED = {"distance_threshold_ratio", "stable_currency"}
WITHOUT_PRICES = {"ad_ratio_exact", "rescue_amount", "price_missing"} | CONFIGURED
OF_INTEREST = {"interest_per_day_amount", "time_to_threshold_seconds"}


def test_each_disappears_with_the_oldest_of_what_it_was_computed_from() -> None:
    position = POSITIONS["long"]
    state = AccountState(ACCOUNT).after_success(position.snapshot, at(0.0), None)
    # Prices of a minute ago last for another 20 s, and the snapshot for 45.
    prices = MarketState(80.0).after(position.mark_prices, -60.0)
    state = state.assessed(prices, 0.0)

    everything = {family.name.removeprefix("bitopro_margin_") for family in RISK_FAMILIES}
    assert shown_at(19.9, state) == everything - OF_INTEREST
    assert shown_at(20.0, state) == WITHOUT_PRICES
    assert shown_at(45.0, state) == CONFIGURED


def test_interest_disappears_with_the_terms() -> None:
    position = POSITIONS["long"]
    market = MarketState(3600.0).after(position.mark_prices, 0.0)
    market = market.after(parse_borrow_terms(position.terms_body), -3590.0)
    state = AccountState(ACCOUNT).after_success(position.snapshot, at(0.0), None)
    state = state.assessed(market, 0.0)

    assert shown_at(9.9, state) - shown_at(10.0, state) == OF_INTEREST


def test_prices_that_are_stale_are_none() -> None:
    position = POSITIONS["long"]
    market = MarketState(60.0).after(position.mark_prices, -60.0)
    state = AccountState(ACCOUNT).after_success(position.snapshot, at(0.0), None)

    # What is held and owed of the unit itself has its value still.
    of_unit = {"asset_value", "debt_value"}
    assert shown_at(0.0, state.assessed(market, 0.0)) == WITHOUT_PRICES | of_unit


def test_assessment_goes_with_the_snapshot_it_was_made_of() -> None:
    position = POSITIONS["long"]
    state = AccountState(ACCOUNT).after_success(position.snapshot, at(0.0), None)
    state = state.assessed(position.market, 0.0)

    assert state.assessment is not None
    assert state.after_success(position.snapshot, at(1.0), None).assessment is None
    assert state.after_failure(WrongAccountError("no"), at(1.0)).assessment is None
    assert state.after_failure(NetworkError("no"), at(1.0)).assessment is state.assessment
