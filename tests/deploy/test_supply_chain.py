"""What is installed is known, and what runs our tests elsewhere can do nothing else."""

import re
from pathlib import Path

import pytest
import yaml

from deploy.sbom import LOCK, components, document
from exporter import __version__
from tests.alerts.deployment import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

FILES = (
    "13b2beaad985e05e2d6407ee4c4f35590b11f8d693a258a561055cac8f64cab7",
    "f072f4d804ea359e4eaf198b1af7a8b0943881a87f31bb764f8bf219bb9419e0",
)
PIN = f"""\
annotated-types==0.8.0 \\
    --hash=sha256:{FILES[0]} \\
    --hash=sha256:{FILES[1]}
    # via pydantic
Color_ama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44
"""


def test_package_is_known_by_version_place_and_hashes() -> None:
    first, second = components(PIN)

    assert first == {
        "type": "library",
        "bom-ref": "pkg:pypi/annotated-types@0.8.0",
        "name": "annotated-types",
        "version": "0.8.0",
        "purl": "pkg:pypi/annotated-types@0.8.0",
        "externalReferences": [
            {
                "type": "distribution",
                "url": "pkg:pypi/annotated-types@0.8.0",
                "hashes": [{"alg": "SHA-256", "content": each} for each in FILES],
            }
        ],
    }
    assert second["purl"] == "pkg:pypi/color-ama@0.4.6"
    assert second["scope"] == "optional"
    assert second["properties"] == [{"name": "python:marker", "value": "sys_platform == 'win32'"}]


@pytest.mark.parametrize("line", ["httpx", "-r other.txt", "httpx @ https://example.com/x.whl"])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="neither a pin nor a hash"):
        components(line)


def test_bill_names_everything_that_is_installed_and_the_exporter() -> None:
    bill = document(LOCK.read_text())

    pinned = re.findall(r"^([\w.-]+)==(\S+)", LOCK.read_text(), re.MULTILINE)
    assert [(each["name"], each["version"]) for each in bill["components"]] == pinned
    assert bill["metadata"]["component"]["version"] == __version__
    assert [
        each for each in bill["components"] if not each["externalReferences"][0]["hashes"]
    ] == []


def test_bill_is_the_same_for_the_same_lock() -> None:
    assert document(PIN) == document(PIN)
    assert document(PIN)["serialNumber"] != document(PIN[:200])["serialNumber"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_has_a_hash_for_everything_and_names_no_index(path: Path) -> None:
    parts = components(path.read_text())

    assert [each["name"] for each in parts if not each["externalReferences"][0]["hashes"]] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_may_read_and_nothing_more(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {}
    assert [job["permissions"] for job in workflow["jobs"].values()] == [{"contents": "read"}]
    assert "secrets." not in str(workflow)


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
