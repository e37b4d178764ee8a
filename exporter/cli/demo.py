"""`demo`: the exporter and a simulated exchange in one process."""

import argparse
import asyncio
import socket
from collections.abc import Sequence

from exporter.cli.flags import DEFAULT_ADDRESS
from exporter.cli.run import allowed_hosts
from exporter.cli.simulate import simulator_config
from exporter.cli.terminal import echo
from exporter.clock import Clock
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.service.process import client_ssl_context, run_service, run_until_signal
from exporter.simulator import SCENARIOS, Simulator, SimulatorConfig
from exporter.state import Account
from exporter.web.application import AllowedHosts
from exporter.web.listening import open_sockets, url_of

_ACCOUNTS = 3
_POLL_INTERVAL_SECONDS = 5.0
_STALE_AFTER_SECONDS = 15.0
_DANGER_POLL_INTERVAL_SECONDS = 2.0
_STORIES = {
    "flash-crash": "demo-1 falls through warning, critical and liquidation, and recovers",
    "calm": "nothing happens",
}


async def run_demo(  # noqa: PLR0913 - everything it needs is passed in
    config: SimulatorConfig,
    sockets: Sequence[socket.socket],
    *,
    telemetry_path: str,
    clock: Clock,
    allowed_hosts: AllowedHosts,
    stopped: asyncio.Event,
) -> None:
    """Run both until `stopped` is set, and print what to open."""
    url = url_of(sockets[0])
    async with Simulator(config) as simulator:
        echo(
            f"\nA simulated exchange ({config.scenario}) with {_ACCOUNTS} accounts: "
            f"{_story(config)}. All money is made up; Ctrl-C ends it.\n\n"
            f"  status   {url}/\n"
            f"  metrics  {url}{telemetry_path}\n"
            "  once     `make once`: the same without a server, as with a key of your own\n\n"
        )
        await run_service(
            demo_settings(simulator.base_url),
            sockets,
            telemetry_path=telemetry_path,
            # The account is made up.
            shows_balances=True,
            clock=clock,
            allowed_hosts=allowed_hosts,
            stopped=stopped,
        )


def _story(config: SimulatorConfig) -> str:
    """Return what will happen; within a quarter of an hour of the scenario's own time."""
    story = _STORIES.get(config.scenario, SCENARIOS[config.scenario])
    return f"{story}, within {15 / config.speed:.3g} minutes" if "falls" in story else story


def demo_settings(base_url: str) -> Settings:
    """Return three accounts of the simulator at `base_url`."""
    return Settings(
        accounts=tuple(_account(base_url, number) for number in range(1, _ACCOUNTS + 1)),
        warnings=(),
    )


def demo_simulator(scenario: str, speed: float) -> SimulatorConfig:
    """Return the simulator that serves them, on a free port."""
    return SimulatorConfig(port=0, scenario=scenario, speed=speed, accounts=_ACCOUNTS)


def _account(base_url: str, number: int) -> AccountSettings:
    return AccountSettings(
        Account(
            name=f"demo-{number}",
            base_url=base_url,
            poll_interval_seconds=_POLL_INTERVAL_SECONDS,
            stale_after_seconds=_STALE_AFTER_SECONDS,
            danger_poll_interval_seconds=_DANGER_POLL_INTERVAL_SECONDS,
        ),
        CredentialSource(
            api_key=Secret("demo", value=f"demo-key-{number}"),
            api_secret=Secret("demo", value="demo-secret"),
            email=Secret("demo", value="demo@example.com"),
        ),
    )


def main(options: argparse.Namespace) -> int:
    """Run exporter and simulator until a signal comes; return the exit code."""
    client_ssl_context()
    config = simulator_config(lambda: demo_simulator(options.scenario, options.speed))
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        await run_demo(
            config,
            sockets,
            telemetry_path=options.telemetry_path,
            clock=Clock(),
            allowed_hosts=allowed_hosts(options),
            stopped=stopped,
        )

    return run_until_signal(serve, options.log_level, options.log_format)
