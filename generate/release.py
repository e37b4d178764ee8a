"""Print the notes of a release: `PYTHONPATH=. python3 generate/release.py v1.2.3`.

It needs the standard library only.
"""

import re
import sys
from pathlib import Path

from exporter import __version__

_CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


class ReleaseError(Exception):
    """A tag of which no release can be made; says what is missing."""


def notes(tag: str, version: str, changelog: str) -> str:
    """Return the section of the changelog on a version, without its heading.

    Raises ReleaseError if the tag is not that of the version, or the section is missing or empty.
    """
    if tag != f"v{version}":
        raise ReleaseError(f"the tag is {tag}, and exporter/__init__.py says {version}")
    heading = rf"^## \[?{re.escape(version)}\]?(?: - \d{{4}}-\d\d-\d\d)?$"
    found = re.search(rf"{heading}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ReleaseError(f"CHANGELOG.md: write the section {version}, out of Unreleased")
    return f"{found[1].strip()}\n"


def main() -> int:
    """Print the notes of the tag that is named; 1 if there can be no release."""
    try:
        text = notes(sys.argv[1], __version__, _CHANGELOG.read_text(encoding="utf-8"))
    except ReleaseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
