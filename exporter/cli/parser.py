"""The command line: its sub-commands and their flags as a table, and the parser made from it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from exporter import __version__
from exporter.cli.flags import (
    ASSETS_FLAGS,
    CHECK_FLAGS,
    DRILL_FLAGS,
    HEALTHCHECK_FLAGS,
    LOG_FLAGS,
    ONCE_FLAGS,
    PAGE_FLAGS,
    RUN_FLAGS,
    Flag,
)
from exporter.config.values import suggestion


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command and its flags."""

    name: str
    help: str
    flags: tuple[Flag, ...]


def commands(needed: str | None = None) -> tuple[Command, ...]:
    """Return the sub-commands in the order of `--help`.

    If one is `needed`, no other has the flags that are taken from the simulator, which takes a
    while to import.
    """
    of_demo: tuple[Flag, ...] = ()
    of_scenario: tuple[Flag, ...] = ()
    of_simulator: tuple[Flag, ...] = ()
    if needed in (None, "demo", "simulate"):
        from exporter.cli.simulate import (  # noqa: PLC0415 - see above
            DEMO_FLAGS,
            SCENARIO_FLAGS,
            SIMULATOR_FLAGS,
        )

        of_demo, of_scenario, of_simulator = DEMO_FLAGS, SCENARIO_FLAGS, SIMULATOR_FLAGS
    return (
        Command("run", "poll the configured accounts and serve their metrics", RUN_FLAGS),
        Command(
            "check", "validate the configuration, then try each account step by step", CHECK_FLAGS
        ),
        Command("once", "poll the configured accounts once and print what was found", ONCE_FLAGS),
        Command("demo", "serve three simulated accounts; needs no key", (*of_demo, *PAGE_FLAGS)),
        Command(
            "simulate",
            "serve a faithful fake of the exchange",
            (*of_scenario, *of_simulator, *LOG_FLAGS),
        ),
        Command(
            "drill",
            "let a simulated account get into trouble, and see that your alerting notices",
            DRILL_FLAGS,
        ),
        Command(
            "assets", "write alert rules, dashboards, a systemd unit and examples", ASSETS_FLAGS
        ),
        Command("healthcheck", "ask a running exporter whether it lives", HEALTHCHECK_FLAGS),
    )


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse flags; `command` of the result names the sub-command. Ends with 2 on wrong usage."""
    given = list(arguments) or ["run"]
    table = commands(given[0])
    flags_by_command = {each.name: each.flags for each in table}
    if given[0] not in (*flags_by_command, "-h", "--help", "--version"):
        given.insert(0, "run")
    parser = _parser(table)
    options, unknown = parser.parse_known_args(given)
    if unknown:
        # By name alone: the secret may have been given as its value.
        flags = [each.partition("=")[0] for each in unknown if each.startswith("--")]
        known = (*flags_by_command, "--help", *(each.option for each in flags_by_command[given[0]]))
        # The nearest of our own words; the unknown one itself may be a secret.
        nearest = [suggestion(each.partition("=")[0], known) for each in unknown]
        parser.error(
            f"unknown arguments: {' '.join(flags) or 'a word without a flag'}"
            f"{next(filter(None, nearest), '')}; commands are {', '.join(flags_by_command)}; "
            "credentials are never flags, but variables or files"
        )
    # Whether a value was given, or is the default that it equals.
    options.given = frozenset(each.partition("=")[0] for each in given if each.startswith("--"))
    return options


def _parser(table: Sequence[Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bitopro-margin-exporter",
        description="Prometheus exporter for BitoPro margin accounts.",
        epilog="Without a sub-command, run is meant.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    group = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in table:
        sub_parser = group.add_parser(command.name, help=command.help, allow_abbrev=False)
        for flag in command.flags:
            flag.add_to(sub_parser)
    return parser
