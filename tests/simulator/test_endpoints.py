import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.simulator.client import NOW_MS, Clock, ask, signed, still

pytestmark = pytest.mark.anyio


async def test_mark_prices_are_in_usdt_with_eight_decimals() -> None:
    config = SimulatorConfig(port=0, scenario="documented")
    async with Simulator(config, wall=still) as simulator:
        reply = await ask(simulator, signed(), "/v3/margin/mark-price")

    assert reply.document == {
        "tokenPrices": {
            "BTC": {"currency": "BTC", "price": "64824.45906666"},
            "ETH": {"currency": "ETH", "price": "3412.27150000"},
            "USDT": {"currency": "USDT", "price": "1.00000000"},
        }
    }


async def test_borrowing_conditions_are_per_currency() -> None:
    config = SimulatorConfig(port=0, scenario="interest-drift", currencies=2)
    async with Simulator(config, wall=still) as simulator:
        reply = await ask(simulator, signed(), "/v3/margin/provisioning/borrow")

    assert isinstance(reply.document, dict)
    assert list(reply.document) == ["BTC", "USDT"]
    assert reply.document["USDT"] == {
        "currency": "USDT",
        "maxSystemAmount": "10000000.00000000",
        "maxUserAmount": "500000.00000000",
        "systemBorrowedAmount": "4000000.00000000",
        "systemAvailableBorrowAmount": "6000000.00000000",
        "borrowStatus": 1,
        "transferStatus": 1,
        "annualInterestPercentage": "8760",
    }


async def test_calm_account_was_never_liquidated() -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        reply = await ask(simulator, signed(), "/v3/margin/user-liquidations")

    assert reply.document == {"liquidations": [], "liquidationsAmount": 0}


async def test_speed_compresses_the_flash_crash() -> None:
    clock = Clock()
    config = SimulatorConfig(port=0, scenario="flash-crash", speed=60)
    async with Simulator(config, wall=still, monotonic=clock) as simulator:
        clock.seconds = 11.0
        reply = await ask(simulator, signed(NOW_MS), "/v3/margin/user-liquidations")

    assert reply.document == {
        "liquidations": [
            {
                "serial": 1,
                "debtCurrency": "USDT",
                "debtAmount": "24,839.85949769",
                "assetCurrency": "BTC",
                "assetAmount": "0.63243219",
                "feeAmount": "248.39859498",
                "adRatio": "1.15",
                "afterAdRatio": "1.39",
                "status": 2,
                "type": 2,
                "finishTimestamp": 1_700_000_011,
            }
        ],
        "liquidationsAmount": 1,
    }
