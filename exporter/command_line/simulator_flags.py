"""Flags of commands that bring the simulated exchange."""

import argparse

from exporter.command_line.flag_types import address
from exporter.simulator import ENDPOINTS, FAULTS, SCENARIOS

_SIMULATOR_ADDRESS = "127.0.0.1:18061"


def add_scenario_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the story that is told."""
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
