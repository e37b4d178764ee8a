"""The unit, read by systemd's own analysis."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.cli.parser import parse_arguments
from exporter.config.environment import known_variables
from exporter.errors import EXIT_INTERNAL
from tests.alerts.deployment import ROOT

SYSTEMD = ROOT / "deploy" / "systemd"
NAME = "bitopro-margin-exporter.service"
UNIT = (SYSTEMD / NAME).read_text()
DROP_IN = (SYSTEMD / "several-accounts.conf").read_text()
COMMAND = "/opt/bitopro-margin-exporter/bin/bitopro-margin-exporter"


def settings(name: str, text: str = UNIT) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.fixture
def analyze() -> str:
    """The tool, from Debian's package systemd."""
    path = shutil.which("systemd-analyze")
    if path is None:
        pytest.skip("systemd-analyze is missing: install Debian's package systemd")
    return path


@pytest.fixture(params=["alone", "with the drop-in"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit where a command is that can be run, as if it were installed."""
    unit = tmp_path / NAME
    unit.write_text(UNIT.replace(COMMAND, "/usr/bin/env"))
    drop_in = tmp_path / f"{NAME}.d" / "several-accounts.conf"
    drop_in.parent.mkdir()
    texts = {"alone": "", "with the drop-in": DROP_IN.replace(COMMAND, "/usr/bin/env")}
    drop_in.write_text(texts[request.param])
    return unit


def test_systemd_finds_nothing(analyze: str, installed: Path) -> None:
    check = subprocess.run(
        [analyze, "--man=no", "verify", installed], capture_output=True, text=True, check=False
    )

    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def test_systemd_notices_what_is_wrong(analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / NAME
    unit.write_text(UNIT.replace(COMMAND, "/usr/bin/env").replace("ProtectHome=", "ProtectHomes="))

    check = subprocess.run(
        [analyze, "--man=no", "verify", unit], capture_output=True, text=True, check=False
    )

    assert "ProtectHomes" in check.stderr


def test_hardly_anything_is_exposed(analyze: str, installed: Path) -> None:
    command: list[str | Path] = [
        analyze,
        "security",
        "--offline=yes",
        "--threshold=15",
        "--no-pager",
        installed,
    ]

    check = subprocess.run(command, capture_output=True, text=True, check=False)

    assert check.returncode == 0, check.stdout
    level = re.search(r"Overall exposure level for \S+: ([\d.]+) OK", check.stdout)
    assert level is not None
    assert float(level[1]) <= 1.5


def test_credentials_are_loaded_and_named_to_the_exporter() -> None:
    loaded = dict(each.split(":", 1) for each in settings("LoadCredential"))
    variables = dict(each.split("=", 1) for each in settings("Environment") if "%d" in each)

    assert {variable: path.removeprefix("%d/") for variable, path in variables.items()} == {
        "BITOPRO_API_KEY_FILE": "api-key",
        "BITOPRO_API_SECRET_FILE": "api-secret",
        "BITOPRO_EMAIL_FILE": "email",
    }
    assert variables.keys() <= known_variables()
    assert loaded == {
        name: f"/etc/bitopro-margin-exporter/{name}" for name in ("api-key", "api-secret", "email")
    }


@pytest.mark.parametrize("text", [UNIT, DROP_IN], ids=["unit", "drop-in"])
def test_exporter_understands_its_command(text: str) -> None:
    path, *arguments = settings("ExecStart", text)[-1].split()

    assert path == COMMAND
    assert parse_arguments(arguments).listen_addresses == ["127.0.0.1:10061"]


def test_no_variable_of_one_account_is_left_beside_a_file_of_several() -> None:
    named = settings("EnvironmentFile", f"{UNIT}{DROP_IN}")
    variables = settings("Environment", DROP_IN)

    # systemd forgets what came before an empty value.
    assert named[-1] == ""
    assert variables[0] == ""
    assert not [each for each in variables if each.startswith("BITOPRO_")]


def test_exporter_is_supervised() -> None:
    assert settings("Type") == ["notify"]
    assert settings("WatchdogSec") == ["30s"]
    assert settings("Restart") == ["on-failure"]


def test_a_bug_is_started_anew_and_a_wrong_configuration_is_not() -> None:
    final = settings("RestartPreventExitStatus")[0].split()

    assert final == ["2", "78"]
    assert str(EXIT_INTERNAL) not in final


def test_memory_with_keys_in_it_is_never_written_to_disk() -> None:
    assert settings("LimitCORE") == ["0"]
    assert settings("MemorySwapMax") == ["0"]


def test_example_names_variables_that_exist() -> None:
    text = (SYSTEMD / "environment.example").read_text()
    named = re.findall(r"^#?(BITOPRO_\w+)=", text, re.MULTILINE)

    assert set(named) <= known_variables()
    assert [each for each in named if "KEY" in each or "SECRET" in each or "EMAIL" in each] == []
