"""How a line looks to a person: with signs or plain ASCII, in colour or not."""

import os
import sys
from dataclasses import dataclass
from typing import Literal, TextIO

Verdict = Literal["good", "odd", "bad", "none"]

_SIGNS = {"good": "✓", "odd": "!", "bad": "✗", "none": "-"}
_ASCII_SIGNS = {"good": "ok  ", "odd": "note", "bad": "FAIL", "none": "-   "}
_COLOURS = {"good": "\x1b[32m", "odd": "\x1b[33m", "bad": "\x1b[1;31m", "none": "\x1b[2m"}
_ARROW, _ASCII_ARROW = "→", "->"
_PLAIN = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the output can show. `encoding` is that of the stream."""

    encoding: str
    has_colour: bool

    def sign(self, verdict: Verdict) -> str:
        """Give the sign for a verdict; it differs in form, and not by colour alone."""
        sign = (_SIGNS if self._has_signs() else _ASCII_SIGNS)[verdict]
        return f"{_COLOURS[verdict]}{sign}{_PLAIN}" if self.has_colour else sign

    def arrow(self) -> str:
        """Give what stands before an advice."""
        return _ARROW if self._has_signs() else _ASCII_ARROW

    def printable(self, text: str) -> str:
        """Give the text with escapes for what the encoding does not have."""
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
    wants_colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Terminal(stream.encoding or "ascii", has_colour=wants_colour and stream.isatty())
