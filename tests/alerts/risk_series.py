"""What the exporter exports of risk over time, computed by it from what other series say."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from exporter.errors import PollError
from exporter.metrics.risk import RISK_FAMILIES
from exporter.risk import Thresholds
from exporter.state import AccountState
from tests.positions import Position, answer
from tests.states import ACCOUNT, at

# As in scenarios, which imports this.
History = Callable[[int], float | str]
_STALE, _ABSENT = "stale", "_"

_CURRENCIES = ("BTC", "ETH", "USDT")
_ASSETS = 'bitopro_margin_total_asset_amount{unit="USDT"}'
_DEBT = 'bitopro_margin_total_debt_amount{unit="USDT"}'
_THRESHOLDS = [
    f'bitopro_margin_ad_ratio_threshold{{level="{each}"}}'
    for each in ("warning", "critical", "liquidation")
]
_AMOUNTS = [
    f'bitopro_margin_{name}{{currency="{currency}"}}'
    for currency in _CURRENCIES
    for name in ("total_amount", "borrow_amount", "borrow_interest_amount")
]
_PRICES = {
    each: f'bitopro_margin_mark_price{{currency="{each}",unit="USDT"}}' for each in ("BTC", "ETH")
}
_RATES = {
    each: f'bitopro_margin_borrow_annual_interest_ratio{{currency="{each}"}}'
    for each in _CURRENCIES
}
_INPUTS = [
    _ASSETS,
    _DEBT,
    *_THRESHOLDS,
    *_AMOUNTS,
    *_PRICES.values(),
    *_RATES.values(),
]

# What is of the account's configuration is there whatever is known.
_CONFIGURED = {"bitopro_margin_distance_threshold_ratio", "bitopro_margin_stable_currency"}
_OF_POLLS = [family for family in RISK_FAMILIES if family.name not in _CONFIGURED]
NAMES = frozenset(family.name for family in _OF_POLLS)

# Each series costs promtool time: rules read none of these.
_UNREAD_FAMILIES = {"bitopro_margin_time_to_threshold_seconds"}
_UNREAD_LABELS = {"-0.5", "-0.3", "-0.1", "0.1", "0.3", "critical"}


def risk_histories(histories: Mapping[str, History]) -> dict[str, History]:
    """Return the series of risk that follow from the amounts, prices and thresholds of a page."""
    inputs = {name: histories[name] for name in _INPUTS}

    def risk_at(at_: int) -> Mapping[str, float] | str:
        return _risk(tuple(history(at_) for history in inputs.values()))

    def history_of(series: str) -> History:
        def history(at_: int) -> float | str:
            risk = risk_at(at_)
            return risk if isinstance(risk, str) else risk.get(series, _STALE)

        return history

    return {series: history_of(series) for series in _all_series()}


@lru_cache(maxsize=10_000)
def _risk(values: tuple[float | str, ...]) -> Mapping[str, float] | str:
    """Return the samples by series; or what stands for their end: a marker, or nothing at all."""
    given = dict(zip(_INPUTS, values, strict=True))
    if _ABSENT in {given[_ASSETS], given[_DEBT]}:
        return _ABSENT
    try:
        return _samples(_state(given))
    except (PollError, ValueError):
        # What is no number is never exported.
        return _STALE


def _state(given: Mapping[str, float | str]) -> AccountState:
    warning, critical, liquidation = (float(_number(given[each])) for each in _THRESHOLDS)
    thresholds = Thresholds(warning, critical, liquidation)
    position = Position(
        answer((_number(given[_ASSETS]), _number(given[_DEBT])), _balances(given)),
        prices={each: text for each, name in _PRICES.items() if (text := _positive(given[name]))},
        percentages={
            each: f"{100 * float(text):.12f}"
            for each, name in _RATES.items()
            if (text := _positive(given[name]))
        },
        thresholds=thresholds,
    )
    account = replace(ACCOUNT, thresholds=thresholds)
    polled = AccountState(account).after_success(position.snapshot, at(0.0), None)
    return polled.assessed(position.market, 0.0)


def _balances(given: Mapping[str, float | str]) -> Mapping[str, tuple[str, str, str]]:
    numbers = [_number(given[name]) for name in _AMOUNTS]
    triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return dict(zip(_CURRENCIES, triples, strict=True))


def _number(value: float | str) -> str:
    """Return a number as the exchange writes it; ValueError for none."""
    number = float(value)
    if not 0 <= number < float("inf"):
        raise ValueError(value)
    return f"{number:.12f}"


def _positive(value: float | str) -> str:
    """Return a number as above, "" for what is none or not above zero."""
    try:
        text = _number(value)
    except ValueError:
        return ""
    return text if float(text) > 0 else ""


def _samples(state: AccountState) -> Mapping[str, float]:
    return {
        _series(family.name, family.labels[1:], labels): float(value)
        for family in _OF_POLLS
        if family.name not in _UNREAD_FAMILIES
        for labels, value in family.read(state)
        if not _UNREAD_LABELS & set(labels)
    }


def _series(name: str, labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = ",".join(f'{k}="{v}"' for k, v in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}}" if pairs else name


@lru_cache
def _all_series() -> frozenset[str]:
    """Return every series that there may be: those of accounts long, short and in danger."""
    own = {"BTC": ("10", "9", "1"), "ETH": ("10", "9", "1"), "USDT": ("10", "9", "1")}
    prices, rates = {"BTC": "2", "ETH": "2"}, dict.fromkeys(_CURRENCIES, "1")
    found: set[str] = set()
    for totals, balances in (
        (("50", "10"), own),
        (("50", "10"), {**own, "BTC": ("10", "0", "0"), "ETH": ("0", "10", "0")}),
        (("50", "10"), {**own, "BTC": ("0", "10", "0"), "ETH": ("10", "0", "0")}),
        (("11", "10"), own),
    ):
        position = Position(answer(totals, balances), prices, rates)
        polled = AccountState(ACCOUNT).after_success(position.snapshot, at(0.0), None)
        found |= _samples(polled.assessed(position.market, 0.0)).keys()
    return frozenset(found)
