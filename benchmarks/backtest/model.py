"""The generated rules about ratio and distance, for one account over days, in well under a second.

What an alert waits and keeps firing, and how urgent it is, comes from its record; its condition is
written here a second time, with arrays. `agreement` holds the model equal to Prometheus itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.backtest.accounts import Account, Value
from benchmarks.backtest.candles import Flags, Floats, Period
from deploy.alerts import ratio
from deploy.alerts.record import Alert
from exporter.risk import ASSUMED_THRESHOLDS as LEVELS

# As shipped: the interval of scrapes and rules, and of polls, in danger and otherwise.
INTERVAL_SECONDS = 5.0
_POLL_SECONDS = 15.0
_DANGER_POLL_SECONDS = 3.0
# As in exporter/state.py: who is polled more often.
_NEAR_WARNING = 1.25

_MINUTE = 60.0
_HOUR = 3600.0
_UNITS = {"s": 1.0, "m": _MINUTE, "h": _HOUR}

ALERTS: Sequence[Alert] = (
    ratio.LIQUIDATION,
    ratio.CRITICAL,
    ratio.IMMINENT,
    ratio.DISTANCE_CRITICAL,
    ratio.WARNING,
    ratio.DISTANCE_WARNING,
    ratio.FALLING_FAST,
    ratio.PREDICTED_TO_CROSS,
    ratio.STRESS_CROSSES,
)


@dataclass(frozen=True, slots=True)
class _Condition:
    """When an alert begins to wait or fire, and when one that fires goes on for another reason."""

    begins: Flags
    goes_on: Flags | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """From when (unix seconds) an alert fires, to the evaluation at which it no longer does."""

    alert: Alert
    start: float
    end: float


def evaluations(period: Period) -> Floats:
    """Return the times at which rules are evaluated; the first minute is for the start."""
    return period.every(INTERVAL_SECONDS)[int(_MINUTE / INTERVAL_SECONDS) :]


def seen(account: Account, period: Period) -> Mapping[str, Floats]:
    """Return the prices that rules see, which are those of the poll before the scrape before.

    A scrape is a whole interval old here, which is the worst that phases do: on average a person
    knows some seconds sooner.
    """
    scrapes = evaluations(period) - INTERVAL_SECONDS
    usual, hurried = (
        period.start + np.floor((scrapes - period.start) / seconds) * seconds
        for seconds in (_POLL_SECONDS, _DANGER_POLL_SECONDS)
    )
    currencies = [each for each in account.amounts if each in period.prices]
    known = account.value({each: period.prices[each].at(usual) for each in currencies})
    is_near = known.ratio < _NEAR_WARNING * LEVELS.warning
    is_in_danger = is_near | (known.distance(LEVELS.liquidation) <= LEVELS.distance_warning)
    polls = np.where(is_in_danger, hurried, usual)
    return {each: period.prices[each].at(polls) for each in currencies}


def firings(account: Account, prices: Mapping[str, Floats], times: Floats) -> Sequence[Firing]:
    """Return all firings of ALERTS, for prices at the times of evaluations."""
    conditions = _conditions(account.value(prices), times)
    return [
        Firing(alert, start, end)
        for alert in ALERTS
        for start, end in _firing(conditions[alert.name], times, alert)
    ]


def _conditions(value: Value, times: Floats) -> Mapping[str, _Condition]:
    now, distance = value.ratio, value.distance(LEVELS.liquidation)
    known_seconds = times - times[0]
    is_below_warning = now < LEVELS.warning
    is_worth_telling = now < 2 * LEVELS.warning
    falls_within_a_quarter = _predicted(now, 5 * _MINUTE, _HOUR / 4) < LEVELS.liquidation
    falls_within_hours = (_predicted(now, _HOUR, 4 * _HOUR) < LEVELS.liquidation) & (
        _predicted(now, _HOUR / 4, 4 * _HOUR) < LEVELS.liquidation
    )
    has_fallen = (now < 0.95 * _highest(now, 5 * _MINUTE)) | (
        now < 0.9 * _highest(now, 15 * _MINUTE)
    )
    return {
        ratio.LIQUIDATION.name: _Condition(
            now < LEVELS.liquidation, (now < 1.05 * LEVELS.liquidation) & is_below_warning
        ),
        ratio.CRITICAL.name: _Condition(
            now < LEVELS.critical, (now < 1.05 * LEVELS.critical) & is_below_warning
        ),
        ratio.IMMINENT.name: _Condition(
            falls_within_a_quarter
            & (now < 4 / 3 * LEVELS.liquidation)
            & (known_seconds >= 4 * _MINUTE)
        ),
        ratio.DISTANCE_CRITICAL.name: _Condition(
            distance <= LEVELS.distance_critical,
            (distance <= 1.3 * LEVELS.distance_critical) & is_below_warning,
        ),
        ratio.WARNING.name: _Condition(is_below_warning, now < 1.05 * LEVELS.warning),
        ratio.DISTANCE_WARNING.name: _Condition(
            distance <= LEVELS.distance_warning, distance <= 1.3 * LEVELS.distance_warning
        ),
        ratio.FALLING_FAST.name: _Condition(
            has_fallen & is_worth_telling, now < 0.97 * _highest(now, 15 * _MINUTE)
        ),
        ratio.PREDICTED_TO_CROSS.name: _Condition(
            falls_within_hours
            & (now >= LEVELS.liquidation)
            & is_worth_telling
            & (known_seconds >= _HOUR / 2)
        ),
        ratio.STRESS_CROSSES.name: _Condition(
            value.is_crossed_after(-0.2, LEVELS.liquidation)
            | value.is_crossed_after(0.2, LEVELS.liquidation)
        ),
    }


def _predicted(values: Floats, window: float, horizon: float) -> Floats:
    """Return what `predict_linear` does: a line through a window, its ends included, prolonged."""
    times: Floats = INTERVAL_SECONDS * np.arange(len(values), dtype=np.float64)
    last = np.arange(len(values))
    first = np.maximum(0, last - int(window / INTERVAL_SECONDS))
    count = last - first + 1

    def mean(of: Floats) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(of)])
        return np.asarray((sums[last + 1] - sums[first]) / count)

    level = float(values.mean())
    above = np.asarray(values - level, dtype=np.float64)
    x, y = mean(times), mean(above)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (mean(times * above) - x * y) / (mean(times * times) - x * x)
    predicted = level + y + slope * (times - x + horizon)
    return np.where(count > 1, predicted, np.nan)


def _highest(values: Floats, window: float) -> Floats:
    count = int(window / INTERVAL_SECONDS)
    padded = np.concatenate([np.full(count, -np.inf), values])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, count + 1).max(axis=1))


def _firing(condition: _Condition, times: Floats, alert: Alert) -> Sequence[tuple[float, float]]:
    """Return from when to when an alert fires."""
    waits, keeps = _seconds(alert.waits), _seconds(alert.keeps_firing)
    goes_on = condition.begins if condition.goes_on is None else condition.goes_on
    breaks = np.flatnonzero(~(condition.begins | goes_on))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], condition.begins.astype(np.int8), [0]])))
    found: list[tuple[float, float]] = []
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        start = float(times[first])
        is_going_on = bool(found) and start <= found[-1][1]
        if not is_going_on and float(times[after - 1]) - start < waits:
            continue
        later = np.searchsorted(breaks, after - 1)
        is_over = later < len(breaks)
        end = float(times[breaks[later]]) + keeps if is_over else float("inf")
        if is_going_on:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start + waits, end))
    return found


def _seconds(duration: str) -> float:
    return float(duration[:-1]) * _UNITS[duration[-1]] if duration else 0.0
