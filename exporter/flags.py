"""The command line's sub-commands and flags."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from exporter import __version__
from exporter.completion import SHELLS
from exporter.flag_tree import commands_of
from exporter.flag_types import address, duration, shard_number, shard_total, telemetry_path
from exporter.given import suggestion
from exporter.logs import FORMATS, LEVELS
from exporter.once_forms import FORMS
from exporter.simulator import ENDPOINTS, FAULTS, SCENARIOS

DEFAULT_ADDRESS = "127.0.0.1:10061"

_DRILL_ADDRESS = "127.0.0.1:10062"
_SIMULATOR_ADDRESS = "127.0.0.1:18061"
_COMMANDS = (
    "run",
    "check",
    "once",
    "demo",
    "simulate",
    "drill",
    "healthcheck",
    "completion",
    "man",
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse flags; `command` of the result names the sub-command. Ends with 2 on wrong usage."""
    given = list(arguments)
    if not given or (given[0] not in _COMMANDS and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "run")
    parser = command_line()
    options, unknown = parser.parse_known_args(given)
    if unknown:
        # By name alone: whoever looks for a flag for the secret may have put it there.
        flags = [each.partition("=")[0] for each in unknown if each.startswith("--")]
        parser.error(
            f"unknown arguments: {' '.join(flags) or 'a word without a flag'}"
            f"{_meant(unknown, parser, given[0])}; commands are {', '.join(_COMMANDS)}; "
            "credentials are never flags, but variables or files"
        )
    # Whether a value was given, or is the default that it equals.
    options.given = frozenset(each.partition("=")[0] for each in given if each.startswith("--"))
    return options


def _meant(unknown: Sequence[str], parser: argparse.ArgumentParser, command: str) -> str:
    # The nearest of our own words; the unknown one itself may be a secret.
    options = [
        flag.option for each in commands_of(parser) if each.name == command for flag in each.flags
    ]
    known = (*_COMMANDS, "--help", *options)
    names = [suggestion(each.partition("=")[0], known) for each in unknown]
    return next(filter(None, names), "")


def command_line() -> argparse.ArgumentParser:
    """Give the parser, from which completion, manual and reference are made as well."""
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
    _add_run_flags(run)

    check = commands.add_parser(
        "check",
        help="validate the configuration, then try each account step by step",
        allow_abbrev=False,
    )
    check.add_argument(
        "--offline", action="store_true", help="validate the configuration, and ask nobody"
    )
    _add_run_flags(check)

    once = commands.add_parser(
        "once",
        help="poll the configured accounts once and print what was found",
        allow_abbrev=False,
    )
    _add_config_flag(once)
    _add_shard_flags(once)
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
    _add_scenario_flags(demo)
    _add_web_flags(demo)

    simulate = commands.add_parser(
        "simulate", help="serve a faithful fake of the exchange", allow_abbrev=False
    )
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

    healthcheck = commands.add_parser(
        "healthcheck", help="ask a running exporter whether it lives", allow_abbrev=False
    )
    _add_healthcheck_flags(healthcheck)
    shell = commands.add_parser(
        "completion", help="print a script that completes commands and flags", allow_abbrev=False
    )
    shell.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    commands.add_parser("man", help="print the manual page", allow_abbrev=False)
    return parser


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `run`, which `check` takes as well, so that it sees the same."""
    _add_config_flag(parser)
    _add_shard_flags(parser)
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="YAML file of TLS, users and headers of our own pages, in the exporter-toolkit's form",
    )
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="has_lifecycle",
        action="store_true",
        help="reload the configuration at POST /-/reload, too; SIGHUP always does",
    )
    _add_web_flags(parser)


def _add_config_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="YAML file of accounts; without it, one account comes from the environment: "
        "BITOPRO_API_KEY, BITOPRO_API_SECRET and BITOPRO_EMAIL, each also as ..._FILE",
    )


def _add_shard_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shard",
        type=shard_number,
        metavar="N",
        help="which of the shards this is, counted from 0; each has accounts of its own",
    )
    parser.add_argument(
        "--shard-from-hostname",
        action="store_true",
        help="take that number from the end of the host's name, which a StatefulSet makes so",
    )
    parser.add_argument(
        "--total-shards",
        type=shard_total,
        metavar="M",
        help="how many shards share the accounts; every one of them has to run",
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
    parser.add_argument(
        "--web.show-balances",
        dest="show_balances",
        action="store_true",
        help="show ratio and balances on the status page as well, and not only among the metrics",
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


def _add_healthcheck_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        type=address,
        default=DEFAULT_ADDRESS,
        metavar="HOST:PORT",
        help="where it serves, as it was told itself (default: %(default)s)",
    )
    parser.add_argument(
        "--tls",
        dest="is_tls",
        action="store_true",
        help="it serves over TLS; on loopback, whatever its certificate says",
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


def _add_simulator_flags(parser: argparse.ArgumentParser) -> None:
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
