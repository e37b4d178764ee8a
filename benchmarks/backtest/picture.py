"""One crash as a picture: an account's ratio, and when its owner was told."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.backtest import lives
from benchmarks.backtest.accounts import long
from benchmarks.backtest.candles import CandlesError, Floats, Period
from exporter.risk import ASSUMED_THRESHOLDS as LEVELS

# The fastest of the falls that are known by the minute.
_EVENT, _CURRENCY, _START = "2021-05-19", "ETH", 1.8
_BEFORE_SECONDS, _AFTER_SECONDS = 3 * 3600.0, 1800.0

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 800, 380, 48, 40
_TOP_RATIO, _BOTTOM_RATIO = 1.8, 1.0
_COLORS = {"warning": "#b58900", "critical": "#d2691e", "liquidation": "#c62828"}


def draw(events: Sequence[Period], path: Path) -> None:
    """Write an SVG of the hours around the liquidation of an account."""
    period = next((each for each in events if each.name == _EVENT), None)
    if period is None or _CURRENCY not in period.prices:
        raise CandlesError(f"the picture is of {_EVENT}: add its candles of {_CURRENCY}")
    price = period.prices[_CURRENCY]
    account = long(_CURRENCY, _START, float(price.at(np.array([period.start]))[0]))
    life = lives.lived(account, period)
    if life.liquidated_at is None:
        raise CandlesError(f"{_EVENT}: these candles liquidate no account that begins at {_START}")
    times = np.arange(
        life.liquidated_at - _BEFORE_SECONDS, life.liquidated_at + _AFTER_SECONDS, 30.0
    )
    ratios = account.value({_CURRENCY: price.at(times)}).ratio
    body = "\n".join([*_frame(), _line(times, ratios), *_marks(life, times[0])])
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="sans-serif" font-size="13">\n'
        f"<title>{_CURRENCY} on {_EVENT}: an account that began at {_START}</title>\n"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n',
        encoding="utf-8",
    )


def _x(seconds: float) -> float:
    """Return where a time stands, counted from the left edge."""
    whole = _BEFORE_SECONDS + _AFTER_SECONDS
    return round(_LEFT + (_WIDTH - _LEFT - 8) * seconds / whole, 1)


def _y(ratio: float) -> float:
    share = (_TOP_RATIO - ratio) / (_TOP_RATIO - _BOTTOM_RATIO)
    return round(8 + (_HEIGHT - 8 - _BOTTOM) * min(max(share, 0.0), 1.0), 1)


def _frame() -> Iterator[str]:
    for ratio in (1.0, 1.2, 1.4, 1.6, 1.8):
        yield _text(8, _y(ratio) + 4, f"{ratio:.1f}", "#555555")
    for minutes in (-180, -120, -60, 0):
        at = _x(_BEFORE_SECONDS + 60.0 * minutes)
        yield _text(at, _HEIGHT - 20, f"{minutes} min" if minutes else "0", "#555555", "middle")
    for level, ratio in LEVELS.by_level().items():
        color, at = _COLORS[level], _y(ratio)
        yield f'<path d="M{_LEFT} {at}H{_WIDTH - 8}" stroke="{color}" stroke-dasharray="5 4"/>'
        yield _text(_LEFT + 4, at - 5, f"{level} {ratio}", color)


def _line(times: Floats, ratios: Floats) -> str:
    points = " ".join(
        f"{_x(float(at - times[0]))},{_y(float(ratio))}"
        for at, ratio in zip(times, ratios, strict=True)
    )
    return f'<polyline points="{points}" fill="none" stroke="#1f4e79" stroke-width="2"/>'


def _marks(life: lives.Life, start: float) -> Iterator[str]:
    liquidated_at = life.liquidated_at or start
    for line, (label, severities) in enumerate(
        (("first ticket", ("warning",)), ("first page", ("critical",))), start=1
    ):
        if told := life.told(*severities):
            minutes = round((liquidated_at - told[0]) / 60.0)
            yield _mark(told[0] - start, f"{label}, {minutes} min before", line)
    yield _mark(liquidated_at - start, "liquidation", 3)


def _mark(seconds: float, label: str, line: int) -> str:
    at, height = _x(max(seconds, 0.0)), 20 * line
    return f'<path d="M{at} 8V{_HEIGHT - _BOTTOM}" stroke="#222222"/>\n' + _text(
        at + 5, height, label, "#222222"
    )


def _text(x: float, y: float, text: str, color: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" fill="{color}" text-anchor="{anchor}">{text}</text>'
