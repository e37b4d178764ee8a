"""`simulate`: serve a fake of the exchange; and the flags that it shares with `demo`."""

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from exporter.cli.flags import address
from exporter.cli.terminal import echo
from exporter.errors import ConfigurationError, error_text
from exporter.service.process import run_until_signal
from exporter.simulator import ENDPOINTS, FAULTS, SCENARIOS, Simulator, SimulatorConfig
from exporter.web.listening import ListenError

_SIMULATOR_ADDRESS = "127.0.0.1:18061"


def add_scenario_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the scenario."""
    parser.add_argument(
        "--scenario",
        choices=tuple(SCENARIOS),
        default="calm",
        help="; ".join(f"{name}: {text}" for name, text in SCENARIOS.items()).replace("%", "%%")
        + " (default: %(default)s)",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="how much faster than real time the scenario passes (default: %(default)g)",
    )


def add_simulator_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `simulate`."""
    parser.add_argument(
        "--listen-address",
        type=address,
        default=_SIMULATOR_ADDRESS,
        metavar="HOST:PORT",
        help="where to serve (default: %(default)s)",
    )
    parser.add_argument(
        "--accounts",
        type=int,
        default=0,
        metavar="N",
        help="serve demo-key-1 to demo-key-N beside demo-key",
    )
    parser.add_argument(
        "--currencies", type=int, default=3, metavar="M", help="currencies of each account"
    )
    parser.add_argument(
        "--rate-limit", type=int, default=600, metavar="N", help="requests a minute"
    )
    parser.add_argument("--fault", choices=tuple(FAULTS), metavar="NAME", help="misbehave so")
    parser.add_argument(
        "--fault-endpoint",
        choices=ENDPOINTS,
        default="balances",
        metavar="NAME",
        help=f"where: one of {', '.join(ENDPOINTS)} (default: %(default)s)",
    )
    parser.add_argument("--fault-list", action="store_true", help="list the faults and exit")


def main(options: argparse.Namespace) -> int:
    """Serve until a signal comes; return the exit code."""
    from exporter.simulator import SimulatorConfig  # noqa: PLC0415 - see above

    if options.fault_list:
        faults = FAULTS.values()
        echo("".join(f"{each.group:8}{each.name:40}{each.summary}\n" for each in faults))
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
                raise ListenError(f"--listen-address: {error_text(error)}") from error
            echo(f"simulated exchange at {simulator.base_url}\n")
            await stopped.wait()

    return run_until_signal(serve, options.log_level, options.log_format)


def simulator_config(build: Callable[[], SimulatorConfig]) -> SimulatorConfig:
    """Return what `build` gives, its ValueError being a problem of the configuration."""
    try:
        return build()
    except ValueError as error:
        raise ConfigurationError([str(error)]) from error
