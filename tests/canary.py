"""A pytest plugin: a secret that appears where someone may read it fails the run.

It watches every test: what is printed by the test and by processes it starts, every log record
at any level with all its attributes, every page, every exception, every report of a failed test
but for its lines of source. Values unmistakable by content stand for key, secret and e-mail;
payloads and signatures are known by their shape, whoever made them and in whichever process.
"""

import gzip
import logging
import re
import subprocess
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from _pytest._code.code import ExceptionChainRepr, ReprEntry

from exporter import logs
from exporter.errors import ExporterError, PollError
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.state.store import AccountState, PollTimes
from exporter.web.status_page import StatusPage
from tests.process.running import Running

KEY = "CANARY-KEY-6b1f"
SECRET = "CANARY-SECRET-93d2"
EMAIL = "CANARY-EMAIL@example.com"

# The simulator's key is public and in its --help; the other two are nobody's business.
_KINDS: Mapping[str, str] = {
    "CANARY-KEY": "API key",
    "CANARY-SECRET": "API secret",
    "demo-secret": "API secret",
    "CANARY-EMAIL": "e-mail",
    "demo@example.com": "e-mail",
    # Base64 of {"identity": with which every payload begins.
    "eyJpZGVudGl0eSI6": "payload",
}
_SIGNATURE = re.compile(r"(?<![0-9a-f])[0-9a-f]{96}(?![0-9a-f])")


def kinds_in(text: str) -> set[str]:
    """Give which kinds of secret a text holds."""
    kinds = {kind for marker, kind in _KINDS.items() if marker in text}
    return kinds | {"signature"} if _SIGNATURE.search(text) else kinds


def told_by(error: BaseException | None) -> str:
    """Give what a traceback tells of an exception and of what led to it, source lines aside."""
    return "\n".join(_told_by(error))


def _told_by(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    yield f"{error}\n{error!r}\n{getattr(error, '__notes__', '')}"
    if error.__cause__ is not None or not error.__suppress_context__:
        yield from _told_by(error.__cause__ or error.__context__)
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _told_by(member)


class Watch:
    """Looks at everything that comes by, and keeps what it found."""

    def __init__(self) -> None:
        self._test = "outside of tests"
        self._looked_at = 0
        # (test, place, kind), in order and each once.
        self._found: dict[tuple[str, str, str], None] = {}
        # Where processes were told to write, and how much of it was looked at.
        self._files: dict[Path, int] = {}

    def look(self, place: str, text: str) -> None:
        """Look at a text, `place` being where someone might read it."""
        self._looked_at += 1
        for kind in kinds_in(text):
            self._found[self._test, place, kind] = None

    def follow(self, output: object) -> None:
        """Look at a file, if it is one, after every test from now on."""
        name = getattr(output, "name", None)
        if isinstance(name, str | Path):
            self._files[Path(name)] = 0

    def _look_at_files(self) -> None:
        for path, looked_at in self._files.items():
            if path.is_file() and path.stat().st_size != looked_at:
                content = path.read_bytes()
                self._files[path] = len(content)
                self.look("output file of a process", content.decode(errors="replace"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._test = item.nodeid
        result = yield
        self._look_at_files()
        self._test = "outside of tests"
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            self.look("report", "\n".join(_shown(report.longrepr)))
        if call.when == "teardown":
            # By now the sections of all phases are there.
            for title, text in report.sections:
                self.look(title.lower(), text)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._found:
            terminalreporter.section("canary: secrets were shown", red=True)
            for test, place, kind in self._found:
                terminalreporter.write_line(f"{test}: {kind} in {place}")
        terminalreporter.write_line(
            f"canary: {len(self._found)} secrets shown in {self._looked_at} texts"
        )


def pytest_configure(config: pytest.Config) -> None:
    """Watch from now on, to the end of the run."""
    watch = Watch()
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    _watch_logs(watch, patch)
    _watch_pages(watch, patch)
    _watch_exceptions(watch, patch)
    _watch_output(watch, patch)
    config.pluginmanager.register(watch, "canary-watch")


def _watch_logs(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    """See records of every level, and let pass on those alone that would have passed anyway.

    A handler at DEBUG would not do: the level that it needs is seen by every other handler too.
    """
    is_enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle
    formatters = [each() for each in _formatters()]

    def handle_all(logger: logging.Logger, record: logging.LogRecord) -> None:
        attributes = {name: value for name, value in vars(record).items() if name != "exc_info"}
        watch.look(f"log of {logger.name}", repr(attributes))
        # One that cannot be formatted tells no more than its attributes.
        with suppress(TypeError, ValueError, KeyError):
            watch.look(
                f"log of {logger.name}", "\n".join(each.format(record) for each in formatters)
            )
        if is_enabled(logger, record.levelno):
            handle(logger, record)

    patch.setattr(logging.Logger, "isEnabledFor", lambda *_: True)
    patch.setattr(logging.Logger, "handle", handle_all)


def _formatters() -> Iterable[type[logging.Formatter]]:
    return [each for each in logging.Formatter.__subclasses__() if each.__module__ == logs.__name__]


def _watch_pages(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    page, render = Exposition.page, StatusPage.render
    plain, compressed = Exposition.plain, Exposition.compressed

    def metrics_page(exposition: Exposition, format_: Format) -> bytes:
        content = page(exposition, format_)
        watch.look("/metrics", content.decode())
        return content

    async def plain_page(exposition: Exposition, format_: Format) -> Sequence[bytes]:
        parts = await plain(exposition, format_)
        watch.look("/metrics", b"".join(parts).decode())
        return parts

    async def compressed_page(exposition: Exposition, format_: Format) -> Sequence[bytes]:
        parts = await compressed(exposition, format_)
        watch.look("/metrics", gzip.decompress(b"".join(parts)).decode())
        return parts

    def rendered(status_page: StatusPage, states: Iterable[AccountState]) -> str:
        text = render(status_page, states)
        watch.look("/", text)
        return text

    patch.setattr(Exposition, "page", metrics_page)
    patch.setattr(StatusPage, "render", rendered)
    patch.setattr(Exposition, "plain", plain_page)
    patch.setattr(Exposition, "compressed", compressed_page)


def _watch_exceptions(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    create, fail = ExporterError.__init__, AccountState.after_failure
    fill = pytest.ExceptionInfo.fill_unfilled

    def created(error: ExporterError, *arguments: object) -> None:
        create(error, *arguments)
        watch.look("exception", f"{error}\n{error!r}")

    def failed(state: AccountState, error: PollError, times: PollTimes) -> AccountState:
        watch.look("traceback", told_by(error))
        return fail(state, error, times)

    def filled(
        info: pytest.ExceptionInfo[BaseException],
        caught: tuple[type[BaseException], BaseException, TracebackType],
    ) -> None:
        watch.look("traceback", told_by(caught[1]))
        fill(info, caught)

    patch.setattr(ExporterError, "__init__", created)
    patch.setattr(AccountState, "after_failure", failed)
    # What pytest.raises caught.
    patch.setattr(pytest.ExceptionInfo, "fill_unfilled", filled)


def _watch_output(watch: Watch, patch: pytest.MonkeyPatch) -> None:
    start, communicate = subprocess.Popen.__init__, subprocess.Popen.communicate
    leave, read = Running.__exit__, pytest.CaptureFixture.readouterr

    def started(process: subprocess.Popen[Any], *arguments: Any, **others: Any) -> None:  # noqa: ANN401 - subprocess's own, handed on as they are
        start(process, *arguments, **others)
        watch.follow(others.get("stdout"))
        watch.follow(others.get("stderr"))

    def communicated(process: subprocess.Popen[Any], *arguments: Any, **others: Any) -> Any:  # noqa: ANN401 - likewise
        output = communicate(process, *arguments, **others)
        for each in output:
            text = each.decode(errors="replace") if isinstance(each, bytes) else each
            watch.look("output of a process", text or "")
        return output

    def left(running: Running, *arguments: object) -> None:
        leave(running, *arguments)
        watch.look("stdout of a process", running.stdout)
        watch.look("stderr of a process", running.stderr)

    def read_output(fixture: pytest.CaptureFixture[Any]) -> Any:  # noqa: ANN401 - a result of text or of bytes
        output = read(fixture)
        for name, text in zip(("stdout", "stderr"), output, strict=True):
            watch.look(name, text.decode() if isinstance(text, bytes) else text)
        return output

    patch.setattr(subprocess.Popen, "__init__", started)
    patch.setattr(subprocess.Popen, "communicate", communicated)
    patch.setattr(Running, "__exit__", left)
    patch.setattr(pytest.CaptureFixture, "readouterr", read_output)


def _shown(report: object) -> Iterator[str]:
    """Give the lines of a report that are not source."""
    if not isinstance(report, ExceptionChainRepr):
        yield str(report)
        return
    entries = [entry for traceback, *_ in report.chain for entry in traceback.reprentries]
    for entry in entries:
        yield from (line for line in entry.lines if line.startswith("E"))
        if isinstance(entry, ReprEntry):
            yield from (f"{entry.reprfuncargs.args}",) if entry.reprfuncargs else ()
            yield from entry.reprlocals.lines if entry.reprlocals else ()
