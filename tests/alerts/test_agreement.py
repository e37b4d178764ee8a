"""The recording rules in a real Prometheus and exporter/risk/: the same numbers, or none."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.risk import Risk
from exporter.state import Account, AccountState, PollTimes
from tests import prometheus as server
from tests.local_server import answering
from tests.positions import DRAWN, POSITIONS

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules"

ALL = {**POSITIONS, **DRAWN}

Recorded = dict[tuple[str, ...], float]
Numbers = Mapping[tuple[str, ...], Decimal | int | None]


def of_account(attribute: str) -> Callable[[Risk], Numbers]:
    return lambda risk: {(name,): number for name, number in getattr(risk, attribute).items()}


def of_currency(attribute: str) -> Callable[[Risk], Numbers]:
    return lambda risk: {
        (name,): getattr(each, attribute) for name, each in risk.currencies.items()
    }


def of_currency_and_level(attribute: str) -> Callable[[Risk], Numbers]:
    return lambda risk: {
        (name, level): number
        for name, each in risk.currencies.items()
        for level, number in getattr(each, attribute).items()
    }


# Recording rule -> its labels beside the account, and where Python has the same.
QUANTITIES: Mapping[str, tuple[tuple[str, ...], Callable[[Risk], Numbers]]] = {
    "account:bitopro_margin_ad_ratio:exact": ((), lambda risk: {(): risk.ratio}),
    "account:bitopro_margin_ad_ratio:stress": (("shock",), of_account("stress")),
    "account:bitopro_margin_interest_per_day:unit": ((), lambda risk: {(): risk.interest_per_day}),
    "account:bitopro_margin_integrity:ratio": ((), lambda risk: {(): risk.integrity}),
    "account_currency:bitopro_margin_asset:unit": (("currency",), of_currency("asset")),
    "account_currency:bitopro_margin_debt:unit": (("currency",), of_currency("debt")),
    "account_currency:bitopro_margin_price_missing:bool": (
        ("currency",),
        lambda risk: {(name,): 1 for name in risk.currencies if name in risk.missing_prices},
    ),
    "account_currency:bitopro_margin_liquidation_move:ratio": (
        ("currency", "level"),
        of_currency_and_level("liquidation_move"),
    ),
    "account_currency:bitopro_margin_liquidation_price:unit": (
        ("currency", "level"),
        of_currency_and_level("liquidation_price"),
    ),
    **{
        f"account:bitopro_margin_{name}:{unit}": (("level",), of_account(name))
        for name, unit in (
            ("liquidation_move", "ratio"),
            ("liquidation_distance", "ratio"),
            ("rescue_repay", "unit"),
            ("rescue_deposit", "unit"),
            ("days_to_threshold", "days"),
        )
    },
}


@cache
def page(name: str) -> bytes:
    """Return the exporter's page of one account that is in a position."""
    position = ALL[name]
    account = Account(
        name=name,
        base_url="",
        poll_interval_seconds=15.0,
        stale_after_seconds=3600.0,
        thresholds=position.thresholds,
    )
    times = PollTimes(monotonic_seconds=0.0, timestamp_seconds=0.0, duration_seconds=0.0)
    exposition = Exposition(lambda: 0.0)
    exposition.put(AccountState(account).after_success(position.snapshot, times, None))
    exposition.put_market(position.market)
    return exposition.page(Format.TEXT)


def configuration(address: str) -> str:
    targets = "".join(
        f"      - targets: ['{address}']\n"
        f"        labels: {{__metrics_path__: /{name}, instance: {name}}}\n"
        for name in ALL
    )
    return (
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{RULES}/bitopro-margin*.rules.yml']\n"
        "scrape_configs:\n"
        "  - job_name: bitopro-margin\n"
        "    static_configs:\n"
        f"{targets}"
    )


async def recorded_by(prometheus: str, config: Path) -> Mapping[str, Recorded]:
    """Return all series of each rule, once every position has been recorded for a while."""
    async with server.running(prometheus, config) as running:
        deposits = 'account:bitopro_margin_rescue_deposit:unit{level="liquidation"}'
        is_whole = f"(count({deposits}) == {len(ALL)})"
        was_whole = f"(count({deposits} offset 2s) == {len(ALL)})"
        (found,) = await running.until(f"{is_whole} and {was_whole}")
        at = found["value"][0]
        vectors = await asyncio.gather(*(running.query(f"{rule} @ {at}") for rule in QUANTITIES))
    return {
        rule: {
            tuple(series["metric"][label] for label in ("account", *labels)): float(
                series["value"][1]
            )
            for series in vector
        }
        for (rule, (labels, _)), vector in zip(QUANTITIES.items(), vectors, strict=True)
    }


@pytest.fixture(scope="module")
def recorded(prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Recorded]:
    """What Prometheus makes of all positions in one run."""
    config = tmp_path_factory.mktemp("agreement") / "prometheus.yml"
    # A page per position, under its name: every position is in a market of its own.
    with answering(lambda path, _: page(path.removeprefix("/"))) as url:
        config.write_text(configuration(url.removeprefix("http://").removesuffix("/")))
        return asyncio.run(recorded_by(prometheus, config))


@pytest.mark.parametrize("rule", QUANTITIES)
def test_prometheus_and_python_agree(recorded: Mapping[str, Recorded], rule: str) -> None:
    _, read = QUANTITIES[rule]

    expected = {
        (name, *labels): float(number)
        for name, position in ALL.items()
        for labels, number in read(position.risk()).items()
        if number is not None
    }

    assert expected
    assert recorded[rule] == pytest.approx(expected, rel=1e-9, abs=1e-15)
