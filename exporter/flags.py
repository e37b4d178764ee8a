"""The command line's sub-commands and flags."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from exporter import __version__
from exporter.flag_types import address, duration, telemetry_path
from exporter.logs import FORMATS, LEVELS
from exporter.once_forms import FORMS

DEFAULT_ADDRESS = "127.0.0.1:10061"

_DRILL_ADDRESS = "127.0.0.1:10062"
_SIMULATOR_ADDRESS = "127.0.0.1:18061"
_COMMANDS = ("run", "once", "demo", "simulate", "drill")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse flags; `command` of the result names the sub-command. Ends with 2 on wrong usage."""
    given = list(arguments)
    if not given or (given[0] not in _COMMANDS and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "run")
    parser = _parser(given[0])
    options, unknown = parser.parse_known_args(given)
    if unknown:
        # By name alone: whoever looks for a flag for the secret may have put it there.
        flags = [each.partition("=")[0] for each in unknown if each.startswith("--")]
        parser.error(
            f"unknown arguments: {' '.join(flags) or 'a word without a flag'}; commands are "
            f"{', '.join(_COMMANDS)}; credentials are never flags, but variables or files"
        )
    return options


def _parser(command: str) -> argparse.ArgumentParser:
    """Give the parser. Only the command that was given has its flags of the simulator.

    They are taken from the simulator, which takes a while to import.
    """
    parser = argparse.ArgumentParser(
        prog="bitopro-margin-exporter",
        description="Prometheus exporter for BitoPro margin accounts.",
        epilog="Without a sub-command, run is meant.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="poll the configured accounts and serve their metrics", allow_abbrev=False
    )
    _add_config_flag(run)
    _add_web_flags(run)

    once = commands.add_parser(
        "once",
        help="poll the configured accounts once and print what was found",
        allow_abbrev=False,
    )
    _add_config_flag(once)
    once.add_argument(
        "--output",
        choices=FORMS,
        default="table",
        help="for people, for programs, or for the textfile collector of node_exporter "
        "(default: %(default)s)",
    )
    _add_log_flags(once, default="error")

    demo = commands.add_parser(
        "demo", help="serve three simulated accounts; needs no key", allow_abbrev=False
    )
    if command == "demo":
        _add_scenario_flags(demo)
    _add_web_flags(demo)

    simulate = commands.add_parser(
        "simulate", help="serve a faithful fake of the exchange", allow_abbrev=False
    )
    if command == "simulate":
        _add_scenario_flags(simulate)
        _add_simulator_flags(simulate)
    _add_log_flags(simulate)

    drill = commands.add_parser(
        "drill",
        help="let a simulated account get into trouble, and see that your alerting tells",
        allow_abbrev=False,
    )
    _add_drill_flags(drill)
    _add_log_flags(drill, default="error")
    return parser


def _add_config_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="YAML file of accounts; without it, one account comes from the environment: "
        "BITOPRO_API_KEY, BITOPRO_API_SECRET and BITOPRO_EMAIL, each also as ..._FILE",
    )


def _add_web_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        action="append",
        metavar="HOST:PORT",
        help="where to serve; repeatable; :10061 means every address "
        f"(default: {DEFAULT_ADDRESS}, because balances are private)",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        type=telemetry_path,
        default="/metrics",
        metavar="PATH",
        help="where the metrics are (default: %(default)s)",
    )
    _add_log_flags(parser)


def _add_drill_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prometheus.url",
        dest="prometheus_url",
        metavar="URL",
        help="your Prometheus, to report which alerts fire; without it, watch for them yourself",
    )
    parser.add_argument(
        "--alertmanager.url",
        dest="alertmanager_url",
        metavar="URL",
        help="your Alertmanager, to report which alerts reach it",
    )
    parser.add_argument(
        "--targets-folder",
        type=Path,
        default=Path("/etc/prometheus/targets"),
        metavar="FOLDER",
        help="where Prometheus looks for a drill: targets/ beside its configuration "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        default=_DRILL_ADDRESS,
        metavar="HOST:PORT",
        help="where the drill serves its metrics (default: %(default)s)",
    )
    parser.add_argument(
        "--target",
        metavar="HOST:PORT",
        help="the same address as Prometheus reaches it, if it is another",
    )
    parser.add_argument(
        "--patience",
        type=duration,
        default="20m",
        metavar="DURATION",
        help="how long to wait for what is expected of a stage, before the drill is given up "
        "(default: %(default)s, which the recovery needs with the shipped rules)",
    )


def _add_log_flags(parser: argparse.ArgumentParser, default: str = "info") -> None:
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=LEVELS,
        default=default,
        help="least severe lines to log (default: %(default)s)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=FORMATS,
        default="logfmt",
        help="form of a log line (default: %(default)s)",
    )


def _add_scenario_flags(parser: argparse.ArgumentParser) -> None:
    from exporter.simulator import SCENARIOS  # noqa: PLC0415 - see _parser

    parser.add_argument(
        "--scenario",
        choices=tuple(SCENARIOS),
        default="calm",
        help="; ".join(f"{name}: {text}" for name, text in SCENARIOS.items())
        + " (default: %(default)s)",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="how much faster than real time the scenario passes (default: %(default)g)",
    )


def _add_simulator_flags(parser: argparse.ArgumentParser) -> None:
    from exporter.simulator import ENDPOINTS, FAULTS  # noqa: PLC0415 - see _parser

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
        help="where: one of %(choices)s (default: %(default)s)",
    )
    parser.add_argument("--fault-list", action="store_true", help="list the faults and exit")
