"""The real Compose, Helm, Kubernetes' schemas and hadolint, from an environment of their own."""

import json
import subprocess
from collections.abc import Hashable
from functools import cache
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
        print(json.dumps(loaded.render(values=values, name=sys.argv[3], namespace="finance")))
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


def rendered(
    values: dict[str, Any], release: str = "margin", chart: Path = CHART
) -> dict[str, str]:
    """Return the text of each template by its file's name. Fails the test if they are refused."""
    done = _render(json.dumps(values), release, chart)
    assert done.returncode == 0, done.stderr
    return {name.rpartition("/")[2]: text for name, text in json.loads(done.stdout).items()}


def refusal(values: dict[str, Any]) -> str:
    """Return why these values are refused."""
    done = _render(json.dumps(values), "margin", CHART)
    assert done.returncode != 0
    return done.stderr


@cache
def _render(values: str, release: str, chart: Path) -> subprocess.CompletedProcess[str]:
    return run("python", "-c", _RENDER, chart, values, release)


def findings(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what `helm lint --strict` has to say, beyond remarks."""
    done = run("python", "-c", _LINT, CHART, json.dumps(values))
    assert done.returncode == 0, done.stderr
    return [each for each in json.loads(done.stdout)["messages"] if each["severity"] > 1]


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key that is there twice, as Kubernetes does and YAML asks for."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Return the mapping. Raises ConstructorError."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(
                None, None, f"twice: {', '.join(sorted(map(str, twice)))}", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def documents(text: str) -> list[Any]:
    """Return the documents of a YAML text. Raises ConstructorError if a key is there twice."""
    return [each for each in yaml.load_all(text, _StrictLoader) if each]


def manifests(templates: dict[str, str]) -> list[Manifest]:
    """Return all objects of a rendered chart."""
    return [
        each
        for name, text in templates.items()
        if name.endswith(".yaml")
        for each in documents(text)
    ]


def is_hook(manifest: Manifest) -> bool:
    """Return whether it exists only while `helm test` runs."""
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})
