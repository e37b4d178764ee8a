"""The exchange as an account sees it, where a test looks at one account's requests."""

import asyncio
from typing import Any

from exporter.bitopro.client import Exchange
from exporter.bitopro.signing import Credentials
from exporter.bitopro.transport import Connection
from exporter.clock import Clock

# Those that the simulator knows.
SIMULATED_KEY = Credentials("demo-key", "demo-secret", "demo@example.com")


def exchange_at(
    base_url: str,
    connection: Connection,
    credentials: Credentials = SIMULATED_KEY,
    deadline_seconds: float = 10.0,
    clock: Clock | None = None,
    **others: Any,  # noqa: ANN401 - of Exchange
) -> Exchange:
    """Return an exchange that never waits for a slot of the budget."""
    return Exchange(
        base_url=base_url,
        read_credentials=lambda: credentials,
        connection=connection,
        clock=clock or Clock(),
        take_slot=lambda: asyncio.sleep(0),
        deadline_seconds=deadline_seconds,
        **others,
    )
