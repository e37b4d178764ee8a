"""`simulate`: serve a fake of the exchange; and the flags that it shares with `demo`."""

import argparse
import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from exporter.cli.flags import Flag, address
from exporter.cli.terminal import echo
from exporter.errors import ConfigurationError, error_text
from exporter.service.process import run_until_signal
from exporter.simulator import ENDPOINTS, FAULTS, SCENARIOS, Simulator, SimulatorConfig
from exporter.web.listening import ListenError

SCENARIO_FLAGS = (
    Flag(
        "--scenario",
        "scenario",
        "; ".join(f"{name}: {text}" for name, text in SCENARIOS.items()),
        choices=tuple(SCENARIOS),
        default="calm",
    ),
    Flag(
        "--speed",
        "speed",
        "how much faster than real time the scenario passes",
        metavar="FACTOR",
        default="1",
        parse=float,
    ),
)

# A crash of a quarter of an hour in two and a half minutes, so that it can be watched.
_DEMO_DEFAULTS = {"scenario": "flash-crash", "speed": "6"}
DEMO_FLAGS = tuple(replace(flag, default=_DEMO_DEFAULTS[flag.dest]) for flag in SCENARIO_FLAGS)

SIMULATOR_FLAGS = (
    Flag(
        "--listen-address",
        "listen_address",
        "where to serve",
        metavar="HOST:PORT",
        default="127.0.0.1:18061",
        parse=address,
    ),
    Flag(
        "--accounts",
        "accounts",
        "serve demo-key-1 to demo-key-N beside demo-key",
        metavar="N",
        default="0",
        parse=int,
    ),
    Flag(
        "--currencies",
        "currencies",
        "currencies of each account",
        metavar="M",
        default="3",
        parse=int,
    ),
    Flag("--rate-limit", "rate_limit", "requests a minute", metavar="N", default="600", parse=int),
    Flag("--fault", "fault", "misbehave so", metavar="NAME", choices=tuple(FAULTS)),
    Flag(
        "--fault-endpoint",
        "fault_endpoint",
        f"where: one of {', '.join(ENDPOINTS)}",
        metavar="NAME",
        choices=tuple(ENDPOINTS),
        default="balances",
    ),
    Flag("--fault-list", "fault_list", "list the faults and exit", kind="switch"),
)


def main(options: argparse.Namespace) -> int:
    """Serve until a signal comes; return the exit code."""
    if options.fault_list:
        faults = FAULTS.values()
        echo("".join(f"{each.group:12}{each.name:40}{each.summary}\n" for each in faults))
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
