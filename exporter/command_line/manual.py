"""The manual page in roff, made from the same definitions as `--help`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporter import __version__
from exporter.command_line.flag_tree import Command, Flag
from exporter.exit_codes import EXIT_CODES

_PROGRAM = "bitopro-margin-exporter"


def manual(description: str, commands: Sequence[Command], variables: Mapping[str, str]) -> str:
    """Give the page, with the environment variables and their meanings."""
    return "\n".join(_lines(description, commands, variables)) + "\n"


def _lines(
    description: str, commands: Sequence[Command], variables: Mapping[str, str]
) -> Iterator[str]:
    yield f'.TH BITOPRO\\-MARGIN\\-EXPORTER 1 "" "{_PROGRAM} {__version__}" "User Commands"'
    # Names of flags and variables must neither be hyphenated nor drawn apart.
    yield from (".nh", ".ad l")
    yield from (".SH NAME", f"{_roff(_PROGRAM)} \\- {_roff(description.rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {_roff(_PROGRAM)}", "[\\fICOMMAND\\fR] [\\fIFLAG\\fR...]")
    yield from (".SH DESCRIPTION", _roff("Without a command, run is meant."))
    yield _roff("Credentials are never flags, but variables or files.")
    yield ".SH COMMANDS"
    for command in commands:
        yield from _paragraph(f"\\fB{_roff(command.name)}\\fR", f"{command.help}.")
    for command in commands:
        yield f'.SH "FLAGS OF {_roff(command.name.upper())}"'
        for flag in command.flags:
            yield from _paragraph(_flag(flag), flag.help)
    yield ".SH ENVIRONMENT"
    yield from _definitions(variables.items())
    yield '.SH "EXIT STATUS"'
    yield from _definitions((str(code), text) for code, text in EXIT_CODES.items())


def _definitions(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in pairs:
        yield from _paragraph(f"\\fB{_roff(name)}\\fR", text)


def _paragraph(tag: str, text: str) -> Iterator[str]:
    yield from (".TP", tag, _roff(text))


def _flag(flag: Flag) -> str:
    option, equals, value = flag.written.partition("=")
    # \\: is where a long list of values may be broken.
    values = _roff(value).replace("|", "|\\:")
    return f"\\fB{_roff(option)}\\fR{equals}\\fI{values}\\fR"


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    # A dot at the beginning of a line would be a request.
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
