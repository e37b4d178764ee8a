"""The arithmetic of account-to-debt ratios: what moves one, and what restores it.

None stands for what has no answer, never for zero. The caller chooses the decimal context.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

# What cancels out but for this share of it is a hedge: no price that exists does anything. It is
# also what floating point cannot tell from nothing, in the same rules for Prometheus.
_NO_EXPOSURE = Decimal("1e-9")


class Sides(NamedTuple):
    """What is had and what is owed, both in the account's unit."""

    asset: Decimal
    debt: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """Their quotient, None without debt."""
        return self.asset / self.debt if self.debt else None


def is_crossed(total: Sides, level: Decimal) -> bool:
    """Tell whether the ratio is below a threshold, which it never is without debt."""
    return total.asset < level * total.debt


def move_to(total: Sides, part: Sides | None, level: Decimal) -> Decimal | None:
    """Give the move of the prices of `part` at which the ratio of `total` is `level`.

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
    """Give the smallest move without its sign, None without any."""
    return min((abs(move) for move in moves if move is not None), default=None)


def ratio_after(total: Sides, part: Sides | None, shock: Decimal) -> Decimal | None:
    """Give the ratio after a move of the prices of `part`, None without debt.

    None also where a side would be negative: then `part` is more than the total that it is part of.
    """
    if part is None or not total.debt:
        return None
    asset, debt = total.asset + shock * part.asset, total.debt + shock * part.debt
    return asset / debt if asset >= 0 and debt > 0 else None


def rescue_repay(total: Sides, level: Decimal) -> Decimal | None:
    """Give what to repay out of the assets to be back at `level`, 0 where nothing is needed.

    It takes as much off either side, which helps only where assets exceed debts.
    """
    if not is_crossed(total, level):
        return Decimal(0)
    if total.asset < total.debt:
        return None
    return (level * total.debt - total.asset) / (level - 1)


def rescue_deposit(total: Sides, level: Decimal) -> Decimal:
    """Give what to add to the assets to be back at `level`, 0 where nothing is needed."""
    return max(level * total.debt - total.asset, Decimal(0))


def days_to(total: Sides, interest_per_day: Decimal | None, level: Decimal) -> Decimal | None:
    """Give after how many days interest alone brings the ratio to `level`, 0 where it is below."""
    if is_crossed(total, level):
        return Decimal(0)
    return (total.asset / level - total.debt) / interest_per_day if interest_per_day else None


def difference(recomputed: Sides | None, reported: Sides) -> Decimal | None:
    """Give by what share of the reported ones the sides differ, the larger of the two.

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
