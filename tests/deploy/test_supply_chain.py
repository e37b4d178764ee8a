"""What is installed is known, and what runs our tests elsewhere can do nothing else."""

import re
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
    "announcement": {"contents": "write"},
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


def test_workflow_runs_what_decides_here() -> None:
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["test"][
        "steps"
    ]

    assert steps[-1]["run"] == "bash .ci/run"


def test_deployment_page_leads_to_every_way() -> None:
    linked = re.findall(r"\]\(([a-z/-]+)/README\.md\)", (ROOT / "deploy" / "README.md").read_text())

    assert {(ROOT / "deploy" / each / "README.md").exists() for each in linked} == {True}
    assert {path.parent for path in (ROOT / "deploy").rglob("README.md")} - {ROOT / "deploy"} == {
        ROOT / "deploy" / each for each in linked
    }
