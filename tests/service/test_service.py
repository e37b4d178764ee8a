"""The whole exporter over real sockets: simulator, poller, store, page."""

import asyncio
from dataclasses import replace

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.exporting import account, exporting

pytestmark = pytest.mark.anyio

DOCUMENTED_ACCOUNT = {
    ("bitopro_margin_ad_ratio", ()): 5.76,
    ("bitopro_margin_ad_ratio_label", (("label", "SAFETY_THRESHOLD"),)): 1.0,
    ("bitopro_margin_account_info", (("account_id", "5411716254"), ("unit", "USDT"))): 1.0,
    ("bitopro_margin_account_status", ()): 1.0,
    ("bitopro_margin_margin_status", ()): 1.0,
    ("bitopro_margin_total_asset_amount", (("unit", "USDT"),)): 748279.60832069,
    ("bitopro_margin_total_debt_amount", (("unit", "USDT"),)): 129823.00462234,
}
DOCUMENTED_BALANCES = {
    "BTC": (9.9999, 0.0, 2.00008624, 0.00236786, 1.0, 1.0, 9.9999),
    "ETH": (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0),
    "USDT": (100041.5001, 0.0, 15.00078403, 0.0, 1.0, 1.0, 100041.5001),
}
BALANCE_FAMILIES = (
    "bitopro_margin_available_amount",
    "bitopro_margin_traded_amount",
    "bitopro_margin_borrow_amount",
    "bitopro_margin_borrow_interest_amount",
    "bitopro_margin_borrow_status",
    "bitopro_margin_transfer_status",
    "bitopro_margin_total_amount",
)


async def test_every_field_of_the_documented_example_is_served_exactly() -> None:
    async with (
        Simulator(SimulatorConfig(port=0, scenario="documented")) as simulator,
        exporting(account(simulator)) as target,
    ):
        await target.until(1.0, "bitopro_margin_up")
        page = await target.page()

    account_fields = {
        key: page.get(f"{key[0]}{sorted([('account', 'main'), *key[1]])}")
        for key in DOCUMENTED_ACCOUNT
    }
    balances = {
        currency: tuple(
            page.get(f"{name}{[('account', 'main'), ('currency', currency)]}")
            for name in BALANCE_FAMILIES
        )
        for currency in DOCUMENTED_BALANCES
    }
    assert account_fields == DOCUMENTED_ACCOUNT
    assert balances == DOCUMENTED_BALANCES


@pytest.mark.parametrize("scenario", ["calm", "flash-crash", "interest-drift", "no-debt"])
async def test_every_scenario_agrees_with_itself(scenario: str) -> None:
    async with (
        Simulator(SimulatorConfig(port=0, scenario=scenario)) as simulator,
        exporting(account(simulator)) as target,
    ):
        await target.until(1.0, "bitopro_margin_up")

        assert await target.value("bitopro_margin_inconsistent", check="ad_ratio") == 0.0
        assert await target.value("bitopro_margin_inconsistent", check="debt") == 0.0
        assert await target.value("bitopro_margin_inconsistent", check="total_amount") == 0.0


@pytest.mark.parametrize(
    ("key", "secret"), [("demo-key", "wrong"), ("wrong", "demo-secret")], ids=["secret", "key"]
)
async def test_wrong_credentials_are_an_auth_failure_without_values(key: str, secret: str) -> None:
    async with (
        Simulator(SimulatorConfig(port=0)) as simulator,
        exporting(account(simulator, key, secret)) as target,
    ):
        await target.until(1.0, "bitopro_margin_poll_failures_total", reason="auth")

        assert await target.value("bitopro_margin_up") == 0.0
        assert await target.value("bitopro_margin_ad_ratio") is None


async def test_garbage_turns_up_to_zero_until_the_next_good_poll() -> None:
    async with (
        Simulator(SimulatorConfig(port=0, scenario="documented")) as simulator,
        exporting(account(simulator)) as target,
    ):
        await target.until(1.0, "bitopro_margin_up")

        simulator.fault = "error-under-200"
        await target.until(0.0, "bitopro_margin_up")
        assert await target.value("bitopro_margin_poll_failures_total", reason="schema") == 1.0
        assert await target.value("bitopro_margin_ad_ratio") == 5.76

        simulator.fault = None
        await target.until(1.0, "bitopro_margin_up")


async def test_stopped_exchange_is_a_network_failure_until_it_is_back() -> None:
    config = SimulatorConfig(port=0, scenario="documented")
    async with Simulator(config) as simulator:
        settings = account(simulator)
        async with exporting(settings) as target:
            await target.until(1.0, "bitopro_margin_up")

            await simulator.__aexit__(None, None, None)
            await target.until(0.0, "bitopro_margin_up")
            failures = await target.value("bitopro_margin_poll_failures_total", reason="network")
            assert failures is not None
            assert failures >= 1.0

            async with Simulator(replace(config, port=simulator.port)):
                await target.until(1.0, "bitopro_margin_up")


async def test_scrapes_cause_no_polls() -> None:
    async with Simulator(SimulatorConfig(port=0)) as simulator:
        settings = account(simulator)
        slow = replace(settings.accounts[0].account, poll_interval_seconds=600.0)
        once = replace(settings, accounts=(replace(settings.accounts[0], account=slow),))
        async with exporting(once) as target:
            await target.until(1.0, "bitopro_margin_endpoint_up", endpoint="provisioning/borrow")

            await asyncio.gather(*(target.page() for _ in range(50)))

            assert sorted(path for _, path in simulator.paths) == [
                "/v3/margin/balances",
                "/v3/margin/mark-price",
                "/v3/margin/provisioning/borrow",
                "/v3/margin/user-liquidations",
            ]
