"""The command line: one command of this package, and the exit code it ends with."""

import argparse
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib import import_module

from exporter.cli.parser import parse_arguments
from exporter.cli.terminal import OutputError, echo, echo_error
from exporter.errors import (
    EXIT_CONFIGURATION,
    EXIT_FAILED,
    EXIT_INTERNAL,
    ConfigurationError,
    UnableError,
)
from exporter.logs import traceback_text

_HINT = "hint: to see it work without an account, run: bitopro-margin-exporter demo\n"
_HINTS = {"run": _HINT, "once": _HINT}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command, `run` by default; return the exit code."""
    try:
        options = _options(sys.argv[1:] if arguments is None else arguments)
    except OutputError as error:
        echo_error(f"error: {error}\n")
        return EXIT_FAILED
    try:
        # What only other commands need is not imported, so that `run` starts sooner and is smaller.
        code: int = import_module(f"exporter.cli.{options.command}").main(options)
    except ConfigurationError as error:
        echo_error("".join(f"error: {problem}\n" for problem in error.problems))
        echo_error(_HINTS.get(options.command, ""))
        return EXIT_CONFIGURATION
    except UnableError as error:
        echo_error(f"error: {error}\n")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - Python's own traceback could show a secret
        echo_error(f"error: a bug; please report it\n{traceback_text(error)}\n")
        return EXIT_INTERNAL
    return code


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse flags. Raises SystemExit after --help, --version and wrong usage, or OutputError."""
    printed = io.StringIO()
    try:
        # argparse itself would end with 0 on a full disk, or with 120 and a traceback.
        with redirect_stdout(printed):
            return parse_arguments(arguments)
    finally:
        if text := printed.getvalue():
            echo(text)
