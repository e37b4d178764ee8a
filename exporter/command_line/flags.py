"""The command line's sub-commands and flags."""

import argparse
from collections.abc import Sequence

from exporter import __version__
from exporter.command_line.completion import SHELLS
from exporter.command_line.flag_groups import (
    add_config_flag,
    add_drill_flags,
    add_healthcheck_flags,
    add_log_flags,
    add_run_flags,
    add_shard_flags,
    add_web_flags,
)
from exporter.command_line.flag_tree import commands_of
from exporter.configuration.given import suggestion
from exporter.once.form import Form

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
    parser = command_line(given[0])
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


def command_line(command: str | None = None) -> argparse.ArgumentParser:
    """Give the parser, from which completion, manual and reference are made as well.

    With a `command`, no other has the flags that are taken from the simulator, which takes a while
    to import.
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
    add_run_flags(run)

    check = commands.add_parser(
        "check",
        help="validate the configuration, then try each account step by step",
        allow_abbrev=False,
    )
    check.add_argument(
        "--offline", action="store_true", help="validate the configuration, and ask nobody"
    )
    add_run_flags(check)

    once = commands.add_parser(
        "once",
        help="poll the configured accounts once and print what was found",
        allow_abbrev=False,
    )
    add_config_flag(once)
    add_shard_flags(once)
    once.add_argument(
        "--output",
        choices=[form.value for form in Form],
        default="table",
        help="for people, for programs, or for the textfile collector of node_exporter "
        "(default: %(default)s)",
    )
    add_log_flags(once, default="error")

    demo = commands.add_parser(
        "demo", help="serve three simulated accounts; needs no key", allow_abbrev=False
    )
    if command in (None, "demo"):
        from exporter.command_line.simulator_flags import add_scenario_flags  # noqa: PLC0415 - see above

        add_scenario_flags(demo)
    add_web_flags(demo)

    simulate = commands.add_parser(
        "simulate", help="serve a faithful fake of the exchange", allow_abbrev=False
    )
    if command in (None, "simulate"):
        from exporter.command_line.simulator_flags import (  # noqa: PLC0415 - see above
            add_scenario_flags,
            add_simulator_flags,
        )

        add_scenario_flags(simulate)
        add_simulator_flags(simulate)
    add_log_flags(simulate)

    drill = commands.add_parser(
        "drill",
        help="let a simulated account get into trouble, and see that your alerting tells",
        allow_abbrev=False,
    )
    add_drill_flags(drill)
    add_log_flags(drill, default="error")

    healthcheck = commands.add_parser(
        "healthcheck", help="ask a running exporter whether it lives", allow_abbrev=False
    )
    add_healthcheck_flags(healthcheck)
    shell = commands.add_parser(
        "completion", help="print a script that completes commands and flags", allow_abbrev=False
    )
    shell.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    commands.add_parser("man", help="print the manual page", allow_abbrev=False)
    return parser
