"""A simulated exchange in a process of its own."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from exporter.simulator import Simulator, SimulatorConfig

KEY, SECRET, EMAIL = "demo-key", "demo-secret", "demo@example.com"


@contextmanager
def simulator(accounts: int = 0) -> Iterator[str]:
    """Run one, with so many accounts beside the first, and give its base URL."""
    # Not forked, so that it shares no memory with what is measured.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_simulate, args=(theirs, accounts), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join()


def _simulate(control: Connection, accounts: int) -> None:
    asyncio.run(_serve(control, accounts))


async def _serve(control: Connection, accounts: int) -> None:
    closed = asyncio.Event()
    config = SimulatorConfig(port=0, accounts=accounts, currencies=20, rate_limit=10_000_000)
    async with Simulator(config) as running:
        asyncio.get_running_loop().add_reader(control.fileno(), closed.set)
        control.send(running.base_url)
        await closed.wait()
