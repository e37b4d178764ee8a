"""The command line as data: what help, completion, manual and reference are made from."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
    is_repeatable: bool

    @property
    def written(self) -> str:
        """Give how it is written: --name=VALUE, or the values where there are few."""
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
    """Give the sub-commands in the order of `--help`."""
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
            is_repeatable=isinstance(each, argparse._AppendAction),  # noqa: SLF001 - likewise
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
        # A repeatable flag cannot have one, and tells it in words.
        told = re.search(r"\(default: ([^,)]+)", action.help or "")
        return told[1] if told else None
    return f"{action.default:g}" if isinstance(action.default, float) else str(action.default)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}
