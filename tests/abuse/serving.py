"""An application on a free port of this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.web.server import ASGIApplication, serve
from exporter.web.tls import ServerTLS


@asynccontextmanager
async def serving(
    application: ASGIApplication,
    tls: Callable[[], ServerTLS | None] = lambda: None,
    host: str = "127.0.0.1",
) -> AsyncIterator[int]:
    """Serve while the context is entered; give the port."""
    listening = socket.create_server((host, 0))
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(application, [listening], stopped.wait, tls))
        try:
            yield listening.getsockname()[1]
        finally:
            stopped.set()
