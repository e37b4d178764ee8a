"""Candles, the accounts that live through them, and what is counted of their lives."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks.backtest import candles, lives
from benchmarks.backtest.accounts import UNIT, AccountError, long, parsed, short
from benchmarks.backtest.candles import CandlesError

_HEADER = "ts,open,high,low,close"
_MINUTE, _DAY = 60, 86_400


def write(
    folder: Path, name: str, closes: list[float], step: int = _MINUTE, start: int = 0
) -> None:
    """Write candles that go straight from one close to the next."""
    opens = [closes[0], *closes[:-1]]
    lines = [
        f"{start + number * step},{opened},{max(opened, closed)},{min(opened, closed)},{closed}"
        for number, (opened, closed) in enumerate(zip(opens, closes, strict=True))
    ]
    with gzip.open(folder / name, "wt") as file:
        file.write("\n".join([_HEADER, *lines, ""]))


def test_price_goes_through_the_corners_of_its_candle_in_the_likely_order(tmp_path: Path) -> None:
    path = tmp_path / "a-btc-1m.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(f"{_HEADER}\n0,100,130,90,120\n60,120,125,80,85\n")

    prices = candles.read(path)

    assert list(prices.at(np.array([0.0, 20.0, 40.0, 60.0, 80.0, 100.0]))) == pytest.approx(
        [100, 90, 130, 120, 125, 80]
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ts,open,high,low\n0,1,1,1\n60,1,1,1\n",
        f"{_HEADER}\n0,1,1,1,1\n",
        f"{_HEADER}\n0,1,1,1,1\n60,1,1,0,1\n",
        f"{_HEADER}\n0,1,1,1,nan\n60,1,1,1,1\n",
        f"{_HEADER}\n60,1,1,1,1\n0,1,1,1,1\n",
        f"{_HEADER}\n0,1,1,1,high\n60,1,1,1,1\n",
    ],
)
def test_what_is_no_file_of_candles_is_refused_by_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a-btc-1m.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(text)

    with pytest.raises(CandlesError, match=r"a-btc-1m\.csv\.gz"):
        candles.read(path)


def test_folder_without_candles_and_a_file_of_another_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CandlesError, match="no candles"):
        candles.events(tmp_path)
    write(tmp_path, "prices.csv.gz", [1.0, 1.0])
    with pytest.raises(CandlesError, match="EVENT-CURRENCY-MINUTESm"):
        candles.events(tmp_path)


def test_long_files_are_weeks_from_monday_to_monday_and_short_ones_events(tmp_path: Path) -> None:
    # Unix time began on a Thursday, so that Mondays are days 4, 11 and 18.
    write(tmp_path, "all-btc-1440m.csv.gz", [1.0] * 20, step=_DAY)
    write(tmp_path, "crash-btc-1m.csv.gz", [1.0] * 20)

    assert [each.name for each in candles.events(tmp_path)] == ["crash"]
    assert [each.name for each in candles.weeks(tmp_path)] == [
        "week of 1970-01-05",
        "week of 1970-01-12",
    ]


def test_currencies_of_an_event_share_its_time(tmp_path: Path) -> None:
    write(tmp_path, "crash-btc-1m.csv.gz", [1.0] * 20)
    write(tmp_path, "crash-eth-1m.csv.gz", [1.0] * 20, start=600)

    (event,) = candles.events(tmp_path)

    assert sorted(event.prices) == ["BTC", "ETH"]
    assert (event.start, event.end) == pytest.approx((600, 1200), abs=1)


def test_ratio_and_distance_of_long_and_short() -> None:
    prices = {"BTC": np.array([100.0, 80.0, 70.0])}
    held, owed = long("BTC", 1.5, 100.0).value(prices), short("BTC", 1.5, 100.0).value(prices)

    assert list(held.ratio) == pytest.approx([1.5, 1.2, 1.05])
    assert list(held.distance(1.2)) == pytest.approx([0.2, 0.0, 0.0])
    assert list(owed.ratio) == pytest.approx([1.5, 1.875, 2.142857])
    assert list(owed.distance(1.2)) == pytest.approx([0.25, 0.5625, 0.785714])


@pytest.mark.parametrize("text", ["BTC", "BTC=x", "BTC=2;USDT=-1", "BTC=2", "BTC=2,USDT=1", ""])
def test_amounts_that_are_no_account_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(AccountError, match="USDT=-85000"):
        parsed(text)


def test_own_account_has_debts_below_zero() -> None:
    assert parsed("btc=2, USDT=-85000.5").amounts == {"BTC": 2.0, UNIT: -85_000.5}


def test_fall_in_an_hour_is_told_before_its_liquidation_with_the_minutes_left(
    tmp_path: Path,
) -> None:
    # Ten quiet minutes, then 0.4 % a minute: from 1.6 to 1.2 takes 62 minutes.
    write(tmp_path, "crash-btc-1m.csv.gz", [100.0] * 10 + [100 - 0.4 * n for n in range(90)])
    (event,) = candles.events(tmp_path)

    life = lives.lived(long("BTC", 1.6, 100.0), event)

    assert life.liquidated_at == pytest.approx((10 + 62.5 + 1) * _MINUTE, abs=60)
    page, ticket = life.told("critical"), life.told("warning")
    assert page is not None
    assert page[1] == "DistanceCritical"
    # From 1.3333 on a tenth is left; 25 minutes of the fall are.
    assert life.minutes_left("critical") == pytest.approx(20.8, abs=0.5)
    assert ticket is not None
    assert ticket[0] < page[0]
    assert life.minutes_left("critical", "warning") > life.minutes_left("critical")


def test_who_is_never_told_has_no_minutes_left(tmp_path: Path) -> None:
    write(tmp_path, "gap-btc-1m.csv.gz", [100.0] * 10)
    (event,) = candles.events(tmp_path)

    life = lives.lived(long("BTC", 3.0, 100.0), event)

    assert (life.told("critical"), life.liquidated_at) == (None, None)
    assert life.minutes_left("critical") == float("-inf")


def test_victims_are_those_whose_beginning_ratio_did_not_suffice(tmp_path: Path) -> None:
    # A fall by 22 % liquidates accounts that began below 1.2 / 0.78 = 1.538.
    write(tmp_path, "crash-btc-1m.csv.gz", [100.0] * 10 + [100 - n for n in range(23)])
    (event,) = candles.events(tmp_path)

    assert [each.account for each in lives.victims(event)] == [
        "long BTC at 1.50",
        "long BTC at 1.52",
    ]


def test_own_account_begins_every_event_at_the_price_of_today(tmp_path: Path) -> None:
    write(tmp_path, "crash-btc-1m.csv.gz", [100.0] * 10 + [100 - n for n in range(23)])
    (event,) = candles.events(tmp_path)

    life = lives.own(parsed("BTC=2,USDT=-80000"), event, {"BTC": 64_000.0})

    assert life is not None
    assert (life.start_ratio, life.lowest_ratio) == pytest.approx((1.6, 1.248), abs=0.001)
    assert lives.own(parsed("DOGE=2,USDT=-1"), event, {"DOGE": 1.0}) is None
