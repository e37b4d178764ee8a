"""Plain text for whoever started us, if anybody still reads it."""

import os
import sys
from pathlib import Path
from typing import TextIO

from exporter.errors import UnableError


class OutputError(UnableError):
    """Standard output takes nothing more: a full disk, a terminal that is gone."""


def tell(text: str) -> bool:
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


def complain(text: str) -> None:
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
