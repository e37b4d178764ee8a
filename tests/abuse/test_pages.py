"""Pages while snapshots swap: each shows one generation of an account, whole."""

import asyncio
import gzip
import math
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from exporter.bitopro.balances import Balance, Balances, Snapshot
from exporter.bitopro.liquidations import Liquidation, Liquidations
from exporter.clock import Clock
from exporter.errors import REASONS
from exporter.metrics.account import FAMILIES
from exporter.metrics.families import PREFIX
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.risk import CurrencyRisk, Risk, Thresholds
from exporter.state import (
    Account,
    AccountState,
    Assessment,
    EndpointState,
    LiquidationCounts,
    Received,
    Store,
)
from exporter.web.application import Application
from exporter.web.status_page import StatusPage
from tests.abuse.clients import Page, fetch
from tests.abuse.serving import serving

pytestmark = pytest.mark.anyio

ACCOUNTS = ("one", "two", "three")
CURRENCIES = tuple(f"C{number}" for number in range(80))

# The values of these are 0 or 1, or count what is not there.
WITHOUT_GENERATION = {
    "up",
    "inconsistent",
    "undocumented_values_total",
    "ad_ratio_threshold_assumed",
    "endpoint_up",
    "price_missing",
    "stable_currency",
    "ad_ratio_label_safe",
}
# The value of these is 1; what they say is in a label.
IN_LABEL = {"ad_ratio_label", "account_info"}

_SAMPLE = re.compile(rf'^{PREFIX}(\w+)\{{account="(\w+)"(.*)\}} (\S+)$', re.MULTILINE)


def risk_of(amount: Decimal) -> Risk:
    """Return a risk of which every number is the same, on the page."""
    levels = dict.fromkeys(("warning", "critical", "liquidation"), amount)
    currency = CurrencyRisk(amount, amount, amount, levels, levels)
    return Risk(
        ratio=amount,
        currencies=dict.fromkeys(CURRENCIES, currency),
        missing_prices=(),
        together_asset=amount,
        together_debt=amount,
        liquidation_move=levels,
        liquidation_distance=levels,
        stress={"-0.1": amount},
        rescue_repay=levels,
        rescue_deposit=levels,
        interest_per_day=amount,
        days_to_threshold=dict.fromkeys(levels, amount / 86_400),
        integrity=amount,
    )


def state_of(name: str, generation: int) -> AccountState:
    """Return a state of which everything is of the generation."""
    amount, seconds = Decimal(generation), float(generation)
    balance = Balance(amount, amount, amount, amount, generation, generation, amount)
    snapshot = Snapshot(
        ad_ratio=amount,
        ad_ratio_label=f"G{generation}",
        account_id=f"G{generation}",
        account_status=generation,
        margin_status=generation,
        unit=f"G{generation}",
        total_asset_amount=amount,
        total_debt_amount=amount,
        balances=Balances.of(dict.fromkeys(CURRENCIES, balance)),
        unknown_fields=frozenset(),
    )
    thresholds = Thresholds(
        seconds, seconds, seconds, distance_warning=seconds, distance_critical=seconds
    )
    return AccountState(
        Account(name, "", seconds, seconds, thresholds),
        polls=generation,
        failures=dict.fromkeys(REASONS, generation),
        received=Received(snapshot, seconds, seconds),
        assessment=Assessment(risk_of(amount), math.inf, math.inf),
        last_success_timestamp_seconds=seconds,
        poll_duration_seconds=seconds,
        clock_skew_seconds=seconds,
        endpoints={
            "user-liquidations": EndpointState(
                failures=dict.fromkeys(REASONS, generation), last_success_timestamp_seconds=seconds
            )
        },
        liquidations=LiquidationCounts(
            Liquidations(
                {0: Liquidation(0, 2, "A", amount, "B", amount, generation)},
                dict.fromkeys(range(generation), 1),
                True,  # noqa: FBT003 - the third column of the value
                frozenset(),
            ),
            seconds,
            frozenset(range(generation)),
        ),
    )


def generations(page: Page) -> Mapping[str, set[float]]:
    """Return the generations that appear on the page, by account."""
    found: dict[str, set[float]] = defaultdict(set)
    for name, account, labels, value in _SAMPLE.findall(text_of(page)):
        if name in IN_LABEL:
            found[account].update(float(number) for number in re.findall('="G([0-9]+)"', labels))
        elif name not in WITHOUT_GENERATION:
            found[account].add(float(value))
    return found


def text_of(page: Page) -> str:
    """Return the page as text, decompressed."""
    is_compressed = page.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(page.body) if is_compressed else page.body).decode()


@asynccontextmanager
async def swapping(exposition: Exposition) -> AsyncIterator[None]:
    """Publish a new generation of one account after another, and let scrapes go on between them."""

    async def swap() -> None:
        generation = 1
        while True:
            for name in ACCOUNTS:
                exposition.put(state_of(name, generation))
                # Rendering must leave the loop to the scrapes, or they are cut off.
                await asyncio.sleep(0.001)
            generation += 1

    async with asyncio.TaskGroup() as group:
        swapper = group.create_task(swap())
        yield
        swapper.cancel()


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_page_shows_one_generation_of_an_account_while_snapshots_swap(
    format_: Format, encoding: str
) -> None:
    exposition = Exposition(lambda: 0.0)
    headers = {"Accept": format_.value, "Accept-Encoding": encoding}
    for name in ACCOUNTS:
        exposition.put(state_of(name, 0))

    async with (
        serving(
            Application(Store([]), exposition, "/metrics", StatusPage(Clock(), "/metrics"))
        ) as port,
        swapping(exposition),
        asyncio.timeout(60.0),
    ):
        pages = [
            page
            for _ in range(5)
            for page in await asyncio.gather(
                *(fetch(port, headers=headers, thirsty=True) for _ in range(4))
            )
        ]

    seen = [generations(page) for page in pages]
    assert {page.headers["content-type"] for page in pages} == {format_.value}
    assert {(account, len(found)) for each in seen for account, found in each.items()} == {
        (account, 1) for account in ACCOUNTS
    }
    assert len({max(each["one"]) for each in seen}) >= 5


async def test_every_family_of_an_account_carries_the_generation_or_is_known_not_to() -> None:
    exposition = Exposition(lambda: 0.0)
    exposition.put(state_of("one", 7))

    samples = _SAMPLE.findall(exposition.page(Format.TEXT).decode())

    assert {name for name, *_ in samples} == {each.name.removeprefix(PREFIX) for each in FAMILIES}
    assert {name for name, *_, value in samples if float(value) != 7.0} == (
        WITHOUT_GENERATION | IN_LABEL
    )
