"""Debian's Prometheus and Alertmanager on this machine, with the shipped rules in a timescale."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.e2e import timescale

_PROMETHEUS = "prometheus"
# Debian calls it by another name than its authors.
_ALERTMANAGERS = ("prometheus-alertmanager", "alertmanager")

# What Prometheus does by itself: how long a value holds without a newer one, and how often it
# repeats an alert to Alertmanager.
_LOOKBACK = "5m"
_RESEND_DELAY = "1m"

_START_SECONDS = 60.0
_END_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.1

_T = TypeVar("_T")

Labels = Mapping[str, str]


def missing_tool() -> str | None:
    """Return the Debian package that has to be installed before anything here runs, if one has."""
    if shutil.which(_PROMETHEUS) is None:
        return "prometheus"
    return None if any(map(shutil.which, _ALERTMANAGERS)) else "prometheus-alertmanager"


def until(condition: Callable[[], _T | None], what: str, seconds: float) -> _T:
    """Wait until `condition` gives something true, and give that; TimeoutError otherwise."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(_LOOK_AGAIN_SECONDS)
    return result


@dataclass(frozen=True)
class Alerting:
    """Both servers. Drills are announced in `targets_folder`."""

    folder: Path
    prometheus_url: str
    alertmanager_url: str
    prometheus_pid: int

    @property
    def targets_folder(self) -> Path:
        """Where Prometheus looks for a drill."""
        return self.folder / "prometheus" / "targets"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the instant vector of an expression."""
        answer = _get(f"{self.prometheus_url}/api/v1/query", {"query": expression})
        vector: list[dict[str, Any]] = answer["data"]["result"]
        return vector

    def firing(self) -> list[Labels]:
        """Return the labels of every alert that fires in Prometheus."""
        answer = _get(f"{self.prometheus_url}/api/v1/alerts", {})
        return [each["labels"] for each in answer["data"]["alerts"] if each["state"] == "firing"]

    def is_connected(self) -> bool:
        """Return whether Prometheus knows an Alertmanager by now."""
        answer = _get(f"{self.prometheus_url}/api/v1/alertmanagers", {})
        return bool(answer["data"]["activeAlertmanagers"])

    def rescrape(self, exporters: Sequence[str]) -> None:
        """Let Prometheus scrape these exporters and no others."""
        path = self.folder / "prometheus" / "prometheus.yml"
        path.write_text(
            timescale.prometheus_config(
                exporters=exporters,
                prometheus=self.prometheus_url.removeprefix("http://"),
                alertmanager=self.alertmanager_url.removeprefix("http://"),
            )
        )
        os.kill(self.prometheus_pid, signal.SIGHUP)


def _get(url: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    answer = httpx.get(url, params=parameters, timeout=10.0, trust_env=False)
    answer.raise_for_status()
    return answer.json()


@contextmanager
def alerting(  # noqa: PLR0913 - what may differ from the shipped chain
    folder: Path,
    factor: float,
    webhooks: str,
    exporters: Sequence[str] = (),
    *,
    is_connected: bool = True,
    change_rules: Callable[[str], str] = str,
    dead: str = "",
) -> Iterator[Alerting]:
    """Run both until they have been told to stop.

    Unless `is_connected`, Prometheus knows no Alertmanager. `change_rules` may break the rules.
    What is sent to the receiver `dead` gets nowhere.
    """
    prometheus, alertmanager = free_address(), free_address()
    timescale.write_all(
        folder,
        factor,
        exporters=exporters,
        prometheus=prometheus,
        alertmanager=alertmanager if is_connected else None,
        webhooks=webhooks,
        dead=dead,
    )
    for path in (folder / "prometheus" / "rules").iterdir():
        path.write_text(change_rules(path.read_text()))
    config = folder / "prometheus" / "prometheus.yml"
    command = [
        shutil.which(_PROMETHEUS) or "",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus' / 'data'}",
        f"--web.listen-address={prometheus}",
        f"--query.lookback-delta={timescale.duration(_LOOKBACK, factor)}",
        f"--rules.alert.resend-delay={timescale.duration(_RESEND_DELAY, factor)}",
    ]
    with (
        running_alertmanager(
            next(filter(None, map(shutil.which, _ALERTMANAGERS))) or "",
            folder / "alertmanager" / "alertmanager.yml",
            folder,
            alertmanager,
        ),
        _running(command, folder / "prometheus.log", prometheus) as pid,
    ):
        servers = Alerting(folder, f"http://{prometheus}", f"http://{alertmanager}", pid)
        if is_connected:
            # Five seconds go by before Prometheus takes notice of it.
            until(servers.is_connected, "Prometheus knows its Alertmanager", _START_SECONDS)
        yield servers


@contextmanager
def running_alertmanager(
    executable: str, config: Path, folder: Path, address: str
) -> Iterator[None]:
    """Run Alertmanager at an address, with its data and its log in a folder."""
    command = [
        executable,
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager-data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with _running(command, folder / "alertmanager.log", address):
        yield


def free_address() -> str:
    """Return an address of this machine at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def _running(command: Sequence[str], log: Path, address: str) -> Iterator[int]:
    """Run a server until it has been told to stop; yield its process id once it is ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until(lambda: _is_ready(f"http://{address}"), f"{address} is ready", _START_SECONDS)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
