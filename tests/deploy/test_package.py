"""What the package index shows, and what is in the source distribution."""

import re
import subprocess
import sys
import tarfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.alerts.deployment import ROOT


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """The metadata of the wheel."""
    with ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def test_links_and_pictures_of_the_page_lead_somewhere_without_the_repository(
    metadata: Message,
) -> None:
    page = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)]+)\)", page)
    source = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())

    assert len(targets) == len(source) > 20
    assert [each for each in targets if not each.startswith("https://")] == []
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)
    assert [each.split("/")[2] for each in pictures] == ["raw.githubusercontent.com"]


def test_links_that_are_made_are_of_files_that_are_there(metadata: Message) -> None:
    home = re.escape(str(metadata["Project-URL"]).partition(", ")[2])
    made = re.findall(rf"\]\({home}/blob/main/([^)#]+)", str(metadata.get_payload()))

    assert made != []
    assert [each for each in made if not (ROOT / each).exists()] == []
    assert (ROOT / "docs" / "images" / "margin-account.png").exists()


def test_every_python_that_is_tested_is_named(metadata: Message) -> None:
    named = {
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier", [])
        if each.startswith("Programming Language :: Python :: 3.")
    }

    assert named == {"3.11", "3.12", "3.13", "3.14"}
    assert metadata["Requires-Python"] == ">=3.11"


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel by name."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_source_distribution_builds_the_same_wheel_and_has_no_tests(
    tmp_path: Path, wheel: Path
) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t"]
    subprocess.run([*build, "sdist", "-d", tmp_path], check=True, cwd=ROOT, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    source = tmp_path / archive.name.removesuffix(".tar.gz")
    subprocess.run([*build, "wheel", "-d", tmp_path], check=True, cwd=source, capture_output=True)
    (built,) = tmp_path.glob("*.whl")

    assert contents(built) == contents(wheel)
    assert {each.name for each in source.iterdir()} == {
        *("exporter", "deploy", "grafana", "pyproject.toml", ".gitignore", "PKG-INFO"),
        *("README.md", "CHANGELOG.md", "LICENSE"),
    }
