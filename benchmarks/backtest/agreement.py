"""Does the model fire as the generated rules do? Asked of Prometheus itself, by promtool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.backtest import model
from benchmarks.backtest.accounts import UNIT, Account
from benchmarks.backtest.candles import Floats
from tests.alerts import scenarios

_INTERVAL = int(model.INTERVAL_SECONDS)
_NAMES = {alert.full_name: alert.name for alert in model.ALERTS}
_CURRENCIES = ("BTC", "ETH", UNIT)

Spans = Mapping[tuple[str, str], Sequence[tuple[float, float]]]
"""By account and alert: from when to when it fires, in seconds since the first evaluation."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where model and Prometheus do not fire alike, by more than an interval."""

    account: str
    alert: str
    model: Sequence[tuple[float, float]]
    prometheus: Sequence[tuple[float, float]]


def differences(
    promtool: str, folder: Path, accounts: Sequence[Account], prices: Mapping[str, Floats]
) -> tuple[int, Sequence[Difference]]:
    """Return in how many firings both agree, and where they do not.

    Prices are of the evaluations of whole minutes, and of the one after. BTC and ETH are known.
    They agree if each begins and ends within an interval: groups are evaluated in no fixed order,
    so that one may see what another recorded before.
    """
    count = len(next(iter(prices.values())))
    ours = _of_model(accounts, prices, count)
    theirs = _of_prometheus(promtool, folder, accounts, prices, count)
    differing = [
        Difference(*key, ours.get(key, ()), theirs.get(key, ()))
        for key in sorted({*ours, *theirs})
        if not _is_alike(ours.get(key, ()), theirs.get(key, ()))
    ]
    unlike = {(each.account, each.alert) for each in differing}
    return sum(len(spans) for key, spans in ours.items() if key not in unlike), differing


def _is_alike(ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]) -> bool:
    return len(ours) == len(theirs) and all(
        abs(one - other) <= _INTERVAL
        for pair in zip(ours, theirs, strict=True)
        for one, other in zip(*pair, strict=True)
    )


def _of_model(accounts: Sequence[Account], prices: Mapping[str, Floats], count: int) -> Spans:
    times = model.INTERVAL_SECONDS * np.arange(count, dtype=np.float64)
    end = float(count * _INTERVAL)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for account in accounts:
        for each in model.firings(account, prices, times):
            span = (each.start, min(each.end, end))
            if each.start < end:
                found.setdefault((account.name, each.alert.name), []).append(span)
    return found


def _of_prometheus(
    promtool: str,
    folder: Path,
    accounts: Sequence[Account],
    prices: Mapping[str, Floats],
    count: int,
) -> Spans:
    world = {
        series: history
        for account in accounts
        for series, history in scenarios.account(account.name, _page(account, prices)).items()
    }
    firing = scenarios.firing_at_each(
        promtool, folder, world, minutes=(count - 1) * _INTERVAL // 60, interval=_INTERVAL
    )
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for at, alerts in firing.items():
        for each in alerts:
            if each.name in _NAMES:
                key = (dict(each.labels)["account"], _NAMES[each.name])
                spans = found.setdefault(key, [])
                if spans and spans[-1][1] == at:
                    spans[-1] = (spans[-1][0], float(at + _INTERVAL))
                else:
                    spans.append((float(at), float(at + _INTERVAL)))
    return found


def _page(account: Account, prices: Mapping[str, Floats]) -> scenarios.Changes:
    value = account.value(prices)

    def history(values: Floats) -> scenarios.History:
        return lambda at: float(values[at // _INTERVAL])

    amounts = {each: account.amounts.get(each, 0.0) for each in _CURRENCIES}
    return {
        f'bitopro_margin_total_asset_amount{{unit="{UNIT}"}}': history(value.asset),
        f'bitopro_margin_total_debt_amount{{unit="{UNIT}"}}': history(value.debt),
        **{
            f'bitopro_margin_{name}{{currency="{currency}"}}': amount
            for currency, signed in amounts.items()
            for name, amount in {
                "total_amount": max(0.0, signed),
                "borrow_amount": max(0.0, -signed),  # and never -0.0
                "borrow_interest_amount": 0.0,
            }.items()
        },
        **{
            f'bitopro_margin_mark_price{{currency="{currency}",unit="{UNIT}"}}': history(values)
            for currency, values in prices.items()
        },
    }
