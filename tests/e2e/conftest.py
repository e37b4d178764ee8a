"""All faults run once, and each test looks at what came of one."""

import pytest

from tests.e2e.alerting import missing_tool
from tests.e2e.drill_stages import FaultRuns, run_faults
from tests.e2e.faults import FAULTS
from tests.e2e.table import table

_TABLE = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> FaultRuns:
    """What came of all faults."""
    if package := missing_tool():
        pytest.skip(f"install Debian's package {package}")
    result = run_faults(tmp_path_factory.mktemp("faults"), FAULTS)
    pytestconfig.stash[_TABLE] = table(result.outcomes.values())
    return result


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the table, whatever became of the tests."""
    if text := config.stash.get(_TABLE, ""):
        terminalreporter.write_sep("=", "faults")
        terminalreporter.write_line(text)
