"""Looking once at simulated accounts, at a time that is given."""

import asyncio
import re
from dataclasses import replace

import pytest

from exporter.cli.account_reports import AccountReport, poll_until
from exporter.cli.flags import OutputFormat
from exporter.cli.once import failures, printed
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import Account
from tests.clocks import ManualClock
from tests.conftest import FIXTURES

pytestmark = pytest.mark.anyio

# 2026-11-20 12:00:00 UTC, when all is calm.
START = 1_795_176_000.0


def settings(*base_urls: str) -> Settings:
    """Return an account of the simulator per URL."""
    return Settings(
        accounts=tuple(
            AccountSettings(
                Account(
                    name=["main", "second"][number],
                    base_url=base_url,
                    poll_interval_seconds=15.0,
                    stale_after_seconds=45.0,
                ),
                CredentialSource(
                    api_key=Secret("key", value=f"demo-key-{number + 1}"),
                    api_secret=Secret("secret", value="demo-secret"),
                    email=Secret("email", value="demo@example.com"),
                ),
            )
            for number, base_url in enumerate(base_urls)
        ),
        warnings=(),
    )


def simulator(time: ManualClock, scenario: str) -> Simulator:
    return Simulator(
        SimulatorConfig(port=0, scenario=scenario, accounts=2),
        wall=time.clock.wall,
        monotonic=time.clock.monotonic,
    )


async def results(time: ManualClock, *base_urls: str) -> tuple[AccountReport, ...]:
    found = await poll_until(asyncio.Event(), settings(*base_urls), time.clock)
    assert found is not None
    return found


async def test_samples_of_the_documentation_are_what_is_printed() -> None:
    time = ManualClock(wall_seconds=START)
    async with simulator(time, "flash-crash") as exchange:
        time.advance(420)
        found = await results(time, exchange.base_url)

    pages = ("docs/once.md", "README.md", "README.zh-TW.md")
    samples = [
        (FIXTURES.parents[1] / page).read_text().partition("```text\n")[2].partition("```")[0]
        for page in pages
    ]
    assert samples == [printed(found, OutputFormat.TABLE, is_coloured=False)] * len(pages)


async def test_two_exchanges_have_prices_of_their_own() -> None:
    time = ManualClock(wall_seconds=START)
    async with simulator(time, "documented") as one, simulator(time, "calm") as other:
        time.advance(60)
        found = await results(time, one.base_url, other.base_url)

    first, second = (each.market.prices for each in found)
    assert first is not None
    assert second is not None
    assert str(first.prices["BTC"]) == "64824.45906666"
    assert first.prices["BTC"] != second.prices["BTC"]
    # On the page prices are of no account.
    assert "mark_price{" not in printed(found, OutputFormat.PROM, is_coloured=False)
    assert "borrow_annual_interest_ratio{" not in printed(
        found, OutputFormat.PROM, is_coloured=False
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            OutputFormat.TABLE,
            "main: NOT KNOWN.*\n  no answer     auth: 401: .*second: safe: not below 1.5",
        ),
        (OutputFormat.JSON, '"account": "main".*"reason": "auth".*"total_asset_amount": "[0-9]'),
        (OutputFormat.PROM, 'up{account="main"} 0.0\n.*up{account="second"} 1.0\n'),
    ],
)
async def test_failing_account_is_in_every_form(form: OutputFormat, expected: str) -> None:
    time = ManualClock(wall_seconds=START)
    async with simulator(time, "calm") as exchange:
        refused, good = settings(exchange.base_url, exchange.base_url).accounts
        wrong = replace(refused.credentials, api_key=Secret("key", value="unheard-of"))
        accounts = (replace(refused, credentials=wrong), good)
        found = await poll_until(asyncio.Event(), Settings(accounts, ()), time.clock)

    assert found is not None
    assert re.search(expected, printed(found, form, is_coloured=False), re.DOTALL)
    assert len(failures(found)) == 1


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            OutputFormat.TABLE,
            "all together +not known\n.*"
            "  missing       the price of BTC, ETH: liquidation may be nearer than it looks\n"
            "  missing       mark-price: auth: 403: the key may not read, or not from this address",
        ),
        (
            OutputFormat.JSON,
            r'"mark-price",\s+"reason": "auth".*"liquidation_distance": {\s+"warning": null',
        ),
        (OutputFormat.PROM, 'endpoint_up{account="main",endpoint="mark-price"} 0.0\n'),
    ],
)
async def test_optional_endpoint_that_fails_is_missing_and_no_failure(
    form: OutputFormat, expected: str
) -> None:
    time = ManualClock(wall_seconds=START)
    async with simulator(time, "calm") as exchange:
        exchange.fault_endpoint, exchange.fault = "mark-price", "status-403"
        found = await results(time, exchange.base_url)

    text = printed(found, form, is_coloured=False)
    assert re.search(expected, text, re.DOTALL)
    assert "mark_price{" not in text
    assert failures(found) == []


@pytest.mark.parametrize("form", OutputFormat)
async def test_no_form_shows_a_secret(form: OutputFormat) -> None:
    time = ManualClock(wall_seconds=START)
    async with simulator(time, "calm") as exchange:
        found = await results(time, exchange.base_url)

    text = printed(found, form, is_coloured=False)
    assert "USDT" in text
    assert "demo" not in text


async def test_stopped_before_the_end_gives_nothing() -> None:
    time = ManualClock(wall_seconds=START)
    stopped = asyncio.Event()
    stopped.set()
    async with simulator(time, "calm") as exchange:
        assert await poll_until(stopped, settings(exchange.base_url), time.clock) is None


async def test_outputs_differ_only_in_form() -> None:
    time = ManualClock(wall_seconds=START)
    async with simulator(time, "documented") as exchange:
        found = await results(time, exchange.base_url)

    texts = {form: printed(found, form, is_coloured=False) for form in OutputFormat}
    assert failures(found) == []
    assert [name for name, text in texts.items() if "SAFETY_THRESHOLD" not in text] == []
    assert "748,279.61" in texts[OutputFormat.TABLE]
    assert '"748279.60832069"' in texts[OutputFormat.JSON]
    assert (
        'total_asset_amount{account="main",unit="USDT"} 748279.60832069\n'
        in texts[OutputFormat.PROM]
    )
