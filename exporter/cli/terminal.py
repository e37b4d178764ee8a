"""What is printed, and how a terminal shows it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from exporter.errors import UnableError


class OutputError(UnableError):
    """Standard output takes nothing more: a full disk, a terminal that is gone."""


def echo(text: str) -> bool:
    """Write to standard output what was asked for, and return False if its reader has left.

    That is no error: `| head` reads as much as it wants. Raises OutputError for any other reason.
    """
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        return False
    except OSError as error:
        raise OutputError(f"standard output: cannot be written: {error.strerror}") from error
    return True


def echo_error(text: str) -> None:
    """Write to standard error why this ends; where that fails, there is no place to say so."""
    try:
        _write(sys.stderr, text)
    except OSError:
        return


def _write(stream: TextIO | None, text: str) -> None:
    """Write, with escapes for what the stream's encoding lacks. Raises OSError."""
    if stream is None:
        # Closed from the start.
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        # The interpreter would try again at its end, and fail.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        raise


Verdict = Literal["good", "odd", "bad", "none"]

_SIGNS = {"good": "✓", "odd": "!", "bad": "✗", "none": "-"}
_ASCII_SIGNS = {"good": "ok  ", "odd": "note", "bad": "FAIL", "none": "-   "}
_COLOURS = {"good": "\x1b[32m", "odd": "\x1b[33m", "bad": "\x1b[1;31m", "none": "\x1b[2m"}
NO_COLOUR_VARIABLE = "NO_COLOR"
NO_COLOUR_DESCRIPTION = "if set to anything, nothing is printed in colour"
_ARROW, _ASCII_ARROW = "→", "->"
_PLAIN = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the output can show. `encoding` is that of the stream."""

    encoding: str
    has_colour: bool

    def sign(self, verdict: Verdict) -> str:
        """Return the sign for a verdict; it differs in form, and not by colour alone."""
        sign = (_SIGNS if self._has_signs() else _ASCII_SIGNS)[verdict]
        return f"{_COLOURS[verdict]}{sign}{_PLAIN}" if self.has_colour else sign

    def arrow(self) -> str:
        """Return what stands before a hint."""
        return _ARROW if self._has_signs() else _ASCII_ARROW

    def printable(self, text: str) -> str:
        """Return the text with escapes for what the encoding does not have."""
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def _has_signs(self) -> bool:
        try:
            "".join((*_SIGNS.values(), _ARROW)).encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


def terminal_of(stream: TextIO | None = None) -> Terminal:
    """Look at a stream, standard output by default, and at NO_COLOR (https://no-color.org)."""
    stream = sys.stdout if stream is None else stream
    if stream is None:
        # Closed from the start: nothing will be seen.
        return Terminal("ascii", has_colour=False)
    wants_colour = not os.environ.get(NO_COLOUR_VARIABLE) and os.environ.get("TERM") != "dumb"
    return Terminal(stream.encoding or "ascii", has_colour=wants_colour and stream.isatty())
