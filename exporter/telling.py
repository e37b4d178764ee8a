"""Plain text for whoever started us, if anybody still reads it."""

import os
import sys
from pathlib import Path
from typing import TextIO


def tell(text: str) -> None:
    """Write to standard output what was asked for."""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """Write to standard error why this ends."""
    _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        # Closed from the start.
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        # The interpreter would try again at its end, and fail.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
