import json
import logging
import os
from collections.abc import Iterator

import pytest

from exporter.logs import LogFormat, LogWriter

TIME = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _pytests_own_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


def _log(level: str, format_: LogFormat, *records: logging.LogRecord) -> None:
    writer = LogWriter(level, format_)
    for record in records:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
    writer.close()


def _record(text: str, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("exporter.test", level, "", 0, text, None, None)
    record.created = TIME
    vars(record).update(fields)
    return record


def test_logfmt_quotes_what_needs_it(capfd: pytest.CaptureFixture[str]) -> None:
    _log(
        "info",
        "logfmt",
        _record("poll failed", account="main", detail='a "b"\n\u4e2d=', empty="", tls=False),
    )

    assert capfd.readouterr().err == (
        'time=2023-11-14T22:13:20.000Z level=info msg="poll failed" account=main '
        'detail="a \\"b\\"\\n\\u4e2d=" empty="" tls=false\n'
    )


def test_json_is_one_object_per_line(capfd: pytest.CaptureFixture[str]) -> None:
    _log("info", "json", _record("poll failed", logging.WARNING, account="main", accounts=3))

    assert json.loads(capfd.readouterr().err) == {
        "time": "2023-11-14T22:13:20.000Z",
        "level": "warn",
        "msg": "poll failed",
        "account": "main",
        "accounts": 3,
    }


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
    ],
)
def test_level_hides_what_is_less_severe(
    level: str, shown: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    levels = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR]
    _log(level, "json", *(_record("a line", each) for each in levels))

    lines = capfd.readouterr().err.splitlines()
    assert [json.loads(line)["level"] for line in lines] == shown


def test_line_that_cannot_be_formatted_does_not_end_the_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = _record("%d")
    broken.args = ("not a number",)
    _log("info", "logfmt", broken, _record("next"))

    assert "msg=next" in capfd.readouterr().err


def test_line_that_cannot_be_written_does_not_end_the_log(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = iter([OSError, None])
    write = os.write

    def write_or_fail(descriptor: int, data: bytes) -> int:
        if (error := next(results)) is not None:
            raise error
        return write(descriptor, data)

    monkeypatch.setattr("exporter.logs.os.write", write_or_fail)
    _log("info", "logfmt", _record("lost"), _record("next"))

    assert "msg=next" in capfd.readouterr().err
