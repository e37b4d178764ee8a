"""The log: logfmt or JSON on stderr, free of secrets, never a reason to wait."""

import json
import logging
import logging.handlers
import os
import queue
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Final, Literal

from exporter.errors import ExporterError


def traceback_text(error: BaseException | None) -> str:
    """Return the traceback of an exception, of its causes and of its group's members."""
    return "".join(_parts(error)).rstrip()


def _parts(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    if error.__cause__ is not None:
        yield from _parts(error.__cause__)
        yield "which was the cause of\n"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield from _parts(error.__context__)
        yield "and while that was handled\n"
    yield from traceback.format_tb(error.__traceback__)
    name = type(error).__qualname__
    yield f"{name}: {error}\n" if isinstance(error, ExporterError) else f"{name}\n"
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield "of which one is\n"
            yield from _parts(member)


LEVELS: Final = ("debug", "info", "warn", "error")
FORMATS: Final = ("logfmt", "json")

LogFormat = Literal["logfmt", "json"]

_QUEUED_LINES = 1000
_FLUSH_SECONDS = 0.5
_STDERR = 2
_LEVEL_NAMES = {"warn": "WARNING"}
_SHORT_NAMES = {"WARNING": "warn", "CRITICAL": "error"}
_STANDARD_ATTRIBUTES = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
)


class LogWriter:
    """Writes queued records to standard error until closed."""

    def __init__(self, level: str, format_: LogFormat) -> None:
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(_QUEUED_LINES)
        self._formatter = _JSONFormatter() if format_ == "json" else _LogfmtFormatter()
        self._thread = Thread(target=self._write, name="log", daemon=True)
        root = logging.getLogger()
        self._handler = _DroppingHandler(self._queue)
        root.handlers = [self._handler]
        root.setLevel(_LEVEL_NAMES.get(level, level.upper()))
        # httpx and its kind log URLs and headers of requests; none of it is for our log.
        for name in ("httpx", "httpcore", "asyncio"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, as far as a short time allows."""
        try:
            self._queue.put(None, timeout=_FLUSH_SECONDS)
        except queue.Full:
            return
        self._thread.join(_FLUSH_SECONDS)

    def _write(self) -> None:
        while (record := self._queue.get()) is not None:
            self._write_line(record)
            if dropped := self._handler.take_dropped():
                self._write_line(
                    logging.makeLogRecord(
                        {
                            "msg": "log lines dropped: stderr is not being read",
                            "levelname": "WARNING",
                            "lines": dropped,
                        }
                    )
                )

    def _write_line(self, record: logging.LogRecord) -> None:
        if sys.__stderr__ is None:
            # Closed from the start: the number may be another file's by now, even a connection's.
            return
        try:
            line = memoryview(self._formatter.format(record).encode() + b"\n")
            while line:
                # Past sys.stderr, so that none of its locks is held while a full pipe blocks this:
                # the interpreter may want them at its end (bpo-42717).
                line = line[os.write(_STDERR, line) :]
        except Exception:  # noqa: BLE001 - one line is lost; there is no place to say so
            return


class _DroppingHandler(logging.handlers.QueueHandler):
    """Puts the record itself on the queue, because the formatter needs its extra attributes."""

    _dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def handleError(self, _: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop the record: the queue is full, because stderr is not being read."""
        self._dropped += 1

    def take_dropped(self) -> int:
        """Return how many were dropped since the last time."""
        dropped, self._dropped = self._dropped, 0
        return dropped


def _fields(record: logging.LogRecord) -> dict[str, object]:
    time = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, object] = {
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": _SHORT_NAMES.get(record.levelname, record.levelname.lower()),
        "msg": record.getMessage(),
    }
    given = {
        name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES
    }
    fields |= given
    if record.exc_info:
        fields["error"] = traceback_text(record.exc_info[1])
    return fields


class _LogfmtFormatter(logging.Formatter):
    """`key=value` pairs; values are quoted where they need it. Pure ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={_quoted(value)}" for key, value in _fields(record).items())


class _JSONFormatter(logging.Formatter):
    """One JSON object per line. Pure ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record), default=str)


def _quoted(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    is_plain = text and text.isascii() and text.isprintable() and not set(' "=\\') & set(text)
    return text if is_plain else json.dumps(text)
