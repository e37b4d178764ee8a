"""Secret files that are not ordinary files."""

from pathlib import Path

import pytest

from exporter.configuration.credentials import Secret
from exporter.errors import ConfigurationError

TERABYTE = 1 << 40


def test_file_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        # A hole, which takes no room.
        file.truncate(TERABYTE)

    with pytest.raises(ConfigurationError, match="is larger than 4096 bytes"):
        Secret("key", file=path).read()


def test_name_that_no_file_can_have_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secret("key", file=tmp_path / ("x" * 300)).read()

    assert str(caught.value) == "key: cannot read the file that it names: File name too long"
