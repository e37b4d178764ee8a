"""Exporters that share accounts, over real sockets: each account is polled by one of them."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.config.settings import Settings, load_settings
from exporter.config.shards import Shard, shard_of
from exporter.simulator import Simulator, SimulatorConfig
from tests.exporting import Target, exporting
from tests.process.running import config_file

pytestmark = pytest.mark.anyio

ACCOUNTS, SHARDS = 24, 3
NAMES = [f"account-{number}" for number in range(1, ACCOUNTS + 1)]


def settings_of(path: Path, number: int) -> Settings:
    """Load a shard's settings, with a budget that does not make the test wait."""
    loaded = load_settings(path, Shard(number, SHARDS))
    return replace(loaded, requests_per_minute=60_000)


async def polled_by(target: Target) -> list[str]:
    """Wait until a shard has polled all its accounts, and give their names."""
    async with asyncio.timeout(20.0):
        while True:
            page = await target.page()
            ups = {key: value for key, value in page.items() if key.startswith("bitopro_margin_up")}
            if 0.0 not in ups.values():
                return [key.split("'")[3] for key in ups]


async def test_every_account_is_polled_by_one_shard_and_by_that_alone(tmp_path: Path) -> None:
    config = SimulatorConfig(port=0, accounts=ACCOUNTS, rate_limit=1_000_000)
    async with Simulator(config) as simulator, AsyncExitStack() as stack:
        path = config_file(tmp_path, simulator.base_url, ACCOUNTS)
        path.write_text(path.read_text().replace("poll_interval: 1s", "poll_interval: 2s"))
        targets = [
            await stack.enter_async_context(exporting(settings_of(path, number)))
            for number in range(SHARDS)
        ]
        polled = [await polled_by(each) for each in targets]
        own = [await each.page() for each in targets]

    assert Counter(name for names in polled for name in names) == Counter(NAMES)
    assert polled == [
        [name for name in NAMES if shard_of(name, SHARDS) == number] for number in range(SHARDS)
    ]
    assert [page["bitopro_margin_exporter_shard_ordinal[]"] for page in own] == [0.0, 1.0, 2.0]
    assert {page["bitopro_margin_exporter_shards[]"] for page in own} == {3.0}


async def test_shard_without_accounts_serves_its_page(tmp_path: Path) -> None:
    async with Simulator(SimulatorConfig(port=0, accounts=1)) as simulator:
        path = config_file(tmp_path, simulator.base_url, 1)
        empty = load_settings(path, Shard((shard_of("account-1", 2) + 1) % 2, 2))
        async with exporting(empty) as target:
            page = await target.page()

    assert [key for key in page if key.startswith("bitopro_margin_up")] == []
    assert page["bitopro_margin_exporter_shards[]"] == 2.0
