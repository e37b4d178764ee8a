"""The recording rules in a real Prometheus and exporter/risk/: the same numbers, or none."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.risk import Risk
from exporter.state import Account, AccountState, PollTimes
from tests import prometheus as server
from tests.positions import DRAWN, POSITIONS

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules"

ALL = {**POSITIONS, **DRAWN}

Recorded = dict[tuple[str, ...], float]
Read = Callable[[Risk], Mapping[tuple[str, ...], Decimal | int | None]]


def one(read: Callable[[Risk], Decimal | None]) -> Read:
    return lambda risk: {(): read(risk)}


def labelled(read: Callable[[Risk], Mapping[str, Decimal | None]]) -> Read:
    return lambda risk: {(name,): number for name, number in read(risk).items()}


def by_currency(read: Callable[[Risk, str], Decimal | int | None]) -> Read:
    return lambda risk: {(name,): read(risk, name) for name in risk.currencies}


def by_currency_and_level(read: Callable[[Risk, str], Mapping[str, Decimal | None]]) -> Read:
    return lambda risk: {
        (name, level): number
        for name in risk.currencies
        for level, number in read(risk, name).items()
    }


# Recording rule -> its labels beside the account, and where Python has the same.
QUANTITIES: Mapping[str, tuple[tuple[str, ...], Read]] = {
    "account:bitopro_margin_ad_ratio:exact": ((), one(lambda risk: risk.ratio)),
    "account_currency:bitopro_margin_asset:unit": (
        ("currency",),
        by_currency(lambda risk, name: risk.currencies[name].asset),
    ),
    "account_currency:bitopro_margin_debt:unit": (
        ("currency",),
        by_currency(lambda risk, name: risk.currencies[name].debt),
    ),
    "account_currency:bitopro_margin_price_missing:bool": (
        ("currency",),
        by_currency(lambda risk, name: 1 if name in risk.missing_prices else None),
    ),
    "account_currency:bitopro_margin_liquidation_move:ratio": (
        ("currency", "level"),
        by_currency_and_level(lambda risk, name: risk.currencies[name].liquidation_move),
    ),
    "account_currency:bitopro_margin_liquidation_price:unit": (
        ("currency", "level"),
        by_currency_and_level(lambda risk, name: risk.currencies[name].liquidation_price),
    ),
    "account:bitopro_margin_liquidation_move:ratio": (
        ("level",),
        labelled(lambda risk: risk.liquidation_move),
    ),
    "account:bitopro_margin_liquidation_distance:ratio": (
        ("level",),
        labelled(lambda risk: risk.liquidation_distance),
    ),
    "account:bitopro_margin_ad_ratio:stress": (("shock",), labelled(lambda risk: risk.stress)),
    "account:bitopro_margin_rescue_repay:unit": (
        ("level",),
        labelled(lambda risk: risk.rescue_repay),
    ),
    "account:bitopro_margin_rescue_deposit:unit": (
        ("level",),
        labelled(lambda risk: risk.rescue_deposit),
    ),
    "account:bitopro_margin_interest_per_day:unit": ((), one(lambda risk: risk.interest_per_day)),
    "account:bitopro_margin_days_to_threshold:days": (
        ("level",),
        labelled(lambda risk: risk.days_to_threshold),
    ),
    "account:bitopro_margin_integrity:ratio": ((), one(lambda risk: risk.integrity)),
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


class Pages(BaseHTTPRequestHandler):
    """A page per position, under its name: every position is in a market of its own."""

    def do_GET(self) -> None:
        body = page(self.path.removeprefix("/"))
        self.send_response(200)
        self.send_header("Content-Type", Format.TEXT.value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


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
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        thread = Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            config.write_text(configuration(f"127.0.0.1:{pages.server_address[1]}"))
            return asyncio.run(recorded_by(prometheus, config))
        finally:
            pages.shutdown()
            thread.join()


@pytest.mark.parametrize("rule", QUANTITIES)
def test_prometheus_and_python_agree(recorded: Mapping[str, Recorded], rule: str) -> None:
    _, read = QUANTITIES[rule]

    expected = {
        (name, *labels): float(number)
        for name, position in ALL.items()
        for labels, number in read(position.risk()).items()
        if number is not None
    }

    assert recorded[rule] == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_every_quantity_is_recorded_for_some_position(recorded: Mapping[str, Recorded]) -> None:
    assert [rule for rule, series in recorded.items() if not series] == []
