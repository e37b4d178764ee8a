"""Accounts that live through a market: fixed amounts, and the risk that follows from prices."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.backtest.candles import Flags, Floats

UNIT = "USDT"
_AMOUNT = re.compile(r"(?P<currency>[A-Za-z0-9]+)=(?P<amount>-?\d+(\.\d+)?)")


class AccountError(Exception):
    """Amounts that are no account; says what to write."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is held (above zero) and owed (below zero) of each currency. It does not change."""

    name: str
    amounts: Mapping[str, float]

    def value(self, prices: Mapping[str, Floats]) -> "Value":
        """Return its value over time; KeyError for a currency without a price."""
        count = len(next(iter(prices.values())))
        own = {UNIT: np.ones(count), **prices}
        parts = {currency: amount * own[currency] for currency, amount in self.amounts.items()}
        return Value({each: part for each, part in parts.items() if each != UNIT}, parts)


def long(currency: str, ratio: float, price: float) -> Account:
    """Return an account that holds one coin and owes units, at this ratio and price."""
    return Account(f"long {currency} at {ratio:.2f}", {currency: 1.0, UNIT: -price / ratio})


def short(currency: str, ratio: float, price: float) -> Account:
    """Return an account that owes one coin and holds units, at this ratio and price."""
    return Account(f"short {currency} at {ratio:.2f}", {currency: -1.0, UNIT: ratio * price})


def parsed(text: str) -> Account:
    """Return one's own account from amounts like BTC=2,USDT=-85000."""
    amounts: dict[str, float] = {}
    for part in text.split(","):
        if not (match := _AMOUNT.fullmatch(part.strip())):
            raise AccountError(f"{part!r} is no amount: write BTC=2,USDT=-85000, debts below zero")
        amounts[match["currency"].upper()] = float(match["amount"])
    if not any(amount < 0 for amount in amounts.values()):
        raise AccountError("nothing is owed: write debts below zero, like USDT=-85000")
    return Account("your account", amounts)


@dataclass(frozen=True, slots=True)
class Value:
    """Values over time in units, by currency: of what moves, and of all."""

    moving: Mapping[str, Floats]
    parts: Mapping[str, Floats]

    @property
    def asset(self) -> Floats:
        """The value of all that is held."""
        return _held(list(self.parts.values()))

    @property
    def debt(self) -> Floats:
        """The value of all that is owed."""
        return _owed(list(self.parts.values()))

    @property
    def ratio(self) -> Floats:
        """The account-to-debt ratio."""
        return self.asset / self.debt

    def distance(self, level: float) -> Floats:
        """Return the smallest move, of one currency or all together, that reaches a ratio.

        0 where it is crossed, infinite where no price above zero does it: docs/risk.md.
        """
        asset, debt = self.asset, self.debt
        each = list(self.moving.values())
        smallest = np.full(len(asset), np.inf)
        for group in [*([part] for part in each), each]:
            exposure = _held(group) - level * _owed(group)
            with np.errstate(divide="ignore", invalid="ignore"):
                move = (level * debt - asset) / exposure
            smallest = np.minimum(smallest, np.where(move > -1, np.abs(move), np.inf))
        return np.where(asset < level * debt, 0.0, smallest)

    def is_crossed_after(self, shock: float, level: float) -> Flags:
        """Return when a move of all that moves would bring it below a ratio."""
        each = list(self.moving.values())
        asset, debt = self.asset + shock * _held(each), self.debt + shock * _owed(each)
        return np.asarray((debt > 0) & (asset < level * debt))


def _held(parts: Sequence[Floats]) -> Floats:
    return np.asarray(np.sum([np.maximum(part, 0.0) for part in parts], axis=0))


def _owed(parts: Sequence[Floats]) -> Floats:
    return np.asarray(np.sum([np.maximum(-part, 0.0) for part in parts], axis=0))
