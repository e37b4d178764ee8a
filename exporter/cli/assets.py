"""`assets`: rules, dashboards and examples out of the package, for whoever has no checkout."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter.cli.terminal import echo
from exporter.errors import UnableError

# A wheel has them in a folder of the package; a checkout, in their places beside it.
_PACKAGE = Path(__file__).parents[1]
_IN_WHEEL = _PACKAGE / "assets"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or folder: its place in the project and in the target, and what to do with it."""

    source: str
    target: str
    next_step: str


ASSETS = (
    Asset(
        "deploy/prometheus",
        "prometheus",
        "copy rules/ and targets/ beside your prometheus.yml and take over its jobs; rules/zh-TW "
        "are the same alerts in Traditional Chinese, to be loaded instead of those of their names",
    ),
    Asset(
        "deploy/alertmanager",
        "alertmanager",
        "fill in your receivers, copy both beside your alertmanager.yml, and run amtool "
        "check-config",
    ),
    Asset("grafana/dashboards", "grafana/dashboards", "import them in Grafana"),
    Asset("grafana/provisioning", "grafana/provisioning", "or let Grafana read all of it itself"),
    Asset(
        "deploy/systemd",
        "systemd",
        "copy the unit to /etc/systemd/system, with the path of your installation in ExecStart",
    ),
    Asset("deploy/web.example.yml", "web.example.yml", "for --web.config.file: TLS and users"),
)


def main(options: argparse.Namespace) -> int:
    """Write all files; raise UnableError, before anything is written, for one that differs."""
    folder: Path = options.folder
    root = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent
    contents = {folder / target: path.read_bytes() for path, target in _files(root)}
    try:
        if not options.is_forced:
            _refuse_changed(contents)
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UnableError(f"{error.filename}: cannot be written: {error.strerror}") from error
    lines = [f"{folder / each.target}: {each.next_step}\n" for each in ASSETS]
    echo(f"{len(contents)} files written.\n\n{''.join(lines)}")
    return 0


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield files with their places in the target; descriptions have links into the project."""
    for asset in ASSETS:
        source = root / asset.source
        found = [source] if source.is_file() else sorted(source.rglob("*"))
        for path in found:
            if path.is_file() and path.suffix != ".md":
                inside = path.relative_to(source)
                yield path, str(Path(asset.target) / inside)


def _refuse_changed(contents: dict[Path, bytes]) -> None:
    changed = [path for path, new in contents.items() if path.exists() and path.read_bytes() != new]
    if changed:
        raise UnableError(
            f"{', '.join(map(str, changed))}: exists and differs, so nothing was written; "
            "name another folder, or overwrite by --force"
        )
