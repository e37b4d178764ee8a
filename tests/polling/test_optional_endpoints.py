"""Optional endpoints of the whole exporter over real sockets: what they bring, and never cost."""

import asyncio
import time
from dataclasses import replace

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.exporting import account, exporting

pytestmark = pytest.mark.anyio

DOCUMENTED = SimulatorConfig(port=0, scenario="documented", accounts=1)
PRICES, TERMS, LIQUIDATIONS = "mark-price", "provisioning/borrow", "user-liquidations"
PATH = "/v3/margin/"


async def test_prices_terms_and_liquidations_are_served_beside_the_balances() -> None:
    async with (
        Simulator(DOCUMENTED) as simulator,
        exporting(account(simulator, interval_seconds=60.0)) as target,
    ):
        await target.until(1.0, "bitopro_margin_endpoint_up", endpoint=TERMS)
        page = await target.page()

    def shown(name: str, **labels: str) -> float | None:
        return page.get(f"bitopro_margin_{name}{sorted(labels.items())}")

    assert shown("mark_price", currency="BTC", unit="USDT") == 64824.45906666
    assert shown("mark_price", currency="USDT", unit="USDT") == 1.0
    assert shown("borrow_user_limit_amount", currency="USDT") == 800_000.0
    assert shown("borrow_system_limit_amount", currency="USDT") == 1_100_000.0
    assert shown("borrow_system_borrowed_amount", currency="USDT") == 256240.33640959
    assert shown("borrow_system_available_amount", currency="USDT") == 843759.66359041
    assert shown("liquidations_total", account="main") == 0.0
    assert shown("endpoint_up", account="main", endpoint=PRICES) == 1.0
    assert shown("endpoint_up", account="main", endpoint=LIQUIDATIONS) == 1.0


async def test_liquidation_of_a_crash_is_counted_with_its_amounts() -> None:
    config = SimulatorConfig(port=0, scenario="flash-crash")
    # The crash begins long before the account is first asked.
    start = time.monotonic()
    async with (
        Simulator(config, monotonic=lambda: 0.0 if time.monotonic() - start < 0.2 else 700.0) as it,
        exporting(account(it, interval_seconds=60.0)) as target,
    ):
        await target.until(1.0, "bitopro_margin_endpoint_up", endpoint=LIQUIDATIONS)
        liquidated = await target.value("bitopro_margin_liquidations_total")
        debt = await target.value("bitopro_margin_last_liquidation_debt_amount", currency="USDT")
        asset = await target.value("bitopro_margin_last_liquidation_asset_amount", currency="BTC")

    assert liquidated is not None
    assert liquidated >= 1.0
    assert debt is not None
    assert debt > 1000.0
    assert asset is not None


async def test_key_that_is_refused_is_replaced_by_another_accounts() -> None:
    async with Simulator(DOCUMENTED) as simulator:
        refused = account(simulator, secret="wrong", name="refused", interval_seconds=4.0)
        healthy = account(simulator, key="demo-key-1", interval_seconds=4.0)
        both = replace(healthy, accounts=(*refused.accounts, *healthy.accounts))
        async with exporting(both) as target:
            price = await target.until_series(
                "bitopro_margin_mark_price", currency="BTC", unit="USDT"
            )
            asked = await target.series(
                "bitopro_margin_endpoint_up", account="refused", endpoint=PRICES
            )

    assert (price, asked) == (64824.45906666, None)


async def test_one_account_asks_for_all() -> None:
    async with Simulator(DOCUMENTED) as simulator:
        one = account(simulator, name="one", interval_seconds=600.0)
        other = account(simulator, key="demo-key-1", interval_seconds=600.0)
        # The second account's first poll comes after half an interval.
        both = replace(one, accounts=(*other.accounts, *one.accounts))
        async with exporting(both) as target:
            await target.until(1.0, "bitopro_margin_endpoint_up", endpoint=TERMS)

            assert simulator.requests == 4


async def test_prices_of_two_exchanges_are_never_mixed() -> None:
    async with Simulator(DOCUMENTED) as simulator, Simulator(DOCUMENTED) as elsewhere:
        one = account(simulator, interval_seconds=4.0)
        other = account(elsewhere, name="other", interval_seconds=4.0)
        async with exporting(replace(one, accounts=(*one.accounts, *other.accounts))) as target:
            await target.until(1.0, "bitopro_margin_endpoint_up", endpoint=LIQUIDATIONS)
            await target.until(
                1.0, "bitopro_margin_endpoint_up", account="other", endpoint=LIQUIDATIONS
            )

        paths = {path.removeprefix(PATH) for _, path in (*simulator.paths, *elsewhere.paths)}
        assert paths == {"balances", LIQUIDATIONS}


@pytest.mark.parametrize("fault", ["status-401", "status-403", "status-404"])
async def test_endpoint_that_is_not_for_the_key_costs_nothing_else(fault: str) -> None:
    config = replace(DOCUMENTED, fault=fault, fault_endpoint=LIQUIDATIONS)
    async with (
        Simulator(config) as simulator,
        exporting(account(simulator, interval_seconds=60.0)) as target,
    ):
        await target.until(0.0, "bitopro_margin_endpoint_up", endpoint=LIQUIDATIONS)
        await target.until(1.0, "bitopro_margin_endpoint_up", endpoint=TERMS)

        assert await target.value("bitopro_margin_up") == 1.0
        assert await target.value("bitopro_margin_ad_ratio") == 5.76
        assert await target.value("bitopro_margin_liquidations_total") is None


@pytest.mark.parametrize("fault", ["stall-in-body", "drip-body", "status-503", "garbage"])
async def test_polls_of_balances_keep_their_time_while_an_endpoint_misbehaves(fault: str) -> None:
    config = replace(DOCUMENTED, fault=fault, fault_endpoint=PRICES)
    async with (
        Simulator(config) as simulator,
        exporting(account(simulator, interval_seconds=1.0)) as target,
    ):
        await target.until(1.0, "bitopro_margin_polls_total")
        started = asyncio.get_running_loop().time()

        await target.until(5.0, "bitopro_margin_polls_total")

        # Four intervals; the rest is what a scrape takes to see it.
        assert asyncio.get_running_loop().time() - started == pytest.approx(4.0, abs=0.9)
        assert await target.value("bitopro_margin_up") == 1.0
        assert await target.value("bitopro_margin_endpoint_up", endpoint=PRICES) == 0.0
        assert [path for _, path in simulator.paths].count(f"{PATH}balances") == 5
