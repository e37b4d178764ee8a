"""An application on a free port of this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.access.server_tls import ServerTLS
from exporter.web.http1 import ASGIApplication
from exporter.web.serving import serve


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
