"""What a metric family is: one row of a catalogue, with how to read it from a state.

API fields keep their names in snake case, so that a metric can be traced to the documentation by
eye.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from exporter.state import AccountState

PREFIX = "bitopro_margin_"

Kind = Literal["gauge", "counter"]
Stability = Literal["stable", "experimental"]
# The values of its own labels, and its value.
Sample = tuple[tuple[str, ...], float | Decimal]
Samples = tuple[Sample, ...]

NO_SAMPLES: Samples = ()

S = TypeVar("S")


def never(_: object) -> float:
    """Return when what does not grow stale expires."""
    return math.inf


@dataclass(frozen=True, slots=True)
class Family(Generic[S]):
    """One metric family of a state.

    `read` returns its samples. `owner` returns the values of the first labels, which all samples of
    a state share, and which `read` leaves out. `expires_at` returns when the samples are to
    disappear, in monotonic seconds. `unit` is how the reference describes the value.
    """

    name: str
    unit: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[S], Samples]
    kind: Kind = "gauge"
    owner: Callable[[S], tuple[str, ...]] = lambda _: ()
    expires_at: Callable[[S], float] = never
    stability: Stability = "stable"


def of_account(  # noqa: PLR0913, PLR0917 - the columns of the table
    name: str,
    unit: str,
    help_: str,
    read: Callable[[AccountState], Samples],
    labels: tuple[str, ...] = (),
    kind: Kind = "gauge",
    *,
    expires_at: Callable[[AccountState], float] = never,
    stability: Stability = "stable",
) -> Family[AccountState]:
    """Return a family whose first label is the account."""
    return Family(
        PREFIX + name,
        unit,
        help_,
        ("account", *labels),
        read,
        kind,
        _account,
        expires_at,
        stability,
    )


def one(value: float | Decimal | None, *labels: str) -> Samples:
    """Return a sample with these label values, or none for None."""
    return NO_SAMPLES if value is None else ((labels, value),)


def each(values: Mapping[str, float | Decimal]) -> Samples:
    """Return a sample for each value, its name being the value of the one label."""
    return tuple(zip(zip(values), values.values(), strict=True))


def _account(state: AccountState) -> tuple[str, ...]:
    return (state.account.name,)
