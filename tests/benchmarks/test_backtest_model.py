"""The model by which market days are replayed fires as the generated rules do in Prometheus."""

from pathlib import Path

import numpy as np

from benchmarks.backtest import agreement
from benchmarks.backtest.accounts import UNIT, Account, long
from benchmarks.backtest.candles import Floats
from benchmarks.backtest.model import ALERTS, INTERVAL_SECONDS, firings

_MINUTES = 50
# By minute: flat, a slow fall, a sudden one, back, down to liquidation, and up.
_BTC = {
    0: 101.0,
    4: 101.0,
    5: 99.5,
    6: 102.0,
    12: 99.0,
    41: 87.0,
    42: 80.0,
    43: 88.0,
    46: 76.0,
    50: 97.0,
}
_ETH = {0: 10.0, 20: 10.2, 45: 9.0, 50: 9.2}
_ACCOUNTS = [
    long("BTC", 1.50, 100.0),
    Account("short of one, long of another", {"ETH": 10.0, "BTC": -0.5, UNIT: -15.0}),
]


def test_model_agrees_with_prometheus_on_falls_and_bounces(promtool: str, tmp_path: Path) -> None:
    prices = {"BTC": _prices(_BTC), "ETH": _prices(_ETH)}

    alike, differing = agreement.differences(promtool, tmp_path, _ACCOUNTS, prices)

    assert differing == []
    assert alike > 2 * len(_ACCOUNTS)


def test_each_alert_of_the_model_fires_in_that_comparison() -> None:
    prices = {"BTC": _prices(_BTC), "ETH": _prices(_ETH)}

    fired = {
        each.alert.name for account in _ACCOUNTS for each in firings(account, prices, _times())
    }

    assert fired == {alert.name for alert in ALERTS}


def _times() -> Floats:
    return np.asarray(INTERVAL_SECONDS * np.arange(_MINUTES * 60 / INTERVAL_SECONDS + 1))


def _prices(by_minute: dict[int, float]) -> Floats:
    minutes = [60.0 * minute for minute in by_minute]
    return np.interp(_times(), minutes, list(by_minute.values()))
