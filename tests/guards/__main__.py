"""`python -m tests.guards`: disable every guard in turn, and tell which test notices.

Works on copies of the tree, two guards at a time. Exit code 1 if a guard can be disabled unnoticed
or is not found, or if the tests fail even with all guards in place. `--list` prints the table of
guards for the documentation; an argument other than that selects guards by a part of their name.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

from exporter.exit_codes import EXIT_INTERNAL
from tests.guards import GUARDS
from tests.guards.guard import Guard

_ROOT = Path(__file__).parents[2]
# Tests look at documentation and deployment as well.
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".hypothesis", ".*_cache", "__pycache__", "build", "dist"
)
_AT_ONCE = 2
# A guard may be what keeps a test from waiting for ever.
_LONGEST_SECONDS = 60
_LONGEST_OF_ALL_SECONDS = 600
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py(?:::.+?)?)(?: - |$)", re.MULTILINE)


def main(arguments: Sequence[str]) -> int:
    """Check every guard, or list them."""
    if "--list" in arguments:
        sys.stdout.write(table())
        return 0
    guards = [guard for guard in GUARDS if all(word in guard.name for word in arguments)]
    started = time.monotonic()
    with TemporaryDirectory(prefix="guards-") as folder:
        trees: Queue[Path] = Queue()
        for number in range(_AT_ONCE):
            trees.put(_copy(Path(folder) / str(number)))
        tests = sorted({word for guard in guards for word in guard.tests if ".py" in word})
        if failed := _in_a_tree(
            trees, lambda tree: _first_failure(tree, tests, _LONGEST_OF_ALL_SECONDS)
        ):
            sys.stdout.write(f"with all guards in place: {failed}\n")
            return 1
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            verdicts = threads.map(
                lambda guard: _in_a_tree(trees, lambda tree: check(tree, guard)), guards
            )
            survived = sum([_told(*each) for each in zip(guards, verdicts, strict=True)])
    sys.stdout.write(
        f"{len(guards)} guards, {survived} survived, {time.monotonic() - started:.0f} s\n"
    )
    return 1 if survived else 0


def check(tree: Path, guard: Guard) -> str | None:
    """Disable a guard in a copy of the tree; give the first test that fails, None if none does."""
    path = tree / "exporter" / guard.file
    source = path.read_text(encoding="utf-8")
    if source.count(guard.fragment) != 1:
        raise ValueError(f"{guard.name}: the fragment is not exactly once in {guard.file}")
    _replace(path, source.replace(guard.fragment, guard.replacement))
    try:
        return _first_failure(tree, guard.tests)
    finally:
        _replace(path, source)


def table() -> str:
    """Give the guards as a table in Markdown."""
    rows = [f"| {guard.name} | `{guard.file}` | `{guard.tests[0]}` |" for guard in GUARDS]
    return "\n".join(["| The exporter | where | first asked |", "|---|---|---|", *rows, ""])


def _copy(tree: Path) -> Path:
    return Path(shutil.copytree(_ROOT, tree, ignore=_LEFT_OUT))


def _replace(path: Path, source: str) -> None:
    path.write_text(source, encoding="utf-8")
    # Python tells a changed source by its size and its second, neither of which need differ here.
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def _first_failure(
    tree: Path, tests: Sequence[str], longest_seconds: float = _LONGEST_SECONDS
) -> str | None:
    # Options and what belongs to them are those that name no file.
    paths = [f"tests/{word}" if ".py" in word or word == "faults" else word for word in tests]
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *paths],
            cwd=tree,
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=longest_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {longest_seconds:g} s"
    if ended.returncode == 0:
        return None
    failed = _FAILED.search(ended.stdout)
    if ended.returncode == EXIT_INTERNAL:
        return "the process, which died"
    if failed is None and ended.returncode != 1:
        # 5: nothing was selected, or a test that is named does not exist; that proves nothing.
        raise ValueError(f"pytest {' '.join(paths)} ended with {ended.returncode}:\n{ended.stdout}")
    return failed[1].removeprefix("tests/") if failed else "the canary plugin"


def _in_a_tree(trees: "Queue[Path]", run: Callable[[Path], str | None]) -> str | None:
    tree = trees.get()
    try:
        return run(tree)
    finally:
        trees.put(tree)


def _told(guard: Guard, killed_by: str | None) -> bool:
    """Print a guard's verdict, and tell whether it survived."""
    sys.stdout.write(f"{guard.file:34}{guard.name:66}{killed_by or 'SURVIVED'}\n")
    sys.stdout.flush()
    return killed_by is None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
