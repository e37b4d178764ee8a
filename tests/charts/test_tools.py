"""Dockerfile, Compose file and plain manifests, read by the tools that will read them."""

import json
from pathlib import Path

import pytest

from exporter.cli.parser import parse_arguments
from generate.bundle import COMPOSE, KUBERNETES, ROOT
from tests.charts.tools import run

MANIFESTS = sorted(
    str(path.relative_to(KUBERNETES))
    for path in KUBERNETES.rglob("*.yaml")
    # Of the operator and of kustomize, which have no schema there.
    if not path.name.startswith(("kustomization", "podmonitor", "rules", "servicemonitor"))
)


def test_hadolint_finds_nothing() -> None:
    check = run("hadolint", ROOT / "Dockerfile")

    assert (check.returncode, check.stdout) == (0, "")


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
