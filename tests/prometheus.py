"""Debian's Prometheus, run on this machine for a test."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

# From the start of the process to the first scrape it takes about 5 s on an idle machine.
_DEADLINE_SECONDS = 60.0


# level=warn of Prometheus 2, level=WARN of Prometheus 3, and both in JSON.
_COMPLAINT = re.compile(r'\blevel"?[=:] ?"?(warn|error|fatal)', re.IGNORECASE)


class Prometheus:
    """A running server. `log` is where it writes."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the instant vector of an expression; empty while the server starts."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"{self.url}/api/v1/query", params={"query": expression})
            except httpx.TransportError:
                return []
        if answer.status_code != httpx.codes.OK:
            return []
        vector: list[dict[str, Any]] = answer.json()["data"]["result"]
        return vector

    async def until(self, expression: str) -> list[dict[str, Any]]:
        """Ask until the expression gives something."""
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while not (vector := await self.query(expression)):  # noqa: ASYNC110 - another process
                # Between two scrapes nothing changes; asking harder would only slow them down.
                await asyncio.sleep(0.1)
            return vector

    def complaints(self) -> list[str]:
        """Return what it logged above information."""
        return [line for line in self.log.read_text().splitlines() if _COMPLAINT.search(line)]


@asynccontextmanager
async def running(command: str, config: Path) -> AsyncIterator[Prometheus]:
    """Run the server with a configuration, its data and log beside it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    log = config.with_suffix(".log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            command,
            f"--config.file={config}",
            f"--storage.tsdb.path={config.parent / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=output,
            stderr=output,
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        await process.wait()
