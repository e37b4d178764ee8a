"""What a version tag is announced with, and what its workflow builds and publishes."""

import os
import re
import subprocess
import sys

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


def test_nothing_is_published_before_it_is_built_and_announced_before_it_is_published() -> None:
    published = {name for name, job in JOBS.items() if job.get("environment") == "release"}

    assert published == {"index", "image", "chart"}
    assert {JOBS[name]["needs"] for name in published} == {"build", "image"}
    assert {*JOBS["announcement"]["needs"]} == published | {"build"}


def test_image_is_for_both_architectures_with_provenance_and_its_contents() -> None:
    build = JOBS["image"]["steps"][-1]["run"]

    assert "--platform=linux/amd64,linux/arm64 --provenance=mode=max --sbom=true" in build
    arguments = re.findall(r"--build-arg=\"(\w+)=", build)
    assert arguments == re.findall(
        r"^ARG (VERSION|REVISION)=", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )


def test_what_the_workflow_reads_and_runs_is_there() -> None:
    scripts = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])

    assert (ROOT / "requirements" / "release.txt").exists()
    assert "PYTHONPATH=. python3 generate/release.py" in scripts
    assert (ROOT / "deploy" / "helm" / "bitopro-margin-exporter" / "Chart.yaml").exists()
