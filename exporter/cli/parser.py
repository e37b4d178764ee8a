"""The command line's sub-commands, and the same as data for the reference."""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exporter import __version__
from exporter.cli.flags import (
    OutputFormat,
    add_config_flag,
    add_drill_flags,
    add_healthcheck_flags,
    add_log_flags,
    add_run_flags,
    add_shard_flags,
    add_web_flags,
)
from exporter.config.values import suggestion

# So many values are listed; there are hundreds of faults.
_FEW = 8

Kind = Literal["switch", "choice", "file", "folder", "value"]


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag, or an argument without dashes. `default` is None where there is none to show."""

    option: str
    dest: str
    kind: Kind
    metavar: str
    choices: tuple[str, ...]
    default: str | None
    help: str

    @property
    def written(self) -> str:
        """Return how it is written: --name=VALUE, or the values where there are few."""
        if not self.option:
            return self.metavar
        if self.kind == "switch":
            return self.option
        value = "|".join(self.choices) if 0 < len(self.choices) <= _FEW else self.metavar
        return f"{self.option}={value}"


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command and its flags."""

    name: str
    help: str
    flags: tuple[Flag, ...]


def commands_of(parser: argparse.ArgumentParser) -> tuple[Command, ...]:
    """Return the sub-commands in the order of `--help`."""
    group = next(
        each
        for each in _actions(parser)
        if isinstance(each, argparse._SubParsersAction)  # noqa: SLF001 - argparse names it nowhere else
    )
    helps = {each.dest: each.help or "" for each in group._get_subactions()}  # noqa: SLF001 - likewise
    return tuple(
        Command(name, helps[name], tuple(_flags(each))) for name, each in group.choices.items()
    )


def _flags(parser: argparse.ArgumentParser) -> Iterator[Flag]:
    for each in _actions(parser):
        if isinstance(each, argparse._HelpAction):  # noqa: SLF001 - argparse names it nowhere else
            continue
        yield Flag(
            option=each.option_strings[-1] if each.option_strings else "",
            dest=each.dest,
            kind=_kind(each),
            metavar=each.metavar if isinstance(each.metavar, str) else each.dest.upper(),
            choices=tuple(str(choice) for choice in each.choices or ()),
            default=_default(each),
            help=_help(parser, each),
        )


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse has no public way to list what was added


def _kind(action: argparse.Action) -> Kind:
    if action.nargs == 0:
        return "switch"
    if action.choices is not None:
        return "choice"
    if action.type is Path:
        return "folder" if action.metavar == "FOLDER" else "file"
    return "value"


def _default(action: argparse.Action) -> str | None:
    if action.nargs == 0 or action.default is argparse.SUPPRESS:
        return None
    if action.default is None:
        # A repeatable flag cannot have one, and its help names it.
        told = re.search(r"\(default: ([^,)]+)", action.help or "")
        return told[1] if told else None
    return f"{action.default:g}" if isinstance(action.default, float) else str(action.default)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}


_COMMANDS = (
    "run",
    "check",
    "once",
    "demo",
    "simulate",
    "drill",
    "healthcheck",
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse flags; `command` of the result names the sub-command. Ends with 2 on wrong usage."""
    given = list(arguments)
    if not given or (given[0] not in _COMMANDS and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "run")
    parser = command_line(given[0])
    options, unknown = parser.parse_known_args(given)
    if unknown:
        # By name alone: the secret may have been given as its value.
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
    """Return the parser, from which the reference is made as well.

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
        "--offline", action="store_true", help="validate the configuration only; nothing is sent"
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
        choices=[form.value for form in OutputFormat],
        default="table",
        help="for people, for programs, or for the textfile collector of node_exporter "
        "(default: %(default)s)",
    )
    add_log_flags(once, default="error")

    demo = commands.add_parser(
        "demo", help="serve three simulated accounts; needs no key", allow_abbrev=False
    )
    if command in (None, "demo"):
        from exporter.cli.simulate import add_scenario_flags  # noqa: PLC0415 - see above

        add_scenario_flags(demo)
    add_web_flags(demo)

    simulate = commands.add_parser(
        "simulate", help="serve a faithful fake of the exchange", allow_abbrev=False
    )
    if command in (None, "simulate"):
        from exporter.cli.simulate import (  # noqa: PLC0415 - see above
            add_scenario_flags,
            add_simulator_flags,
        )

        add_scenario_flags(simulate)
        add_simulator_flags(simulate)
    add_log_flags(simulate)

    drill = commands.add_parser(
        "drill",
        help="let a simulated account get into trouble, and see that your alerting notices",
        allow_abbrev=False,
    )
    add_drill_flags(drill)
    add_log_flags(drill, default="error")

    healthcheck = commands.add_parser(
        "healthcheck", help="ask a running exporter whether it lives", allow_abbrev=False
    )
    add_healthcheck_flags(healthcheck)
    return parser
