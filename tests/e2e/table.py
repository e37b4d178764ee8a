"""What came of all faults, for people."""

from collections.abc import Iterable

from tests.e2e.case import Outcome
from tests.e2e.drill_stages import FACTOR


def table(outcomes: Iterable[Outcome]) -> str:
    """Return a line for each fault, and one that counts."""
    all_of_them = list(outcomes)
    missed = sum(each.told is None for each in all_of_them)
    all_clears = sum(bool(each.lost or each.cleared) for each in all_of_them)
    head = (
        f"{'fault':34}{'expected alert':30}{'told after':>12}{'as shipped':>13}{'over after':>13}"
    )
    return "\n".join(
        [
            head,
            *map(_line, all_of_them),
            f"{len(all_of_them)} faults, {missed} missed, {all_clears} false all-clears",
        ]
    )


def _line(outcome: Outcome) -> str:
    seconds, over = outcome.seconds, outcome.resolved_seconds
    told = "NOT TOLD" if seconds is None else f"{seconds:.1f} s"
    shipped = "" if seconds is None else _minutes(seconds * FACTOR)
    end = "NOT TOLD" if over is None else _minutes(over * FACTOR)
    wrong = ", ".join({*outcome.lost, *outcome.cleared})
    alerts = " or ".join(outcome.fault.alerts)
    return (
        f"{outcome.fault.title:34}{alerts:30}{told:>12}{shipped:>13}{end:>13}"
        f"{f'  FALSE ALL-CLEAR: {wrong}' if wrong else ''}"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
