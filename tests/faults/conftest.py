"""The table of the fault bench, printed at the end of the run."""

import pytest

from tests.faults.bench import Verdict

VERDICTS = pytest.StashKey[list[Verdict]]()


@pytest.fixture
def verdicts(request: pytest.FixtureRequest) -> list[Verdict]:
    """Collect what the bench found, for the table."""
    return request.config.stash.setdefault(VERDICTS, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print a line for each reason, and the line that matters."""
    verdicts = config.stash.get(VERDICTS, [])
    if not verdicts:
        return
    terminalreporter.section("fault bench")
    for outcome in sorted({each.outcome for each in verdicts}):
        alike = [each for each in verdicts if each.outcome == outcome]
        slowest = max(each.duration_seconds for each in alike)
        terminalreporter.write_line(
            f"{outcome:14}{len(alike):4} faults, slowest poll {slowest * 1000:7.1f} ms"
        )
    terminalreporter.write_line(
        f"{len(verdicts)} faults: "
        f"{sum(each.is_silently_wrong for each in verdicts)} silent wrong values, "
        f"{sum(each.hangs for each in verdicts)} hangs past the deadline, "
        f"{sum(not each.recovers for each in verdicts)} not recovered"
    )
    if config.get_verbosity() > 0:
        for each in verdicts:
            terminalreporter.write_line(
                f"{each.fault:34}{each.outcome:14}{each.duration_seconds * 1000:8.1f} ms"
            )
