"""A pytest plugin: a secret that appears where someone may read it fails the run.

It watches every test: what is printed by the test and by processes it starts, every log record
at any level with all its attributes, every page, every exception. Values unmistakable by content
stand for key, secret and e-mail; payloads and signatures are known by their shape.
"""

import gzip
import logging
import re
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from exporter import logs
from exporter.errors import ExporterError
from exporter.metrics.page import Exposition
from exporter.state import AccountState
from exporter.web.status_page import StatusPage
from tests.process.running import Running

KEY = "LEAKED-KEY-6b1f"
SECRET = "LEAKED-SECRET-93d2"
EMAIL = "LEAKED-EMAIL@example.com"

# The simulator's key is public and in its --help; the other two are private.
_KINDS: Mapping[str, str] = {
    "LEAKED-KEY": "API key",
    "LEAKED-SECRET": "API secret",
    "demo-secret": "API secret",
    "LEAKED-EMAIL": "e-mail",
    "demo@example.com": "e-mail",
    # Base64 of {"identity": with which every payload begins.
    "eyJpZGVudGl0eSI6": "payload",
}
_SIGNATURE = re.compile(r"(?<![0-9a-f])[0-9a-f]{96}(?![0-9a-f])")


def kinds_in(text: str) -> set[str]:
    """Return which kinds of secret a text holds."""
    kinds = {kind for marker, kind in _KINDS.items() if marker in text}
    return kinds | {"signature"} if _SIGNATURE.search(text) else kinds


def told_by(error: BaseException | None) -> str:
    """Return what a traceback tells of an exception and of what led to it, source lines aside."""
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


class LeakDetector:
    """Looks at everything that comes by, and keeps what it found."""

    def __init__(self) -> None:
        self._test = "outside of tests"
        # (test, place, kind), in order and each once.
        self._found: dict[tuple[str, str, str], None] = {}
        # Where processes were told to write, and how much of it was looked at.
        self._files: dict[Path, int] = {}

    def look(self, place: str, *texts: str | bytes | None) -> None:
        """Look at texts, `place` being where someone might read them."""
        for text in texts:
            shown = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
            for kind in kinds_in(shown):
                self._found[self._test, place, kind] = None

    def follow(self, *outputs: object) -> None:
        """Look at those that are files, after every test from now on."""
        names = [getattr(output, "name", None) for output in outputs]
        self._files |= {Path(name): 0 for name in names if isinstance(name, str | Path)}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._test = item.nodeid
        result = yield
        for path, looked_at in self._files.items():
            if path.is_file() and path.stat().st_size != looked_at:
                content = path.read_bytes()
                self._files[path] = len(content)
                self.look("output file of a process", content)
        self._test = "outside of tests"
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None:
            self.look("report", told_by(call.excinfo.value))
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
            terminalreporter.section("secrets were shown", red=True)
        for test, place, kind in self._found:
            terminalreporter.write_line(f"{test}: {kind} in {place}")


def pytest_configure(config: pytest.Config) -> None:
    """Watch from now on, to the end of the run."""
    detector = LeakDetector()
    look = detector.look
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    config.pluginmanager.register(detector, "secret-leaks")

    def observe(owner: type, name: str, see: Callable[..., None]) -> None:
        """Let `see` have what a method returned, and what it was called with."""
        method = getattr(owner, name)

        def observed(*arguments: Any, **others: Any) -> Any:  # noqa: ANN401 - any method's, handed on
            result = method(*arguments, **others)
            see(result, *arguments, **others)
            return result

        async def awaited(*arguments: Any, **others: Any) -> Any:  # noqa: ANN401 - likewise
            result = await method(*arguments, **others)
            see(result, *arguments, **others)
            return result

        patch.setattr(owner, name, awaited if iscoroutinefunction(method) else observed)

    observe(Exposition, "page", lambda page, *_: look("/metrics", page))
    observe(Exposition, "plain", lambda parts, *_: look("/metrics", b"".join(parts)))
    observe(
        Exposition,
        "compressed",
        lambda parts, *_: look("/metrics", gzip.decompress(b"".join(parts))),
    )
    observe(StatusPage, "render", lambda text, *_: look("/", text))
    observe(
        ExporterError, "__init__", lambda _, error, *__: look("exception", f"{error}\n{error!r}")
    )
    observe(
        AccountState,
        "after_failure",
        lambda _, __, error, *___: look("traceback", told_by(error)),
    )
    # What pytest.raises caught.
    observe(
        pytest.ExceptionInfo,
        "fill_unfilled",
        lambda _, __, caught: look("traceback", told_by(caught[1])),
    )
    observe(pytest.CaptureFixture, "readouterr", lambda output, *_: look("output", *output))
    observe(
        subprocess.Popen,
        "__init__",
        lambda *_, **others: detector.follow(others.get("stdout"), others.get("stderr")),
    )
    observe(
        subprocess.Popen,
        "communicate",
        lambda output, *_, **__: look("output of a process", *output),
    )
    observe(
        Running,
        "__exit__",
        lambda _, running, *__: look("output of a process", running.stdout, running.stderr),
    )
    _watch_logs(look, patch)


def _watch_logs(look: Callable[..., None], patch: pytest.MonkeyPatch) -> None:
    """See records of every level, and let pass on those alone that would have passed anyway.

    A handler at DEBUG would not do: the level that it needs is seen by every other handler too.
    """
    is_enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle
    formatters = [
        each() for each in logging.Formatter.__subclasses__() if each.__module__ == logs.__name__
    ]

    def handle_all(logger: logging.Logger, record: logging.LogRecord) -> None:
        attributes = {name: value for name, value in vars(record).items() if name != "exc_info"}
        look(f"log of {logger.name}", repr(attributes))
        # One that cannot be formatted tells no more than its attributes.
        with suppress(TypeError, ValueError, KeyError):
            look(f"log of {logger.name}", *(each.format(record) for each in formatters))
        if is_enabled(logger, record.levelno):
            handle(logger, record)

    patch.setattr(logging.Logger, "isEnabledFor", lambda *_: True)
    patch.setattr(logging.Logger, "handle", handle_all)
