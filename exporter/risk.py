"""The arithmetic of account-to-debt (AD) ratios: distances to thresholds, stress, and rescue.

A and D are the totals that the exchange reports; a and d are what an account has and owes in one
currency at its mark price. Prices change, so A and D move by a and d: the move m at which the ratio
is L solves (A + m a) / (D + m d) = L. None stands for what is not defined or not known, never for
zero. Functions of `Totals` leave the decimal context to their caller. docs/risk.md has the formulas
with worked examples.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

from exporter.bitopro.balances import Balance, Snapshot
from exporter.bitopro.market import PRICE_UNIT

# What cancels out but for this share of it is a hedge: no price that exists does anything.
_NO_EXPOSURE = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Account-to-debt ratios, and distances to liquidation, at which someone is to be notified.

    The exchange publishes no ratios: the defaults are those of MAX, the other Taiwanese exchange
    with the same ratio, and are called assumed wherever they are shown. `chosen` names the levels
    that the operator has set. A distance is a share of prices: 0.1 is a move by a tenth.
    """

    warning: float = 1.5
    critical: float = 1.3
    liquidation: float = 1.2
    chosen: frozenset[str] = frozenset()
    distance_warning: float = 0.2
    distance_critical: float = 0.1

    def by_level(self) -> Mapping[str, float]:
        """Return the ratio of each level, from the highest down."""
        return {
            "warning": self.warning,
            "critical": self.critical,
            "liquidation": self.liquidation,
        }

    def distance_by_level(self) -> Mapping[str, float]:
        """Return the distance to liquidation of each level that has one, the longer first."""
        return {"warning": self.distance_warning, "critical": self.distance_critical}


ASSUMED_THRESHOLDS = Thresholds()


class Totals(NamedTuple):
    """What is had and what is owed, both in the account's unit."""

    asset: Decimal
    debt: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """Their quotient, None without debt."""
        return self.asset / self.debt if self.debt else None


def is_crossed(total: Totals, level: Decimal) -> bool:
    """Return whether the ratio is below a threshold, which it never is without debt."""
    return total.asset < level * total.debt


def move_to(total: Totals, part: Totals | None, level: Decimal) -> Decimal | None:
    """Return the move of the prices of `part` at which the ratio of `total` is `level`.

    A move of -0.1 is a fall by a tenth. It is 0 where the threshold is crossed, and None without
    debt, where nothing is exposed, and where no price above zero does it.
    """
    if part is None or not any(part) or not total.debt:
        return None
    if is_crossed(total, level):
        return Decimal(0)
    covered = level * part.debt
    exposure = part.asset - covered
    if abs(exposure) <= _NO_EXPOSURE * (part.asset + covered):
        return None
    move = (level * total.debt - total.asset) / exposure
    return move if move > -1 else None


def smallest(moves: Iterable[Decimal | None]) -> Decimal | None:
    """Return the smallest move without its sign, None without any."""
    return min((abs(move) for move in moves if move is not None), default=None)


def ratio_after(total: Totals, part: Totals | None, shock: Decimal) -> Decimal | None:
    """Return the ratio after a move of the prices of `part`, None without debt.

    None also where a side would be negative: then `part` is more than the total that it is part of.
    """
    if part is None or not total.debt:
        return None
    asset, debt = total.asset + shock * part.asset, total.debt + shock * part.debt
    return asset / debt if asset >= 0 and debt > 0 else None


def rescue_repay(total: Totals, level: Decimal) -> Decimal | None:
    """Return what to repay out of the assets to be back at `level`, 0 where nothing is needed.

    It takes as much off either side, which helps only where assets exceed debts.
    """
    if not is_crossed(total, level):
        return Decimal(0)
    if total.asset < total.debt:
        return None
    return (level * total.debt - total.asset) / (level - 1)


def rescue_deposit(total: Totals, level: Decimal) -> Decimal:
    """Return what to add to the assets to be back at `level`, 0 where nothing is needed."""
    return max(level * total.debt - total.asset, Decimal(0))


def days_to(total: Totals, interest_per_day: Decimal | None, level: Decimal) -> Decimal | None:
    """Return the days until interest alone brings the ratio to `level`, 0 where it is below."""
    if is_crossed(total, level):
        return Decimal(0)
    return (total.asset / level - total.debt) / interest_per_day if interest_per_day else None


def difference(recomputed: Totals | None, reported: Totals) -> Decimal | None:
    """Return by what share of the reported ones the sides differ, the larger of the two.

    What is reported as zero differs by no share of it.
    """
    if recomputed is None:
        return None
    return max(
        (
            abs(ours - theirs) / theirs
            for ours, theirs in zip(recomputed, reported, strict=True)
            if theirs
        ),
        default=None,
    )


# Currencies that do not move with the rest, unless the operator says otherwise.
STABLE_CURRENCIES = frozenset({"USDT", "USDC", "TWD"})

SHOCKS = ("-0.5", "-0.3", "-0.2", "-0.1", "0.1", "0.2", "0.3")

# Far beyond the digits of any amount, so that rounding cannot decide about a comparison.
_WIDE = Context(prec=100)
_DAYS_A_YEAR = 365

Numbers = Mapping[str, Decimal | None]
Prices = Mapping[str, Decimal]
_Levels = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class CurrencyRisk:
    """What hangs on one currency. Money is in the account's unit.

    `asset` and `debt` are 0 where nothing is held or owed, whatever the price. `liquidation_move`
    is, by level, the change of its price alone, -0.1 being a fall by a tenth, that brings the
    ratio to the threshold: 0 where it is crossed, None where no price does it.
    """

    price: Decimal | None
    asset: Decimal | None
    debt: Decimal | None
    liquidation_move: Numbers
    liquidation_price: Numbers


@dataclass(frozen=True, slots=True)
class Risk:
    """What follows from one snapshot, by level of the thresholds or by shock. Money in the unit.

    `together_asset`, `together_debt`, `liquidation_move` and `stress` are about all currencies
    but the unit and stable ones, moving together; None if one of them has no price.
    `liquidation_distance` is the smallest move, without its sign, of those of single currencies
    and of all together; None if a price is missing, because that currency may be the nearest.
    Repaying `rescue_repay` out of the assets, or adding `rescue_deposit`, restores the threshold.
    `interest_per_day` is simple, on the principal, and `days_to_threshold` is what it takes at
    these prices. `integrity` is by what share reported totals and recomputed ones differ.
    """

    ratio: Decimal | None
    currencies: Mapping[str, CurrencyRisk]
    missing_prices: tuple[str, ...]
    together_asset: Decimal | None
    together_debt: Decimal | None
    liquidation_move: Numbers
    liquidation_distance: Numbers
    stress: Numbers
    rescue_repay: Numbers
    rescue_deposit: Numbers
    interest_per_day: Decimal | None
    days_to_threshold: Numbers
    integrity: Decimal | None

    def is_near(self, ratio: float, distance: float) -> bool:
        """Return whether the ratio is below one, or liquidation no further than a distance.

        Where a price is missing, the moves that are known count.
        """
        moves = (each.liquidation_move["liquidation"] for each in self.currencies.values())
        nearest = smallest([self.liquidation_move["liquidation"], *moves])
        return (self.ratio is not None and self.ratio < ratio) or (
            nearest is not None and nearest <= distance
        )


def assess(
    snapshot: Snapshot,
    prices: Prices,
    annual_ratios: Mapping[str, Decimal],
    thresholds: Thresholds,
    stable_currencies: Collection[str] = STABLE_CURRENCIES,
) -> Risk:
    """Return the risk of an account at mark `prices` in USDT, with rates of interest a year.

    Either may lack currencies, and a price of 0 is none. Prices say nothing about an account whose
    unit is another. `stable_currencies`, and the unit, do not move with the others.
    """
    with localcontext(_WIDE):
        return _assess(
            snapshot,
            _usable(prices, snapshot.unit),
            annual_ratios,
            {name: Decimal(str(ratio)) for name, ratio in thresholds.by_level().items()},
            {*stable_currencies, snapshot.unit},
        )


def _assess(
    snapshot: Snapshot,
    prices: Prices,
    annual_ratios: Mapping[str, Decimal],
    levels: _Levels,
    stable: Collection[str],
) -> Risk:
    total = Totals(snapshot.total_asset_amount, snapshot.total_debt_amount)
    currencies = {
        name: _currency_risk(
            balance, prices.get(name), total, levels, can_move=name != snapshot.unit
        )
        for name, balance in snapshot.balances.items()
    }
    moving = _sum(currencies, leaving_out=stable)
    together = {name: move_to(total, moving, level) for name, level in levels.items()}
    missing = tuple(
        name for name, each in currencies.items() if each.asset is None or each.debt is None
    )
    interest = _interest_per_day(snapshot, prices, annual_ratios)
    return Risk(
        ratio=total.ratio,
        currencies=currencies,
        missing_prices=missing,
        together_asset=moving.asset if moving else None,
        together_debt=moving.debt if moving else None,
        liquidation_move=together,
        liquidation_distance={
            name: Decimal(0)
            if is_crossed(total, level)
            else None
            if missing
            else smallest(
                [together[name], *(each.liquidation_move[name] for each in currencies.values())]
            )
            for name, level in levels.items()
        },
        stress={shock: ratio_after(total, moving, Decimal(shock)) for shock in SHOCKS},
        rescue_repay={name: rescue_repay(total, level) for name, level in levels.items()},
        rescue_deposit={name: rescue_deposit(total, level) for name, level in levels.items()},
        interest_per_day=interest,
        days_to_threshold={name: days_to(total, interest, level) for name, level in levels.items()},
        integrity=difference(_sum(currencies), total),
    )


def _currency_risk(
    balance: Balance, price: Decimal | None, total: Totals, levels: _Levels, *, can_move: bool
) -> CurrencyRisk:
    asset, debt = _worth(balance.total_amount, price), _worth(_owed(balance), price)
    exposed = Totals(asset, debt) if can_move and asset is not None and debt is not None else None
    moves = {each: move_to(total, exposed, level) for each, level in levels.items()}
    return CurrencyRisk(
        price=price,
        asset=asset,
        debt=debt,
        liquidation_move=moves,
        liquidation_price={
            each: None if price is None or move is None else price * (1 + move)
            for each, move in moves.items()
        },
    )


def _usable(prices: Prices, unit: str) -> Prices:
    given = prices if unit == PRICE_UNIT else {}
    return {**{name: price for name, price in given.items() if price > 0}, unit: Decimal(1)}


def _owed(balance: Balance) -> Decimal:
    return balance.borrow_amount + balance.borrow_interest_amount


def _worth(amount: Decimal, price: Decimal | None) -> Decimal | None:
    """Return what an amount is worth; nothing is worth nothing, whatever it costs."""
    if not amount:
        return Decimal(0)
    return None if price is None else amount * price


def _sum(
    currencies: Mapping[str, CurrencyRisk], leaving_out: Collection[str] = ()
) -> Totals | None:
    """Return what is had and owed together, None if a price is missing or nothing is listed."""
    asset, debt = Decimal(0), Decimal(0)
    for name, each in currencies.items():
        if name not in leaving_out:
            if each.asset is None or each.debt is None:
                return None
            asset, debt = asset + each.asset, debt + each.debt
    return Totals(asset, debt) if currencies else None


def _interest_per_day(
    snapshot: Snapshot, prices: Prices, annual_ratios: Mapping[str, Decimal]
) -> Decimal | None:
    borrowed = {
        name: each.borrow_amount for name, each in snapshot.balances.items() if each.borrow_amount
    }
    if not snapshot.balances or not borrowed.keys() <= prices.keys() & annual_ratios.keys():
        return None
    a_year = (amount * prices[name] * annual_ratios[name] for name, amount in borrowed.items())
    return sum(a_year, Decimal(0)) / _DAYS_A_YEAR
