"""`simulate`: a faithful fake of the exchange."""

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from exporter.errors import ConfigurationError
from exporter.service.lifetime import run_until_signal
from exporter.simulator import FAULTS, Simulator, SimulatorConfig
from exporter.telling import tell
from exporter.web.listening import ListenError


def main(options: argparse.Namespace) -> int:
    """Serve until a signal comes, and give the exit code."""
    from exporter.simulator import SimulatorConfig  # noqa: PLC0415 - see above

    if options.fault_list:
        faults = FAULTS.values()
        tell("".join(f"{each.group:8}{each.name:40}{each.summary}\n" for each in faults))
        return 0
    host, port = options.listen_address
    config = simulator_config(
        lambda: SimulatorConfig(
            host=host,
            port=port,
            scenario=options.scenario,
            speed=options.speed,
            accounts=options.accounts,
            currencies=options.currencies,
            rate_limit=options.rate_limit,
            fault=options.fault,
            fault_endpoint=options.fault_endpoint,
        )
    )

    async def serve(stopped: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            try:
                simulator = await stack.enter_async_context(Simulator(config))
            except OSError as error:
                reason = error.strerror or str(error)
                raise ListenError(f"--listen-address: {reason}") from error
            tell(f"simulated exchange at {simulator.base_url}\n")
            await stopped.wait()

    return run_until_signal(serve, options.log_level, options.log_format)


def simulator_config(build: Callable[[], SimulatorConfig]) -> SimulatorConfig:
    """Give what `build` gives, its ValueError being a problem of the configuration."""
    try:
        return build()
    except ValueError as error:
        raise ConfigurationError([str(error)]) from error
