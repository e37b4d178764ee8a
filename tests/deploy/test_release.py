"""The notes of a release, and what its workflow builds and publishes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from generate.release import ReleaseError, notes
from tests.alerts.deployment import ROOT

CHANGELOG = """# Changelog

## Unreleased

## 1.2.3 - 2026-12-01

### Added

- Something.

## 1.2.2 - 2026-11-01

- Something else.

## 1.2.1
"""


def test_notes_are_the_section_of_the_version() -> None:
    assert notes("v1.2.3", "1.2.3", CHANGELOG) == "### Added\n\n- Something.\n"
    assert notes("v1.2.2", "1.2.2", CHANGELOG) == "- Something else.\n"


@pytest.mark.parametrize(
    ("tag", "version", "message"),
    [
        ("v1.2.4", "1.2.3", "the tag is v1.2.4, and exporter/__init__.py says 1.2.3"),
        ("1.2.3", "1.2.3", "the tag is 1.2.3"),
        ("v1.2.4", "1.2.4", "CHANGELOG.md: write the section 1.2.4"),
        ("v1.2.1", "1.2.1", "CHANGELOG.md: write the section 1.2.1"),
        ("v1.2", "1.2", "CHANGELOG.md: write the section 1.2"),
    ],
)
def test_tag_of_which_there_can_be_no_release_is_refused(
    tag: str, version: str, message: str
) -> None:
    with pytest.raises(ReleaseError, match=re.escape(message)):
        notes(tag, version, CHANGELOG)


def test_script_needs_nothing_that_is_installed() -> None:
    command = [sys.executable, "-S", "generate/release.py", "v0.0.0"]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("error: the tag is v0.0.0, and exporter/__init__.py says ")


WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
JOBS = WORKFLOW["jobs"]


def test_everything_that_publishes_waits_for_an_approval_and_the_index_for_image_and_chart() -> (
    None
):
    assert {name: (job.get("environment"), job.get("needs")) for name, job in JOBS.items()} == {
        "build": (None, None),
        "image": ("release", "build"),
        "chart": ("release", "image"),
        "index": ("release", ["build", "image", "chart"]),
        "github-release": ("release", ["build", "image", "chart", "index"]),
    }


def test_image_is_for_both_architectures_with_provenance_and_sbom() -> None:
    build = JOBS["image"]["steps"][-1]["with"]

    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert (build["provenance"], build["sbom"], build["push"]) == ("mode=max", True, True)
    assert re.findall(r"^(\w+)=", build["build-args"], re.MULTILINE) == re.findall(
        r"^ARG (VERSION|REVISION)=", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )


def run_step(job: str, name: str, folder: Path) -> None:
    """Run the script of a step in a folder, as the owner Example-Org and the tag v1.2.3."""
    (script,) = [
        step["run"] for step in JOBS[job]["steps"] if step.get("name", "").startswith(name)
    ]
    variables = {"TAG": "v1.2.3", "OWNER": "Example-Org", "GITHUB_OUTPUT": str(folder / "output")}
    subprocess.run(
        ["/bin/bash", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
    )


def test_image_is_named_after_the_owner_and_the_version(tmp_path: Path) -> None:
    run_step("image", "Name the image", tmp_path)

    assert (tmp_path / "output").read_text() == (
        "version=1.2.3\nimage=ghcr.io/example-org/bitopro-margin-exporter:1.2.3\n"
    )


def test_published_chart_takes_the_published_image(tmp_path: Path) -> None:
    values = Path("deploy", "helm", "bitopro-margin-exporter", "values.yaml")
    before = yaml.safe_load((ROOT / values).read_text())
    (tmp_path / values).parent.mkdir(parents=True)
    shutil.copy(ROOT / values, tmp_path / values)

    run_step("chart", "Let the chart take the image", tmp_path)

    after = yaml.safe_load((tmp_path / values).read_text())
    assert before["image"] | {"registry": "ghcr.io/example-org"} == after["image"]
    assert {**before, "image": after["image"]} == after
    assert after["image"]["repository"] == "bitopro-margin-exporter"


def test_what_the_workflow_reads_and_runs_is_there() -> None:
    scripts = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
    files = re.findall(r"(?<![\w/])(?:generate|requirements|deploy)/[\w./-]+", scripts)

    assert {"generate/release.py", "requirements/release.txt"} <= {*files}
    assert [each for each in files if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-TW.md", "docs/dev/releasing.md"])
def test_pages_name_the_addresses_that_are_published(name: str) -> None:
    text = (ROOT / name).read_text()
    scripts = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
    published = scripts.replace("${OWNER,,}", "OWNER")

    for address in ("ghcr.io/OWNER/bitopro-margin-exporter:", "oci://ghcr.io/OWNER/charts"):
        assert address in published
        assert address in text
