"""The real Compose, Helm, Kubernetes' schemas and hadolint, from an environment of their own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate.bundle import CHART, ROOT
from tests.deploy.policy import Manifest

TOOLS = ROOT / "build" / "deploy-tools" / "bin"

# The engine is a library for Python; it renders as `helm template` does.
_RENDER = """
import json, sys, helm_python
chart, values = sys.argv[1], json.loads(sys.argv[2])
try:
    with helm_python.Chart.load(chart) as loaded:
        print(json.dumps(loaded.render(values=values, name="margin", namespace="finance")))
except helm_python.HelmError as error:
    sys.exit(str(error))
"""
_LINT = """
import json, sys, helm_python
print(json.dumps(helm_python.lint(sys.argv[1], json.loads(sys.argv[2]), strict=True)))
"""


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool in the root of the repository."""
    path = TOOLS / tool
    if not path.exists():
        pytest.skip("make deploy-test installs the tools")
    return subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def rendered(values: dict[str, Any]) -> dict[str, str]:
    """Render the chart; give the text of each template by its name. Fails the test if refused."""
    done = run("python", "-c", _RENDER, CHART, json.dumps(values))
    assert done.returncode == 0, done.stderr
    return {name.rpartition("/")[2]: text for name, text in json.loads(done.stdout).items()}


def refusal(values: dict[str, Any]) -> str:
    """Render the chart; give why that is refused."""
    done = run("python", "-c", _RENDER, CHART, json.dumps(values))
    assert done.returncode != 0
    return done.stderr


def findings(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what `helm lint --strict` has to say, beyond remarks."""
    done = run("python", "-c", _LINT, CHART, json.dumps(values))
    assert done.returncode == 0, done.stderr
    return [each for each in json.loads(done.stdout)["messages"] if each["severity"] > 1]


def manifests(templates: dict[str, str]) -> list[Manifest]:
    """Return all objects of a rendered chart."""
    return [
        each
        for name, text in templates.items()
        if name.endswith(".yaml")
        for each in yaml.safe_load_all(text)
        if each
    ]
