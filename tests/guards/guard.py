"""What a guard is: a place in the source, and how to disable it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """One guard. `name` completes the sentence "the exporter ...".

    `fragment` occurs exactly once in `exporter/<file>`; with `replacement` in its place the guard
    is off, and one of `tests`, pytest's arguments below `tests/`, must fail.
    """

    name: str
    file: str
    fragment: str
    replacement: str
    tests: tuple[str, ...]
