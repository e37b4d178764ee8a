"""The drill: a simulated account gets into trouble, and the operator's own alerting is watched.

The account is named `drill`, which no configured account may be. It exists while the drill runs,
and is announced to Prometheus by a file of targets that is removed at the end.
"""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.account import DRILL_ACCOUNT, Account
from exporter.clock import Clock
from exporter.credentials import CredentialSource, Secret
from exporter.errors import UnableError
from exporter.service import run_service
from exporter.settings import AccountSettings, Settings
from exporter.simulator import STEP_SECONDS, Simulator, SimulatorConfig
from exporter.telling import tell
from exporter.watchers import Watchers

TARGET_FILE = "bitopro-margin-drill.json"

_POLL_INTERVAL_SECONDS = 5.0
_STALE_AFTER_SECONDS = 15.0
_LOOK_EVERY_SECONDS = 1.0


class DrillError(UnableError):
    """The drill cannot begin; the message names the flag and the cause."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What happens to the account, and the alert that is to follow.

    `step` is that of the simulator's scenario, `fault` that of its plan. Without an alert to
    expect, the stage is over when none fires. `stays` is an alert that must not be resolved
    meanwhile. `lasts_seconds` is for a drill without watchers: a little longer than the shipped
    rules take.
    """

    name: str
    happens: str
    step: int
    lasts_seconds: float
    alert: str | None = None
    stays: str | None = None
    fault: str | None = None


STAGES = (
    Stage("calm", "the ratio is 1.79", 0, 60.0),
    Stage("warning", "the ratio falls to 1.40", 1, 420.0, "BitoproMarginRatioWarning"),
    Stage("critical", "the ratio falls to 1.25", 2, 150.0, "BitoproMarginRatioCritical"),
    Stage("liquidation", "the ratio falls to 1.10", 3, 90.0, "BitoproMarginRatioLiquidation"),
    Stage(
        "blindness",
        "the exchange answers 503",
        3,
        420.0,
        "BitoproMarginNotProvenSafe",
        stays="BitoproMarginRatioLiquidation",
        fault="status-503",
    ),
    Stage("recovery", "the exchange answers again, and the ratio is 1.79", 4, 780.0),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen in a stage: seconds until Prometheus and Alertmanager agreed, or None.

    `was_cleared` tells that an alert which had to stay was resolved.
    """

    stage: Stage
    prometheus_seconds: float | None = None
    alertmanager_seconds: float | None = None
    was_cleared: bool = False

    def is_complete(self, watchers: Watchers) -> bool:
        """Tell whether all that was to be seen was seen."""
        return self.prometheus_seconds is not None and (
            self.alertmanager_seconds is not None or not watchers.has_alertmanager
        )


async def run_drill(  # noqa: PLR0913 - everything it needs is passed in
    sockets: Sequence[socket.socket],
    *,
    targets_folder: Path,
    target: str,
    watchers: Watchers | None,
    patience_seconds: float,
    clock: Clock,
    stopped: asyncio.Event,
) -> bool:
    """Play all stages, tell what was seen, and give whether it was what it had to be.

    `target` is the address of `sockets` as Prometheus reaches it. A stage is given up after
    `patience_seconds`. Sets `stopped` at the end, and ends early when it is set. Raises DrillError
    before anything is announced, and WatcherError where nobody can be asked.
    """
    step = 0
    config = SimulatorConfig(port=0, scenario="drill", rate_limit=1_000_000)
    simulator = Simulator(config, monotonic=lambda: float(step * STEP_SECONDS))
    findings: list[Finding] = []
    async with simulator:
        settings = _settings(simulator.base_url)
        service = asyncio.create_task(
            run_service(settings, sockets, telemetry_path="/metrics", clock=clock, stopped=stopped)
        )
        try:
            with _announced(targets_folder, target):
                for stage in STAGES:
                    step, simulator.fault = stage.step, stage.fault
                    tell(f"{stage.name}: {stage.happens}\n")
                    if watchers is None:
                        tell(f"  expect {stage.alert or 'no alert'}\n")
                        await _pause(stage.lasts_seconds, stopped)
                    else:
                        finding = await _watch(stage, watchers, patience_seconds, clock, stopped)
                        tell(f"  {_seen(finding, watchers)}\n")
                        findings.append(finding)
                    if stopped.is_set():
                        break
        finally:
            stopped.set()
            await service
    return watchers is None or verdict(findings, watchers)


def verdict(findings: Sequence[Finding], watchers: Watchers) -> bool:
    """Tell the table, and give whether every stage was seen and nothing was cleared too early."""
    rows = [("stage", "expected", "Prometheus", "Alertmanager")]
    rows += [
        (
            each.stage.name,
            each.stage.alert or "no alert",
            _after(each.prometheus_seconds),
            _after(each.alertmanager_seconds) if watchers.has_alertmanager else "not asked",
        )
        for each in findings
    ]
    table = "".join(f"{a:13}{b:32}{c:14}{d}\n" for a, b, c, d in rows)
    missing = [each.stage.name for each in findings if not each.is_complete(watchers)]
    missing += [stage.name for stage in STAGES[len(findings) :]]
    cleared = [each.stage.stays for each in findings if each.was_cleared]
    tell(f"\n{table}\n")
    if missing:
        tell(f"Not seen in time: {', '.join(missing)}. You would not have been told.\n")
    if cleared:
        tell(f"Resolved although the danger went on: {', '.join(map(str, cleared))}.\n")
    if not (missing or cleared):
        tell("Everything came. See that the messages reached you too: Alertmanager sends them.\n")
    return not (missing or cleared)


async def _watch(
    stage: Stage,
    watchers: Watchers,
    patience_seconds: float,
    clock: Clock,
    stopped: asyncio.Event,
) -> Finding:
    started = clock.monotonic()
    finding = Finding(stage)
    while not stopped.is_set():
        firing, received, is_up = (
            await watchers.firing(),
            await watchers.received(),
            await watchers.is_up(),
        )
        waited = clock.monotonic() - started
        if finding.prometheus_seconds is None and _agrees(stage, firing, is_up=is_up):
            finding = replace(finding, prometheus_seconds=waited)
        if finding.alertmanager_seconds is None and _agrees(stage, received, is_up=is_up):
            finding = replace(finding, alertmanager_seconds=waited)
        if stage.stays is not None and stage.stays not in firing:
            finding = replace(finding, was_cleared=True)
        if finding.is_complete(watchers) or waited > patience_seconds:
            break
        await _pause(_LOOK_EVERY_SECONDS, stopped)
    return finding


def _agrees(stage: Stage, alerts: frozenset[str], *, is_up: bool) -> bool:
    return stage.alert in alerts if stage.alert else is_up and not alerts


def _seen(finding: Finding, watchers: Watchers) -> str:
    there = f", in Alertmanager {_after(finding.alertmanager_seconds)}"
    return (
        f"{finding.stage.alert or 'no alert'}: in Prometheus {_after(finding.prometheus_seconds)}"
        f"{there if watchers.has_alertmanager else ''}"
    )


def _after(seconds: float | None) -> str:
    return "NOT SEEN" if seconds is None else f"after {seconds:.0f} s"


async def _pause(seconds: float, stopped: asyncio.Event) -> None:
    """Wait, or until told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return


@contextmanager
def _announced(folder: Path, target: str) -> Iterator[None]:
    """Let Prometheus find the drill, by a file in a folder that it watches."""
    path = folder / TARGET_FILE
    try:
        path.write_text(json.dumps([{"targets": [target]}]) + "\n")
    except OSError as error:
        raise DrillError(
            f"--targets-folder: cannot write {path}: {error.strerror}; it is the folder targets/ "
            "beside the configuration of Prometheus"
        ) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _settings(base_url: str) -> Settings:
    account = Account(
        name=DRILL_ACCOUNT,
        base_url=base_url,
        poll_interval_seconds=_POLL_INTERVAL_SECONDS,
        stale_after_seconds=_STALE_AFTER_SECONDS,
    )
    credentials = CredentialSource(
        api_key=Secret("drill", value="demo-key"),
        api_secret=Secret("drill", value="demo-secret"),
        email=Secret("drill", value="demo@example.com"),
    )
    return Settings(accounts=(AccountSettings(account, credentials),), warnings=())
