"""One exporter for all who abuse it: each must leave it as it was."""

from collections.abc import Iterator

import pytest

from tests.abuse.limited_process import RunningExporter, running_exporter


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExporter]:
    with running_exporter(tmp_path_factory.mktemp("abused")) as running:
        yield running
