from collections.abc import Callable

import pytest

from exporter.errors import SchemaError
from exporter.logs import traceback_text

SECRET = "a-secret"


def _fail() -> None:
    raise ValueError(SECRET)


def _fail_with_cause() -> None:
    try:
        _fail()
    except ValueError as error:
        raise KeyError(SECRET) from error


def _fail_while_handling() -> None:
    try:
        _fail()
    except ValueError:
        raise KeyError(SECRET)  # noqa: B904 - the point


def _fail_in_a_group() -> None:
    try:
        _fail()
    except ValueError as error:
        raise ExceptionGroup(SECRET, [error]) from None


def _text_of(failing: Callable[[], None]) -> str:
    try:
        failing()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return traceback_text(error)
    pytest.fail("nothing was raised")


@pytest.mark.parametrize(
    "failing", [_fail, _fail_with_cause, _fail_while_handling, _fail_in_a_group]
)
def test_traceback_tells_the_place_and_the_kind_but_no_message(
    failing: Callable[[], None],
) -> None:
    text = _text_of(failing)

    assert "in _fail\n    raise ValueError(SECRET)\n" in text
    assert "\nValueError" in text
    assert SECRET not in text


def test_own_errors_keep_their_messages() -> None:
    def failing() -> None:
        raise SchemaError("adRatio: missing")

    assert _text_of(failing).endswith("\nSchemaError: adRatio: missing")


def test_no_exception_has_no_traceback() -> None:
    assert traceback_text(None) == ""
