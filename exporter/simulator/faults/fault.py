"""What a fault is, and the connection on which it acts."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from exporter.simulator.messages import Answer

_READ_BYTES = 65_536


@dataclass(frozen=True)
class Peer:
    """One client. Whatever is sent raises OSError once it has left."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def host(self) -> str:
        """Its address; empty if it left before it could be asked."""
        name = self.writer.get_extra_info("peername")
        return str(name[0]) if name else ""

    async def send(self, data: bytes) -> None:
        """Send, and let other connections have their turn."""
        self.writer.write(data)
        await self.writer.drain()
        # drain() alone does not yield while the client keeps up.
        await asyncio.sleep(0)

    async def stay(self, seconds: float | None = None) -> None:
        """Do nothing for a while, or for ever; raises ConnectionResetError once it has left."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(_READ_BYTES):
                    pass
        except TimeoutError:
            return
        raise ConnectionResetError("the client has left")

    def reset(self) -> None:
        """Cut the connection with RST instead of FIN."""
        linger_for_no_time = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time
        )
        self.writer.transport.abort()

    async def close(self) -> None:
        """Deliver what was sent, and close with FIN."""
        self.writer.close()
        await self.writer.wait_closed()


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
