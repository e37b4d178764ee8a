"""What accounts lived through, and when their owners were told."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.backtest import model
from benchmarks.backtest.accounts import UNIT, Account, long, short
from benchmarks.backtest.candles import Floats, Period, Prices
from exporter.risk import ASSUMED_THRESHOLDS as LEVELS

# deploy/alertmanager: a warning waits for others of its account, a page does not.
_WAITS_SECONDS: Mapping[str, float] = {"critical": 0.0, "warning": 30.0}
_FINE_SECONDS = 1.0
_AFTERWARDS_SECONDS = 7200.0

# Of accounts whose owners are asked whether they were told in time.
_STARTS = np.arange(1.50, 2.601, 0.02)
WEEKLY_STARTS = (1.6, 2.0, 2.5)
_CALM, _ROUGH = 0.08, 0.15


@dataclass(frozen=True, slots=True)
class Life:
    """An account in a period. Times are unix seconds, None for what did not happen.

    `seen_ratios` are those that rules see, at the `times` of their evaluations.
    """

    period: str
    account: str
    start_ratio: float
    lowest_ratio: float
    liquidated_at: float | None
    times: Floats
    seen_ratios: Floats
    firings: Sequence[model.Firing]

    def told(self, *severities: str) -> tuple[float, str] | None:
        """Return when the first message of some severities was sent, and of which alert."""
        sent = [
            (each.start + _WAITS_SECONDS[each.alert.severity], each.alert.name)
            for each in self.firings
            if each.alert.severity in severities
        ]
        return min(sent, default=None)

    def minutes_left(self, *severities: str) -> float:
        """Return how long before the liquidation that was; minus infinity if never."""
        told = self.told(*severities)
        if self.liquidated_at is None or told is None:
            return -math.inf
        return (self.liquidated_at - told[0]) / 60.0


def lived(account: Account, period: Period) -> Life:
    """Let an account live through a period."""
    times = model.evaluations(period)
    fine = period.every(_FINE_SECONDS)
    known = {each: period.prices[each].at(fine) for each in account.amounts if each != UNIT}
    ratios = account.value(known).ratio
    below = np.flatnonzero(ratios < LEVELS.liquidation)
    seen = model.seen(account, period)
    return Life(
        period.name,
        account.name,
        float(ratios[0]),
        float(ratios.min()),
        float(fine[below[0]]) if len(below) else None,
        times,
        account.value(seen).ratio,
        model.firings(account, seen, times),
    )


def victims(period: Period) -> Iterator[Life]:
    """Return the lives of accounts of one coin, begun at 1.50 and above, that were liquidated."""
    for currency, price in period.prices.items():
        fine = price.at(period.every(_FINE_SECONDS))
        first = float(fine[0])
        for begin, worst in (
            (long, float(fine.min()) / first),
            (short, first / float(fine.max())),
        ):
            for start in _STARTS:
                if start * worst >= LEVELS.liquidation:
                    break
                yield lived(begin(currency, float(start), first), period)


def own(account: Account, period: Period, today: Mapping[str, float]) -> Life | None:
    """Return the life of an account as if its prices began at those of today; None without one."""
    if not set(account.amounts) - {UNIT} <= set(period.prices):
        return None
    scaled = {
        each: _from(period.prices[each], period.start, today[each])
        for each in account.amounts
        if each != UNIT
    }
    return lived(account, replace(period, prices=scaled))


def _from(prices: Prices, start: float, first: float) -> Prices:
    factor = first / float(prices.at(np.array([start]))[0])
    return Prices(prices.times, factor * prices.values)


@dataclass(slots=True)
class Weekly:
    """What weeks of one kind brought to accounts of one starting ratio, until liquidated."""

    weeks: int = 0
    pages: int = 0
    pages_for_nothing: int = 0
    warnings: int = 0
    liquidated: int = 0
    paged_before: int = 0


def count_week(period: Period, counts: dict[tuple[str, float], Weekly]) -> None:
    """Count what accounts that begin on a Monday are told until the next.

    A page is an episode in which anything critical fires. It was for nothing if the ratio stayed
    above critical until two hours after its end.
    """
    for currency, price in period.prices.items():
        fine = price.at(model.evaluations(period))
        kind = _kind(float(fine.max() / fine.min()) - 1.0)
        for begin in (long, short):
            for start in WEEKLY_STARTS:
                account = begin(currency, start, float(fine[0]))
                _count(lived(account, period), counts[kind, start])


def _kind(width: float) -> str:
    if width < _CALM:
        return "calm"
    return "rough" if width > _ROUGH else "ordinary"


def _count(life: Life, week: Weekly) -> None:
    end = life.liquidated_at or math.inf
    told = [each for each in life.firings if each.start <= end]
    episodes = _episodes([each for each in told if each.alert.severity == "critical"])
    week.weeks += 1
    week.pages += len(episodes)
    week.warnings += sum(each.alert.severity == "warning" for each in told)
    for start, over in episodes:
        is_looked_at = (life.times >= start) & (life.times <= over + _AFTERWARDS_SECONDS)
        week.pages_for_nothing += not (life.seen_ratios[is_looked_at] < LEVELS.critical).any()
    if life.liquidated_at is not None:
        week.liquidated += 1
        week.paged_before += bool(episodes) and episodes[0][0] < life.liquidated_at


def _episodes(firings: Sequence[model.Firing]) -> Sequence[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for each in sorted(firings, key=lambda firing: firing.start):
        if found and each.start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], each.end))
        else:
            found.append((each.start, each.end))
    return found
