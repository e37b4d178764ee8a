"""`assets`: write rules, dashboards and examples, for installations without a checkout."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter.cli.terminal import echo
from exporter.errors import UnableError

# An installed wheel has the files inside the package; a checkout has them beside it.
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
        "copy rules/ and targets/ beside your prometheus.yml, and its scrape jobs into yours; "
        "rules/zh-TW/ has the same alerts in Traditional Chinese, to load instead",
    ),
    Asset(
        "deploy/alertmanager",
        "alertmanager",
        "set your receivers in alertmanager.yml, copy it with templates/ to Alertmanager, and run "
        "amtool check-config",
    ),
    Asset("grafana/dashboards", "grafana/dashboards", "import them in Grafana"),
    Asset(
        "grafana/provisioning",
        "grafana/provisioning",
        "or copy datasources/ and dashboards/ to /etc/grafana/provisioning, and the dashboards to "
        "/var/lib/grafana/dashboards/bitopro-margin; alerting/ only instead of Alertmanager, "
        "because it replaces Grafana's notification policies",
    ),
    Asset(
        "deploy/systemd",
        "systemd",
        "copy the unit to /etc/systemd/system, with the path of your installation in ExecStart",
    ),
    Asset(
        "deploy/config.example.yml",
        "config.example.yml",
        "copy it to config.yml for several accounts: --config.file=config.yml",
    ),
    Asset(
        "deploy/web.example.yml",
        "web.example.yml",
        "copy it to web.yml for TLS and users: --web.config.file=web.yml",
    ),
)


def main(options: argparse.Namespace) -> int:
    """Write all files.

    Raise UnableError if a file exists and differs (nothing is written then), if one cannot be
    written, or if the installation lacks them.
    """
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
    """Yield files and their places in the target, without READMEs, whose links need a checkout."""
    for asset in ASSETS:
        source = root / asset.source
        if not source.exists():
            raise UnableError(f"{source}: missing; install the package again, from a wheel")
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
