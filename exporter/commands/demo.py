"""`demo`: three simulated accounts, which need no key."""

import argparse
import asyncio

from exporter.clock import Clock
from exporter.command_line.flag_groups import DEFAULT_ADDRESS
from exporter.commands.configured import allowed_hosts
from exporter.commands.simulate import simulator_config
from exporter.rehearsal.demo import demo_simulator, run_demo
from exporter.service.lifetime import run_until_signal
from exporter.service.running import client_ssl_context
from exporter.web.listening import open_sockets


def main(options: argparse.Namespace) -> int:
    """Run exporter and simulator until a signal comes, and give the exit code."""
    client_ssl_context()
    config = simulator_config(lambda: demo_simulator(options.scenario, options.speed))
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        await run_demo(
            config,
            sockets,
            telemetry_path=options.telemetry_path,
            shows_balances=options.show_balances,
            clock=Clock(),
            allowed_hosts=allowed_hosts(options),
            stopped=stopped,
        )

    return run_until_signal(serve, options.log_level, options.log_format)
