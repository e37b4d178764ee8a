"""What is shipped is accepted by the tools that will read it, and is read by them at all."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts.deployment import (
    ALERTMANAGER,
    ALERTMANAGER_CONFIG,
    CHINESE_RULE_FILES,
    PROMETHEUS,
    PROMETHEUS_CONFIG,
    ROOT,
    RULE_FILES,
    Document,
    document,
)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def scrape_job(name: str) -> Document:
    (job,) = (
        each for each in document(PROMETHEUS_CONFIG)["scrape_configs"] if each["job_name"] == name
    )
    found: Document = job
    return found


@pytest.mark.parametrize("path", [*RULE_FILES, *CHINESE_RULE_FILES], ids=str)
def test_promtool_finds_nothing_in_rules(promtool: str, path: Path) -> None:
    check = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", path)

    assert (check.returncode, check.stderr) == (0, "")


def test_promtool_finds_nothing_in_the_configuration(promtool: str) -> None:
    check = run(promtool, "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS_CONFIG)

    assert (check.returncode, check.stderr) == (0, "")
    assert "WARNING" not in check.stdout


def test_amtool_accepts_the_configuration(amtool: str) -> None:
    check = run(amtool, "check-config", ALERTMANAGER_CONFIG)

    assert (check.returncode, check.stderr) == (0, "")


def test_amtool_accepts_the_example_of_maintenance(amtool: str, tmp_path: Path) -> None:
    text = ALERTMANAGER_CONFIG.read_text()
    # Examples are commented YAML: a key or an item behind the mark.
    examples = re.sub(
        r"^( *)# ((?: *- )?[a-zA-Z_]+:(?: .*)?| +.*)$", r"\1\2", text, flags=re.MULTILINE
    )
    config = tmp_path / "alertmanager.yml"
    config.write_text(examples.replace("templates/*", f"{ALERTMANAGER}/templates/*"))

    check = run(amtool, "check-config", config)

    assert (check.returncode, check.stderr) == (0, "")
    muted = [each for each in document(config)["route"]["routes"] if "mute_time_intervals" in each]
    assert [each["matchers"] for each in muted] == [['alertname="BitoproMarginNotProvenSafe"']]


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_rule_file_is_loaded_by_the_configuration(path: Path) -> None:
    patterns = document(PROMETHEUS_CONFIG)["rule_files"]

    assert path in {found for pattern in patterns for found in PROMETHEUS.glob(pattern)}


@pytest.mark.parametrize("path", sorted((ALERTMANAGER / "templates").iterdir()), ids=str)
def test_template_is_loaded_by_the_configuration(path: Path) -> None:
    patterns = document(ALERTMANAGER_CONFIG)["templates"]

    assert path in {found for pattern in patterns for found in ALERTMANAGER.glob(pattern)}


def test_exporter_is_scraped_as_the_readme_says() -> None:
    (block,) = re.findall(
        r"```yaml\n(scrape_configs:.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    (told,) = yaml.safe_load(block)["scrape_configs"]
    config = document(PROMETHEUS_CONFIG)

    assert {**config["global"], **scrape_job("bitopro-margin")} == {
        **told,
        "evaluation_interval": "5s",
    }


def test_drill_is_found_by_a_file_that_comes_and_goes() -> None:
    assert scrape_job("bitopro-margin-drill")["file_sd_configs"] == [
        {"files": ["targets/*.json"], "refresh_interval": "15s"}
    ]


def test_folder_for_drills_is_shipped_and_holds_no_target() -> None:
    assert [(each.name, each.read_text()) for each in (PROMETHEUS / "targets").iterdir()] == [
        ("none.json", "[]\n")
    ]


def test_alertmanager_holds_no_secret() -> None:
    text = ALERTMANAGER_CONFIG.read_text()

    assert re.findall(r"(?:password|token|api_url|secret): *(?!\"\.\.\.\")\S+", text) == []
