"""What a metric family is: one row of a catalogue, with how to read it from a state.

API fields keep their names in snake case, so that a metric can be traced to the documentation by
eye.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from exporter.state.store import AccountState

PREFIX = "bitopro_margin_"

Kind = Literal["gauge", "counter"]
# The values of its own labels, and its value.
Sample = tuple[tuple[str, ...], float | Decimal]
Samples = tuple[Sample, ...]

NO_SAMPLES: Samples = ()

S = TypeVar("S")


# Compared by identity: a part is what several families have in common.
@dataclass(frozen=True, slots=True, eq=False)
class Part(Generic[S]):
    """A part of a state that families read, `read` giving all that they read of it.

    While that is the very same, so are their samples. `expires_at` gives when they are to disappear
    (monotonic seconds, infinity for what does not grow stale).
    """

    read: Callable[[S], object]
    expires_at: Callable[[S], float] = lambda _: math.inf


@dataclass(frozen=True, slots=True)
class Family(Generic[S]):
    """One metric family of a state. `read` gives its samples, from the `part` alone.

    `owner` gives the values of the first labels, which all samples of a state share, and which
    `read` leaves aside.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    read: Callable[[S], Samples]
    owner: Callable[[S], tuple[str, ...]]
    part: Part[S]


WHOLE_ACCOUNT: Part[AccountState] = Part(lambda state: state)


def of_account(  # noqa: PLR0913 - the columns of the table
    name: str,
    help_: str,
    read: Callable[[AccountState], Samples],
    labels: tuple[str, ...] = (),
    kind: Kind = "gauge",
    *,
    part: Part[AccountState] = WHOLE_ACCOUNT,
) -> Family[AccountState]:
    """Give a family whose first label is the account."""
    return Family(PREFIX + name, kind, help_, ("account", *labels), read, _account, part)


def one(value: float | Decimal | None, *labels: str) -> Samples:
    """Give a sample with these label values, or none for None."""
    return NO_SAMPLES if value is None else ((labels, value),)


def each(values: Mapping[str, float | Decimal]) -> Samples:
    """Give a sample for each value, its name being the value of the one label."""
    return tuple(zip(zip(values), values.values(), strict=True))


def _account(state: AccountState) -> tuple[str, ...]:
    return (state.account.name,)
