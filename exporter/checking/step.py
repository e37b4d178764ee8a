"""A line of `check`."""

from dataclasses import dataclass

from exporter.checking.terminal import Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found. `do` is what an operator does about a bad or odd one."""

    name: str
    verdict: Verdict
    text: str
    do: str = ""
