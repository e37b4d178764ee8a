"""What a fault is, and the changes to a good answer that most faults are made of."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from exporter.simulator.documents import Document
from exporter.simulator.messages import Answer, json_bytes

_READ_BYTES = 65_536


@dataclass(frozen=True)
class ClientConnection:
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


Group = Literal["connection", "status", "answer"]


@dataclass(frozen=True)
class AtAccept:
    """Every connection meets `run` instead of the exchange, before TLS and before a request.

    A connection that is open already meets it at its next request.
    """

    run: Callable[[ClientConnection], Awaitable[None]]


@dataclass(frozen=True)
class AtNextRequest:
    """Every connection meets `run` at its second request; the first is answered as usual."""

    run: Callable[[ClientConnection], Awaitable[None]]


@dataclass(frozen=True)
class OnConnection:
    """`run` transmits the good answer its own way; then the connection is closed.

    Unless it `keeps_open`.
    """

    run: Callable[[ClientConnection, Answer], Awaitable[None]]
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
    """One row of the registry of faults.

    A correct client takes the data of an `accepted` answer, and of no other. With `times`, only so
    many requests fail after the fault was set.
    """

    name: str
    summary: str
    group: Group
    effect: AtAccept | AtNextRequest | OnConnection | InAnswer | Redirect
    accepted: bool = False
    times: int | None = None


_PLACE_OF_TOKEN = "@token@"  # noqa: S105  # a JSON token, nothing secret


def in_body(change: Callable[[bytes], bytes]) -> InAnswer:
    """Change the bytes of the body."""
    return InAnswer(lambda good: replace(good, body=change(good.body)))


def in_document(change: Callable[[Document], object]) -> InAnswer:
    """Change a copy of the document in place; what `change` returns is ignored."""

    def rewrite(body: bytes) -> bytes:
        document: Document = json.loads(body)
        change(document)
        return json_bytes(document)

    return in_body(rewrite)


def token(put: Callable[[Document, str], object], text: str) -> InAnswer:
    """Write `text` as it is, quotes and all, where `put` puts its second argument."""
    place = json_bytes(_PLACE_OF_TOKEN)
    marked = in_document(lambda document: put(document, _PLACE_OF_TOKEN))

    def change(good: Answer) -> Answer:
        answer = marked.change(good)
        return replace(answer, body=answer.body.replace(place, text.encode()))

    return InAnswer(change)


def first_currency(document: Document) -> str:
    """Return the code of the first currency."""
    return str(next(iter(document["balances"])))


def first_balance(document: Document) -> Document:
    """Return the balance of the first currency."""
    balance: Document = document["balances"][first_currency(document)]
    return balance
