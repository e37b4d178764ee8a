"""The client's end of a connection, and what can be done to it below HTTP."""

import asyncio
import socket
import struct
from dataclasses import dataclass

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
