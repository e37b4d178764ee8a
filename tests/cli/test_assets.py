"""What `assets` writes, out of a checkout and out of a wheel, and what it never overwrites."""

import re
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from exporter.cli.assets import ASSETS, Asset
from exporter.cli.main import main
from tests.process.running import FREE_PORT, Running, until

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
    examples = [ROOT / "deploy" / name for name in ("config.example.yml", "web.example.yml")]
    return {**files, **{path.name: path.read_bytes() for path in examples}}


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
    lines = out.splitlines()[2:]
    assert [each.partition(": ")[0] for each in lines] == [
        f"{folder}/{each.target}" for each in ASSETS
    ]
    assert f"{folder}/prometheus: copy rules/" in out
    # Copied whole, it would replace the notification policies of an existing Grafana.
    assert "alerting/ only instead of Alertmanager" in out


def test_files_of_an_installed_wheel_are_the_same_and_promtool_accepts_them(
    tmp_path: Path, installed: Path, promtool: str
) -> None:
    folder = tmp_path / "assets"

    subprocess.run([installed, "assets", folder], check=True, cwd=tmp_path, capture_output=True)

    assert written(folder) == shipped()
    rules = sorted((folder / "prometheus" / "rules").rglob("*.rules.yml"))
    assert len(rules) == 5
    subprocess.run([promtool, "check", "rules", *rules], check=True, capture_output=True)


@pytest.mark.parametrize("command", ["demo", "once"])
def test_other_commands_of_an_installed_wheel_show_their_help(
    tmp_path: Path, installed: Path, command: str
) -> None:
    run = subprocess.run(
        [installed, command, "--help"], check=True, cwd=tmp_path, capture_output=True, text=True
    )

    assert run.stdout.startswith(f"usage: bitopro-margin-exporter {command} ")


def test_demo_of_an_installed_wheel_serves_three_accounts(installed: Path) -> None:
    with Running([str(installed), "demo", FREE_PORT], {}) as demo:
        url = until(lambda: re.search(r"metrics  (http\S+)\n", demo.stdout), "the URL")[1]

        def accounts() -> list[str]:
            page = httpx.get(url, trust_env=False).text
            found = re.findall(r'^bitopro_margin_up\{account="(.*)"\} 1', page, re.MULTILINE)
            return found if len(found) == 3 else []

        assert until(accounts, "three accounts") == ["demo-1", "demo-2", "demo-3"]


def test_wheel_has_every_asset_under_its_place_in_the_project() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    targets = document["tool"]["hatch"]["build"]["targets"]

    assert targets["wheel"]["force-include"] == {
        asset.source: f"exporter/assets/{asset.source}" for asset in ASSETS
    }


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


def test_installation_without_the_files_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("exporter.cli.assets.ASSETS", (Asset("deploy/gone", "gone", "nothing"),))

    assert main(["assets", str(tmp_path / "new")]) == 1
    assert not (tmp_path / "new").exists()
    assert capsys.readouterr().err == (
        f"error: {ROOT}/deploy/gone: missing; install the package again, from a wheel\n"
    )
