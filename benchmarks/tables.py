"""Results as JSON for programs and as tables in Markdown for people."""

import json
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

_RESULTS = Path(__file__).parent / "results"


def write_json(name: str, rows: Iterable[Any]) -> None:
    """Write rows, which are dataclasses, beside what they were measured with."""
    document = {"machine": _machine(), "rows": [asdict(row) for row in rows]}
    _RESULTS.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1)
    (_RESULTS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def say(line: str = "") -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table in Markdown."""
    say(f"| {' | '.join(header)} |")
    say(f"|{'---|' * len(header)}")
    for row in rows:
        say(f"| {' | '.join(row)} |")
    say()


def _machine() -> dict[str, object]:
    """Return what class of machine this is, and nothing that identifies it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(models),
        "python": platform.python_version(),
        "system": platform.system(),
    }
