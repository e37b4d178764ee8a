"""`drill`: a simulated account gets into trouble, and the operator's own alerting is watched.

The account is named `drill`, which no configured account may be. It exists while the drill runs.

Prometheus finds it by a file in a folder of targets that it watches. A file that outlives its drill
is a target that is down, and notifies people; one that is written through a planted link is
somebody else's file. One drill at a time holds the folder by a lock of the kernel, which ends with
its process however that ends, so that a leftover is recognised.
"""

import argparse
import asyncio
import errno
import fcntl
import json
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.cli.drill_watchers import (
    EXPECTED_ALERTS,
    STAGES,
    Finding,
    Stage,
    WatcherError,
    Watchers,
    finding_text,
    verdict,
)
from exporter.cli.terminal import echo, echo_error
from exporter.clock import Clock
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.errors import EXIT_FAILED, ConfigurationError, UnableError
from exporter.service.process import client_ssl_context, run_service, run_until_signal
from exporter.service.signals import Ending, all_ending_signals, exit_at_once_on_signal
from exporter.simulator import STEP_SECONDS, Simulator, SimulatorConfig
from exporter.state import DRILL_ACCOUNT, Account
from exporter.web.application import AllowedHosts
from exporter.web.listening import open_sockets, url_of

TARGET_FILE = "bitopro-margin-drill.json"

# A name that Prometheus does not look for, so that it never reads half a file.
_UNFINISHED = "bitopro-margin-drill.unfinished"
# Prometheus is another user, whatever our umask is.
_MODE = 0o644
_ANOTHER = "another drill uses this folder; wait for its end, or name another folder"


class DrillError(UnableError):
    """The drill cannot begin or go on; the message names the flag and the cause."""


class Announcement:
    """The target file of one drill. The context is the time in which the folder is its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / TARGET_FILE
        self._folder: int | None = None
        self._published: os.stat_result | None = None

    def __enter__(self) -> Self:
        """Take the folder, and remove what a killed drill left there. Raises DrillError."""
        try:
            self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            is_locked = self._lock(self._folder)
            self._remove_leftovers(self._folder, is_locked=is_locked)
        except OSError as error:
            self._close()
            raise self._unwritable(error) from error
        except DrillError:
            self._close()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.withdraw()
        self._close()

    def publish(self, target: str) -> None:
        """Let Prometheus find `target`, a host and a port. Raises DrillError."""
        try:
            # Never an existing file, nor where a link leads.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(_UNFINISHED, flags, _MODE, dir_fd=self._folder)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, _MODE)
                self._published = os.fstat(descriptor)
                file.write(json.dumps([{"targets": [target]}]) + "\n")
            os.rename(_UNFINISHED, TARGET_FILE, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def withdraw(self) -> None:
        """Remove what was published, and no other file of that name.

        May be called at any moment, even by a handler of a signal, and more than once.
        """
        if self._folder is None or self._published is None:
            return
        for name in (_UNFINISHED, TARGET_FILE):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
                if os.path.samestat(found, self._published):
                    os.unlink(name, dir_fd=self._folder)

    def _lock(self, folder: int) -> bool:
        """Return whether the folder is locked; some network file systems cannot do it."""
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DrillError(f"--targets-folder: {self._path.parent}: {_ANOTHER}") from error
        except OSError:
            return False
        return True

    def _remove_leftovers(self, folder: int, *, is_locked: bool) -> None:
        for name in (TARGET_FILE, _UNFINISHED):
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = self._path.with_name(name)
            if not stat.S_ISREG(found.st_mode):
                raise DrillError(
                    f"--targets-folder: {path} is not a regular file, and none that a drill "
                    "wrote; look at it, and remove it"
                )
            if not is_locked:
                raise DrillError(
                    f"--targets-folder: {path} exists: either {_ANOTHER}; "
                    "or a drill was killed, and you can remove it"
                )
            os.unlink(name, dir_fd=folder)
            echo_error(f"warning: removed {path}, which a drill that was killed had left behind\n")

    def _close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _unwritable(self, error: OSError) -> DrillError:
        reason = "another drill came first" if error.errno == errno.EEXIST else error.strerror
        return DrillError(
            f"--targets-folder: cannot write {self._path}: {reason}; it is the folder "
            "targets/ beside the configuration of Prometheus"
        )


_POLL_INTERVAL_SECONDS = 5.0
_STALE_AFTER_SECONDS = 15.0
_LOOK_EVERY_SECONDS = 1.0
# Prometheus looks into the folder every 15 s if it is not told of the change, and scrapes after 5.
_FOUND_WITHIN_SECONDS = 120.0


async def run_drill(  # noqa: PLR0913 - everything it needs is passed in
    sockets: Sequence[socket.socket],
    *,
    announcement: Announcement,
    target: str,
    watchers: Watchers | None,
    patience_seconds: float,
    clock: Clock,
    stopped: asyncio.Event,
) -> bool:
    """Run the stages and print what was seen; return whether it was what it had to be.

    `target` is the address of `sockets` as Prometheus reaches it. The drill is given up when a
    stage has not brought what it had to after `patience_seconds`. Sets `stopped` at the end, and
    ends early when it is set. Raises DrillError, or WatcherError, before anything is announced;
    DrillError or OutputError later if standard output cannot be written.
    """
    if watchers is not None:
        await watchers.check(EXPECTED_ALERTS)
    exchange = _Exchange()
    async with exchange.simulator:
        run = (
            _run_unwatched(exchange)
            if watchers is None
            else _Watch(exchange, watchers, patience_seconds, clock).run()
        )
        serving = asyncio.create_task(
            run_service(
                _settings(exchange.simulator.base_url),
                sockets,
                telemetry_path="/metrics",
                clock=clock,
                stopped=stopped,
                # Simulated balances, under whatever name Prometheus reaches them by.
                allowed_hosts=AllowedHosts(["*"]),
            )
        )
        running = asyncio.create_task(run)
        stopping = asyncio.create_task(stopped.wait())
        try:
            announcement.publish(target)
            await asyncio.wait((running, serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Whatever ends it, nothing is waited for before the file is removed.
            announcement.withdraw()
            was_stopped = not running.done()
            running.cancel()
            stopped.set()
            await asyncio.wait((running, stopping))
            await serving
    if was_stopped:
        _echo("Stopped before its end, so nothing is proven.\n")
        return False
    return running.result()


def _echo(text: str) -> None:
    """Print, and end the drill when its reader has left: it would go on to notify people."""
    if not echo(text):
        raise DrillError("standard output: its reader has left; the drill was ended")


class _Exchange:
    """The simulated exchange, whose time is the stage."""

    def __init__(self) -> None:
        self._step = 0
        self.simulator = Simulator(
            SimulatorConfig(port=0, scenario="drill", rate_limit=1_000_000),
            monotonic=lambda: float(self._step * STEP_SECONDS),
        )

    def enter(self, stage: Stage) -> None:
        self._step, self.simulator.fault = stage.step, stage.fault
        _echo(f"{stage.name}: {stage.happens}\n")


async def _run_unwatched(exchange: _Exchange) -> bool:
    for stage in STAGES:
        exchange.enter(stage)
        _echo(f"  expect {stage.expected}\n")
        await asyncio.sleep(stage.lasts_seconds)
    _echo("It is over. Whether everything came, you have seen yourself.\n")
    return True


class _Watch:
    """A drill whose consequences are watched."""

    def __init__(
        self, exchange: _Exchange, watchers: Watchers, patience_seconds: float, clock: Clock
    ) -> None:
        self._exchange = exchange
        self._watchers = watchers
        self._patience_seconds = patience_seconds
        self._clock = clock

    async def run(self) -> bool:
        """Run stage after stage, as long as each brings what it has to."""
        has_alertmanager = self._watchers.has_alertmanager
        findings: list[Finding] = []
        before = await self._watchers.deliveries()
        for stage in STAGES:
            self._exchange.enter(stage)
            finding = await self._finding(stage)
            findings.append(finding)
            _echo(f"  {finding_text(finding, has_alertmanager=has_alertmanager)}\n")
            if not finding.is_complete(has_alertmanager=has_alertmanager):
                _echo(f"  {await self._explanation(finding)}\n")
                break
        after = await self._watchers.deliveries()
        text, has_passed = verdict(
            findings,
            has_alertmanager=has_alertmanager,
            deliveries=after.since(before) if after and before else None,
        )
        _echo(text)
        return has_passed

    async def _finding(self, stage: Stage) -> Finding:
        """Look until all is seen that has to be seen, or patience is at its end."""
        started = self._clock.monotonic()
        finding = Finding(stage)
        has_been_up = stage is not STAGES[0]
        while True:
            waited = self._clock.monotonic() - started
            try:
                firing = await self._watchers.firing()
                received = await self._watchers.received()
                is_up = await self._watchers.is_up()
            except WatcherError:
                # One that restarts is no reason to give up; after the patience it is asked why.
                pass
            else:
                has_been_up = has_been_up or is_up
                if finding.prometheus_seconds is None and stage.agrees(firing, is_up=is_up):
                    finding = replace(finding, prometheus_seconds=waited)
                if finding.alertmanager_seconds is None and stage.agrees(received, is_up=is_up):
                    finding = replace(finding, alertmanager_seconds=waited)
                if stage.stays is not None and stage.stays not in firing:
                    finding = replace(finding, was_cleared=True)
            limit = self._patience_seconds
            if not has_been_up:
                limit = min(limit, _FOUND_WITHIN_SECONDS)
            if finding.is_complete(has_alertmanager=self._watchers.has_alertmanager):
                return finding
            if waited > limit:
                return finding
            await self._clock.sleep(_LOOK_EVERY_SECONDS)

    async def _explanation(self, finding: Finding) -> str:
        """Return what a person can look at."""
        try:
            if finding.stage.alert is None and not await self._watchers.is_up():
                return await self._watchers.why_not_up()
            if finding.prometheus_seconds is not None:
                return await self._watchers.why_not_received()
            if finding.stage.alert is None:
                left = ", ".join(sorted(await self._watchers.firing()))
                return (
                    f"There still fires: {left}. Wait until an earlier drill's alerts have ended."
                )
        except WatcherError as error:
            return str(error)
        return (
            "The rule is loaded but did not fire: is it the shipped one, do the page Rules of "
            "Prometheus and its log show errors, and is --patience longer than the rule's own time?"
        )


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


def main(options: argparse.Namespace) -> int:
    """Run the drill; return 1 if an alert was not seen."""
    client_ssl_context()
    if options.alertmanager_url and not options.prometheus_url:
        raise ConfigurationError(["--alertmanager.url: needs --prometheus.url as well"])
    sockets = open_sockets([options.listen_address])
    announcement = Announcement(options.targets_folder)
    # A drill that was ended is never a success, and its target would notify people.
    ending = Ending(all_ending_signals(), EXIT_FAILED, announcement.withdraw)
    exit_at_once_on_signal(ending)
    has_passed = False

    async def run(stopped: asyncio.Event) -> None:
        nonlocal has_passed
        watchers = (
            Watchers(DRILL_ACCOUNT, options.prometheus_url, options.alertmanager_url)
            if options.prometheus_url
            else None
        )
        try:
            has_passed = await run_drill(
                sockets,
                announcement=announcement,
                target=options.target or url_of(sockets[0]).removeprefix("http://"),
                watchers=watchers,
                patience_seconds=options.patience,
                clock=Clock(),
                stopped=stopped,
            )
        finally:
            if watchers is not None:
                await watchers.aclose()

    with announcement:
        code = run_until_signal(run, options.log_level, options.log_format, ending)
    return code if code or has_passed else EXIT_FAILED
