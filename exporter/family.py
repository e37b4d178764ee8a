"""What a metric family is: one row of a catalogue, with how to read it from a state.

API fields keep their names in snake case, so that a metric can be traced to the documentation by
eye.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from exporter.store import AccountState

PREFIX = "bitopro_margin_"

Kind = Literal["gauge", "counter"]
Sample = tuple[tuple[str, ...], float | Decimal]

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Family(Generic[S]):
    """One metric family of a state. `read` gives label values and the value of each sample.

    `expires_at` gives when the state's samples are to disappear (monotonic seconds, infinity for
    what does not grow stale), and `source` the part of the state that is read, all of it: while
    that is the very same, so are the samples.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    read: Callable[[S], Iterable[Sample]]
    expires_at: Callable[[S], float]
    source: Callable[[S], object]


def of_account(  # noqa: PLR0913 - the columns of the table
    name: str,
    help_: str,
    read: Callable[[AccountState], Iterable[Sample]],
    labels: tuple[str, ...] = (),
    kind: Kind = "gauge",
    *,
    expires_at: Callable[[AccountState], float] = lambda _: math.inf,
    source: Callable[[AccountState], object] = lambda state: state,
) -> Family[AccountState]:
    """Give a family whose first label is the account, which `read` leaves aside."""

    def read_with_account(state: AccountState) -> Iterable[Sample]:
        return (((state.account.name, *values), value) for values, value in read(state))

    return Family(
        PREFIX + name, kind, help_, ("account", *labels), read_with_account, expires_at, source
    )


def one(value: float | Decimal | None) -> Iterable[Sample]:
    """Give a sample without labels, or none for None."""
    return () if value is None else (((), value),)
