"""Packages are layers, in the order that the table of the design has, and imports respect it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# First column: exporter/ for what is in no package of its own. Second: modules.
ROWS = re.findall(
    r"^\| `(?:exporter|(\w+))/` \| (.*?) \|",
    (ROOT / "docs" / "design.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
LAYERS = {
    ".".join(filter(None, ("exporter", package, module))): layer
    for layer, (package, modules) in enumerate(ROWS)
    for module in re.findall(r"`(\w+)`", modules)
}
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "exporter").rglob("*.py"))
}


def imported(source: str) -> Iterator[str]:
    """Give the modules of ours that a source imports, at its top or anywhere else in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Of a package, a module; of a module, what is in it.
            yield f"{'.' * node.level}{node.module or ''}"
            yield from (f"{node.module}.{each.name}" for each in node.names)


def against_the_order(module: str, source: str) -> list[str]:
    return [
        each
        for each in imported(source)
        if each.startswith(".") or LAYERS.get(each, 0) > LAYERS[module]
    ]


def test_every_module_is_in_the_row_of_its_package() -> None:
    modules = {module for module in SOURCES if not module.endswith(".__init__")}

    assert modules == LAYERS.keys()


def test_every_package_is_one_row() -> None:
    packages = {module.split(".")[1] for module in SOURCES if module.count(".") > 1}
    named = [package for package, _ in ROWS if package]

    assert sorted(named) == sorted(packages)


def test_modules_import_from_their_own_row_and_from_those_above() -> None:
    wrong = {
        module: found for module in LAYERS if (found := against_the_order(module, SOURCES[module]))
    }

    assert wrong == {}


@pytest.mark.parametrize(
    "line",
    [
        "from exporter.web.application import Application",
        "from exporter.web import application",
        "import exporter.web.application",
        "def late():\n    from exporter.web.application import Application",
        "if TYPE_CHECKING:\n    from exporter.web.application import Application",
    ],
    ids=["of_a_module", "of_a_package", "whole", "late", "for_types"],
)
def test_import_against_the_order_is_noticed(line: str) -> None:
    assert against_the_order("exporter.exchange.wire", line) == ["exporter.web.application"]
    assert against_the_order("exporter.service.running", line) == []


def test_relative_import_is_noticed() -> None:
    assert against_the_order("exporter.exchange.wire", "from .tap import Tap") == [".tap"]


def test_simulator_imports_nothing_of_the_exporter() -> None:
    sources = [source for module, source in SOURCES.items() if ".simulator." in module]
    ours = {each for source in sources for each in imported(source) if each.startswith("exporter")}

    assert [each for each in ours if not each.startswith("exporter.simulator")] == []


def test_packages_import_nothing_by_themselves() -> None:
    # Whoever needs one module of a package does not wait for the others.
    more_than_a_docstring = [
        module
        for module, source in SOURCES.items()
        if module.endswith(".__init__") and len(ast.parse(source).body) > 1
    ]

    # The version; and the simulator's own parts, for those who test with it.
    assert more_than_a_docstring == ["exporter.__init__", "exporter.simulator.__init__"]
    assert [*imported(SOURCES["exporter.__init__"])] == []
