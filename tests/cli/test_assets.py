"""What `assets` writes, out of a checkout and out of a wheel, and what it never overwrites."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from exporter.cli.assets import ASSETS
from exporter.cli.main import main

ROOT = Path(__file__).parents[2]


def shipped() -> dict[str, bytes]:
    """Return what is to be written, by its place, as it is in the repository."""
    places = {
        "prometheus": ROOT / "deploy" / "prometheus",
        "alertmanager": ROOT / "deploy" / "alertmanager",
        "systemd": ROOT / "deploy" / "systemd",
        "grafana/dashboards": ROOT / "grafana" / "dashboards",
        "grafana/provisioning": ROOT / "grafana" / "provisioning",
    }
    files = {
        f"{name}/{path.relative_to(folder)}": path.read_bytes()
        for name, folder in places.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".md"
    }
    return {**files, "web.example.yml": (ROOT / "deploy" / "web.example.yml").read_bytes()}


def written(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, by its place."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_of_a_checkout_are_written_with_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "assets"

    assert main(["assets", str(folder)]) == 0

    assert written(folder) == shipped()
    out = capsys.readouterr().out
    assert out.startswith(f"{len(shipped())} files written.\n")
    assert f"{folder}/prometheus: copy rules/" in out


def test_files_of_a_wheel_are_the_same_and_promtool_accepts_them(
    tmp_path: Path, wheel: Path, promtool: str
) -> None:
    installed, folder = tmp_path / "installed", tmp_path / "assets"
    ZipFile(wheel).extractall(installed)

    program = [sys.executable, "-P", "-m", "exporter"]
    of_wheel = {**os.environ, "PYTHONPATH": str(installed)}
    for arguments in (["assets", str(folder)], ["demo", "--help"], ["once", "--help"]):
        subprocess.run(
            [*program, *arguments], check=True, cwd=tmp_path, env=of_wheel, capture_output=True
        )

    assert (installed / "exporter" / "assets").is_dir()
    assert written(folder) == shipped()
    rules = sorted((folder / "prometheus" / "rules").rglob("*.rules.yml"))
    assert len(rules) == 5
    subprocess.run([promtool, "check", "rules", *rules], check=True, capture_output=True)


def test_wheel_has_every_asset_under_its_place_in_the_project() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    targets = document["tool"]["hatch"]["build"]["targets"]

    assert targets["wheel"]["force-include"] == {
        asset.source: f"exporter/assets/{asset.source}" for asset in ASSETS
    }
    # What a wheel needs has to be in the sdist, of which wheels are built too.
    assert {f"/{asset.source.split('/')[0]}" for asset in ASSETS} <= {*targets["sdist"]["include"]}


def test_file_that_differs_is_named_and_nothing_is_written_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "alertmanager" / "alertmanager.yml"
    own.parent.mkdir()
    own.write_text("receivers of my own")

    assert main(["assets", str(tmp_path)]) == 1
    assert written(tmp_path) == {"alertmanager/alertmanager.yml": b"receivers of my own"}
    assert capsys.readouterr().err == (
        f"error: {own}: exists and differs, so nothing was written; "
        "name another folder, or overwrite by --force\n"
    )

    assert main(["assets", "--force", str(tmp_path)]) == 0
    assert written(tmp_path) == shipped()
    assert main(["assets", str(tmp_path)]) == 0


def test_folder_that_cannot_be_made_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert main(["assets", str(tmp_path / "file" / "in it")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.endswith("cannot be written: Not a directory\n")
