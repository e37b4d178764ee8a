"""Files of candles: what a market did, second by second as far as they tell."""

import csv
import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COLUMNS = ("ts", "open", "high", "low", "close")
_NAME = re.compile(r"(?P<event>.+)-(?P<currency>[A-Za-z0-9]+)-\d+m\.csv\.gz")
_DAY_SECONDS = 86_400
_WEEK_SECONDS = 7 * _DAY_SECONDS
# The first Monday after the beginning of unix time.
_MONDAY = 4 * _DAY_SECONDS
# Below that a file is one event, from there on it is a row of weeks.
_WEEKS_SECONDS = 2 * _WEEK_SECONDS


class CandlesError(Exception):
    """A file or folder that cannot be used; says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of one currency over time, on straight lines between the four of each candle.

    A rising candle is taken to have gone open, low, high, close, a falling one open, high, low,
    close. Times are unix seconds.
    """

    times: Floats
    values: Floats

    @property
    def start(self) -> float:
        """When the first candle begins."""
        return float(self.times[0])

    @property
    def end(self) -> float:
        """When the last candle ends."""
        return float(self.times[-1])

    def at(self, times: Floats) -> Floats:
        """Return the prices at some times."""
        return np.interp(times, self.times, self.values)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, and the prices of some currencies in it."""

    name: str
    start: float
    end: float
    prices: Mapping[str, Prices]

    def every(self, seconds: float) -> Floats:
        """Return times of this distance from its start to before its end."""
        return np.arange(self.start, self.end, seconds)


def events(folder: Path) -> Sequence[Period]:
    """Return the short stretches, each with all its currencies, by name."""
    return [each for each in _read(folder) if not _is_of_weeks(each)]


def weeks(folder: Path) -> Sequence[Period]:
    """Return the whole weeks, Monday to Monday in UTC, of the long stretches."""
    return [week for each in _read(folder) if _is_of_weeks(each) for week in _weeks_of(each)]


def _is_of_weeks(period: Period) -> bool:
    return period.end - period.start >= _WEEKS_SECONDS


def _weeks_of(period: Period) -> Iterator[Period]:
    number = -(-(period.start - _MONDAY) // _WEEK_SECONDS)
    while (start := _MONDAY + number * _WEEK_SECONDS) + _WEEK_SECONDS <= period.end:
        day = np.datetime64(int(start), "s").astype("datetime64[D]")
        yield Period(f"week of {day}", start, start + _WEEK_SECONDS, period.prices)
        number += 1


def _read(folder: Path) -> Sequence[Period]:
    files = sorted(folder.glob("*.csv.gz"))
    if not files:
        raise CandlesError(
            f"{folder}: no candles (*.csv.gz) are there, see benchmarks/backtest/README.md"
        )
    by_event: dict[str, dict[str, Prices]] = {}
    for path in files:
        if not (match := _NAME.fullmatch(path.name)):
            raise CandlesError(f"{path.name}: name it EVENT-CURRENCY-MINUTESm.csv.gz")
        by_event.setdefault(match["event"], {})[match["currency"].upper()] = read(path)
    return [_period(name, prices) for name, prices in by_event.items()]


def _period(name: str, prices: Mapping[str, Prices]) -> Period:
    start = max(each.start for each in prices.values())
    end = min(each.end for each in prices.values())
    if start >= end:
        raise CandlesError(f"{name}: its currencies have no time in common")
    return Period(name, start, end, prices)


def read(path: Path) -> Prices:
    """Return the prices of one file; CandlesError for what is no file of candles."""
    try:
        with gzip.open(path, "rt", encoding="ascii", newline="") as file:
            rows = csv.DictReader(file)
            found = [tuple(float(row[column]) for column in COLUMNS) for row in rows]
    except (OSError, EOFError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        text = f"{path.name}: not gzip of lines {','.join(COLUMNS)}, all numbers ({error})"
        raise CandlesError(text) from error
    table = np.array(found, dtype=np.float64)
    if len(table) < 2 or not np.isfinite(table).all() or (table[:, 1:] <= 0).any():  # noqa: PLR2004
        raise CandlesError(f"{path.name}: two candles at least, all prices above zero")
    return _on_lines(path, table)


def _on_lines(path: Path, table: Floats) -> Prices:
    times, opened, high, low, closed = table.T
    steps = np.diff(times)
    step = float(steps.min())
    if step <= 0:
        raise CandlesError(f"{path.name}: times must rise from line to line")
    is_rising = closed >= opened
    corners = np.stack(
        [opened, np.where(is_rising, low, high), np.where(is_rising, high, low), closed], axis=1
    )
    # The close is just before the next open, so that each time has one price.
    moments = times[:, None] + np.array([0.0, step / 3, 2 * step / 3, step - 1e-3])
    return Prices(moments.ravel(), corners.ravel())
