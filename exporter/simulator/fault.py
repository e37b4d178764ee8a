"""What a fault is: a name, and an effect on the connection, on the wire or in the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from exporter.simulator.answer import Answer
from exporter.simulator.peer import Peer

Group = Literal["wire", "status", "answer"]


@dataclass(frozen=True)
class AtAccept:
    """Every connection meets `run` instead of the exchange, before TLS and before a request.

    A connection that is open already meets it at its next request.
    """

    run: Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True)
class AtNextRequest:
    """Every connection meets `run` at its second request; the first is answered as usual."""

    run: Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True)
class OnWire:
    """`run` transmits the good answer its own way; then the connection is closed.

    Unless it `keeps_open`.
    """

    run: Callable[[Peer, Answer], Awaitable[None]]
    keeps_open: bool = False


@dataclass(frozen=True)
class InAnswer:
    """The answer is changed, and transmitted as usual."""

    change: Callable[[Answer], Answer]


@dataclass(frozen=True)
class Redirect:
    """The answer is a redirect of this status to the simulator's `redirect_target`."""

    status: int


@dataclass(frozen=True)
class Fault:
    """One row of the fault plan.

    A correct client takes the data of an `accepted` answer, and of no other. With `times`, only so
    many requests fail after the fault was set.
    """

    name: str
    summary: str
    group: Group
    effect: AtAccept | AtNextRequest | OnWire | InAnswer | Redirect
    accepted: bool = False
    times: int | None = None
