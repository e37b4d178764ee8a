"""How an account stands, in words, and what makes that doubtful."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Literal

from exporter.exchange.consistency import contradictions
from exporter.exchange.novelty import with_novelties
from exporter.once import figures
from exporter.once.look import Look
from exporter.risk.margin import Sides, is_crossed

Kind = Literal["good", "doubtful", "bad"]

_KINDS: dict[str, Kind] = {"warning": "doubtful", "critical": "bad", "liquidation": "bad"}
_DIFFERENCE_WORTH_TELLING = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A few words, and how bad they are."""

    kind: Kind
    text: str


def verdict(look: Look) -> Verdict:
    """Judge an account by its exact ratio. What is not known, or doubtful, is never good."""
    judged = _by_ratio(look)
    if judged.kind == "good" and any(doubts(look)):
        return Verdict("doubtful", f"DOUBTFUL; else {judged.text}")
    return judged


def _by_ratio(look: Look) -> Verdict:
    if look.snapshot is None:
        return Verdict("bad", "NOT KNOWN")
    thresholds = look.account.thresholds
    total = Sides(look.snapshot.total_asset_amount, look.snapshot.total_debt_amount)
    if not total.debt:
        return Verdict("good", "no debt")
    if total.asset < total.debt:
        return Verdict("bad", "LIQUIDATION: owes more than it has")
    for name, ratio in sorted(thresholds.by_level().items(), key=itemgetter(1)):
        if is_crossed(total, Decimal(str(ratio))):
            return Verdict(_KINDS[name], f"{name.upper()}: below {ratio:g}")
    return Verdict("good", f"safe: not below {thresholds.warning:g}")


def doubts(look: Look) -> Iterator[str]:
    """Say what in an answer contradicts itself, the market, or the documentation."""
    if look.snapshot is None or look.risk is None:
        return
    difference = look.risk.integrity
    if difference is not None and difference > _DIFFERENCE_WORTH_TELLING:
        share = figures.percent(difference)
        yield f"balances at mark prices add up to other totals, by {share}"
    if failed := [check for check, fails in contradictions(look.snapshot).items() if fails]:
        yield f"the answer contradicts itself: {', '.join(failed)}"
    for novelty in sorted(with_novelties(frozenset(), look.snapshot)):
        # A field more takes nothing away from the others.
        if novelty.kind != "field":
            yield f"BitoPro documents no {novelty.kind} {novelty.text}"
