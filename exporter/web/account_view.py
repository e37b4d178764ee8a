"""An account's state in words, for a person who looks at the status page."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from exporter.advice import ADVICE
from exporter.state.store import AccountState

Condition = Literal["stale", "failing", "waiting", "ok"]

SIGNS: dict[Condition, str] = {"stale": "✗", "failing": "!", "waiting": "…", "ok": "✓"}

_NO_BREAK_SPACE = "\u00a0"
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class AccountView:
    """What is said about one account: a condition, a sentence, and (name, text) pairs."""

    name: str
    condition: Condition
    sentence: str
    facts: tuple[tuple[str, str], ...]


def view_of(state: AccountState, wall_seconds: float, monotonic_seconds: float) -> AccountView:
    """Give the state in words, as of now on both clocks."""
    condition = _condition(state, monotonic_seconds)
    facts: list[tuple[str, str]] = []
    if state.reason is not None:
        facts += [("Why", f"{state.reason}: {state.message}"), ("Do", ADVICE[state.reason].do)]
    if state.since_timestamp_seconds is not None:
        facts.append(("Since", _since(state.since_timestamp_seconds, wall_seconds)))
    if state.received is not None:
        facts.append(("Data", f"{span(monotonic_seconds - state.received.monotonic_seconds)} old"))
    if state.due_monotonic_seconds is not None:
        facts.append(("Next poll", _next(state.due_monotonic_seconds - monotonic_seconds)))
    return AccountView(state.account.name, condition, _sentence(state, condition), tuple(facts))


def span(seconds: float) -> str:
    """Give a length of time in the two units that matter, with spaces that do not break."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        text = f"{whole} s"
    elif whole < _HOUR:
        text = f"{whole // _MINUTE} min {whole % _MINUTE} s"
    elif whole < _DAY:
        text = f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    else:
        text = f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
    return text.replace(" ", _NO_BREAK_SPACE)


def _condition(state: AccountState, monotonic_seconds: float) -> Condition:
    if not state.is_tried:
        return "waiting"
    if state.received is not None and not state.is_fresh(monotonic_seconds):
        return "stale"
    return "ok" if state.reason is None else "failing"


def _sentence(state: AccountState, condition: Condition) -> str:
    match condition:
        case "waiting":
            return "not yet polled"
        case "ok":
            return "polls succeed"
        case "stale":
            polls = "polls fail" if state.reason else "no poll has ended for too long"
            return f"{polls}; the values are too old and off the metrics page"
        case "failing" if state.received is None:
            return "polls fail; there are no values"
        case _:
            return "polls fail; the last values are still shown"


def _since(timestamp_seconds: float, wall_seconds: float) -> str:
    return f"{utc(timestamp_seconds)} ({span(wall_seconds - timestamp_seconds)})"


def _next(seconds: float) -> str:
    return f"in {span(seconds)}" if seconds >= 1.0 else "now"


def utc(timestamp_seconds: float) -> str:
    """Give a time for people."""
    return datetime.fromtimestamp(timestamp_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
