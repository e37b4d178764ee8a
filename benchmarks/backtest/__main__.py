"""Replay days that markets really had: `make backtest DATA=folder`."""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.backtest import agreement, candles, lives, picture
from benchmarks.backtest.accounts import UNIT, Account, AccountError, long, parsed, short
from benchmarks.backtest.candles import CandlesError, Period
from benchmarks.backtest.model import INTERVAL_SECONDS
from benchmarks.tables import say, say_table
from exporter.cli.terminal import echo_error
from tests.e2e.alerting import missing_tool

_PAGE, _ANY = ("critical",), ("critical", "warning")
_VERIFIED_MINUTES = 75
_VERIFIED_AFTER_MINUTES = 5


def main() -> int:
    """Print what was asked for; 1 for data that cannot be used, or a model that is not right."""
    parser = argparse.ArgumentParser(
        prog="make backtest", description="Replay the alert rules on days that markets really had."
    )
    parser.add_argument(
        "data", type=Path, help="folder of candles, see benchmarks/backtest/README.md"
    )
    parser.add_argument(
        "--account", metavar="BTC=2,USDT=-85000", help="replay your own account only"
    )
    parser.add_argument(
        "--price", action="append", default=[], metavar="BTC=65000", help="of today"
    )
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="draw one crash as SVG instead"
    )
    parser.add_argument("--verify", metavar="EVENT", help="compare with Prometheus itself instead")
    options = parser.parse_args()
    try:
        if options.verify:
            return _verify(options.data, options.verify)
        if options.picture:
            picture.draw(candles.events(options.data), options.picture)
        elif options.account:
            _say_own(options.data, parsed(options.account), options.price)
        else:
            _say_events(candles.events(options.data))
            _say_weeks(candles.weeks(options.data))
    except (CandlesError, AccountError) as error:
        echo_error(f"error: {error}\n")
        return 1
    return 0


def _say_events(events: Sequence[Period]) -> None:
    say("Accounts of one coin, begun at 1.50 to 2.60, that were liquidated: minutes left then\n")
    everybody: list[lives.Life] = []
    rows: list[Sequence[str]] = []
    for period in events:
        by_kind: dict[str, list[lives.Life]] = defaultdict(list)
        for life in lives.victims(period):
            by_kind[life.account.partition(" at ")[0]].append(life)
            everybody.append(life)
        rows += [(period.name, kind, *_in_short(some)) for kind, some in by_kind.items()]
    say_table(
        ("event", "accounts", "n", "up to", "page: least", "median", "any: least", "median"), rows
    )
    if not everybody:
        say("No account was liquidated.\n")
        return
    say_table(
        ("all", "n", "least", "tenth", "median", "under 2", "under 5", "under 15"),
        [
            ("minutes from first page", *_in_all(everybody, _PAGE)),
            ("minutes from first message", *_in_all(everybody, _ANY)),
        ],
    )


def _in_short(some: Sequence[lives.Life]) -> Sequence[str]:
    return [
        str(len(some)),
        f"{max(each.start_ratio for each in some):.2f}",
        *(
            f"{figure(_minutes(some, severities)):.1f}"
            for severities in (_PAGE, _ANY)
            for figure in (np.min, np.median)
        ),
    ]


def _in_all(some: Sequence[lives.Life], severities: Sequence[str]) -> Sequence[str]:
    minutes = np.sort(_minutes(some, severities))
    return [
        str(len(minutes)),
        *(f"{minutes[int(share * len(minutes))]:.1f}" for share in (0.0, 0.1, 0.5)),
        *(f"{np.mean(minutes < limit):.1%}" for limit in (2, 5, 15)),
    ]


def _minutes(some: Sequence[lives.Life], severities: Sequence[str]) -> candles.Floats:
    return np.array([each.minutes_left(*severities) for each in some])


def _say_weeks(weeks: Sequence[Period]) -> None:
    if not weeks:
        return
    counts: dict[tuple[str, float], lives.Weekly] = defaultdict(lives.Weekly)
    for period in weeks:
        lives.count_week(period, counts)
    say("Accounts of one coin, begun on Mondays: what they were told in a week\n")
    say_table(
        (
            "week",
            "start",
            "weeks",
            "pages",
            "for nothing",
            "warnings",
            "liquidated",
            "paged before",
        ),
        [
            (
                kind,
                f"{start:.1f}",
                str(each.weeks),
                f"{each.pages / each.weeks:.3f}",
                f"{each.pages_for_nothing / each.pages:.0%}" if each.pages else "-",
                f"{each.warnings / each.weeks:.3f}",
                str(each.liquidated),
                str(each.paged_before),
            )
            for kind in ("calm", "ordinary", "rough")
            for start in lives.WEEKLY_STARTS
            if (each := counts.get((kind, start)))
        ],
    )


def _say_own(folder: Path, account: Account, given: Sequence[str]) -> None:
    events = candles.events(folder)
    today = _today(account, events, given)
    rows = [_of(life) for each in events if (life := lives.own(account, each, today))]
    if not rows:
        raise AccountError(f"no event has prices of all of {', '.join(account.amounts)}")
    say("As if prices began at " + ", ".join(f"{k} {v:,.2f}" for k, v in today.items()) + ":\n")
    say_table(("event", "begins at", "lowest", "first message", "first page", "liquidated"), rows)


def _today(account: Account, events: Sequence[Period], given: Sequence[str]) -> Mapping[str, float]:
    """Return the price of each coin: as given, or else the last one that the newest event has."""
    prices = dict(_priced(given))
    for currency in set(account.amounts) - {UNIT, *prices}:
        newest = [each for each in events if currency in each.prices]
        if not newest:
            raise AccountError(f"no prices of {currency} are there: leave it out, or add candles")
        prices[currency] = float(max(newest, key=lambda each: each.end).prices[currency].values[-1])
    return prices


def _priced(given: Sequence[str]) -> Iterator[tuple[str, float]]:
    for each in given:
        currency, _, number = each.partition("=")
        if not number.replace(".", "", 1).isdigit() or float(number) <= 0:
            raise AccountError(f"--price {each!r} is no price: write BTC=65000")
        yield currency.upper(), float(number)


def _of(life: lives.Life) -> Sequence[str]:
    def when(severities: Sequence[str]) -> str:
        if (told := life.told(*severities)) is None:
            return "none"
        left = life.minutes_left(*severities)
        return told[1] + (f", {left:.1f} min before" if life.liquidated_at is not None else "")

    liquidated = "no" if life.liquidated_at is None else "YES"
    ratios = (f"{life.start_ratio:.2f}", f"{life.lowest_ratio:.2f}")
    return (life.period, *ratios, when(_ANY), when(_PAGE), liquidated)


def _verify(folder: Path, name: str) -> int:
    """Compare the model with Prometheus in the hour that leads to the worst price of an event."""
    if package := missing_tool():
        raise CandlesError(f"Prometheus is needed for this: install Debian's package {package}")
    period = next((each for each in candles.events(folder) if each.name == name), None)
    if period is None or not {"BTC", "ETH"} <= set(period.prices):
        raise CandlesError(f"no event {name} with prices of BTC and ETH is in {folder}")
    times = _worst_stretch(period)
    prices = {each: period.prices[each].at(times) for each in ("BTC", "ETH")}
    btc, eth = (float(prices[each][0]) for each in ("BTC", "ETH"))
    accounts = [
        long("BTC", 1.45, btc),
        long("BTC", 1.6, btc),
        long("ETH", 1.6, eth),
        long("ETH", 2.0, eth),
        short("BTC", 1.45, btc),
        Account("mixed", {"BTC": 0.5, "ETH": 0.5 * btc / eth, UNIT: -btc / 1.6}),
        Account("pair", {"BTC": 2.0, "ETH": -btc / eth, UNIT: -0.3 * btc}),
    ]
    with tempfile.TemporaryDirectory() as scratch:
        alike, differing = agreement.differences("promtool", Path(scratch), accounts, prices)
    say(f"{alike} firings of {len(accounts)} accounts in {_VERIFIED_MINUTES} minutes are alike\n")
    for each in differing:
        say(f"DIFFERS {each.account} {each.alert}: {each.model}, Prometheus {each.prometheus}\n")
    return 1 if differing or not alike else 0


def _worst_stretch(period: Period) -> candles.Floats:
    times = period.every(INTERVAL_SECONDS)
    prices = period.prices["BTC"].at(times)
    first = float(prices[0])
    is_fall = first / float(prices.min()) > float(prices.max()) / first
    worst = times[int(prices.argmin() if is_fall else prices.argmax())]
    end = min(worst + 60 * _VERIFIED_AFTER_MINUTES, period.end)
    start = max(end - 60 * _VERIFIED_MINUTES, period.start)
    count = int(_VERIFIED_MINUTES * 60 / INTERVAL_SECONDS) + 1
    return np.asarray(start + INTERVAL_SECONDS * np.arange(count))


if __name__ == "__main__":
    sys.exit(main())
