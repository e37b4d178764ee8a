"""The steps of `check` with one account: from its name in the URL to the number of series."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from exporter.advice import ADVICE
from exporter.checking.endpoints import endpoint_steps
from exporter.checking.step import Step
from exporter.checking.tls_advice import tls_advice
from exporter.clock import Clock
from exporter.errors import PollError
from exporter.exchange.client import Exchange
from exporter.exchange.consistency import contradictions
from exporter.exchange.snapshot import Snapshot
from exporter.polling.account_poller import DEADLINE_SECONDS
from exporter.state.store import AccountState, PollTimes

NAMES = ("name", "connection", "clock", "signed call", "answer", "optional", "series")

# As the alert BitoproMarginClockSkew has it.
_MAX_SKEW_SECONDS = 5.0
_SHOWN_ADDRESSES = 3
# The exchange has answered with 200; what it said is another step.
_REASONS_OF_ANSWERS = ("content_type", "cached", "json", "schema")


async def steps_of(
    state: AccountState,
    make_exchange: Callable[[], Exchange],
    ssl_context: ssl.SSLContext,
    clock: Clock,
    deadline_seconds: float,
) -> AsyncIterator[Step]:
    """Give step after step, up to the first that makes the next ones impossible."""
    url = urlsplit(state.account.base_url)
    host = url.hostname or ""
    port = url.port or {"https": 443, "http": 80}[url.scheme]
    step = await _resolve(host, port)
    yield step
    if step.verdict == "bad":
        return
    step = await _connect(host, port, ssl_context if url.scheme == "https" else None)
    yield step
    if step.verdict == "bad":
        return
    started = clock.monotonic()
    exchange = make_exchange()
    try:
        poll = await exchange.poll()
    except PollError as error:
        for step in _steps_of_failure(error):
            yield step
        return
    ended = clock.monotonic()
    times = PollTimes(ended, clock.wall(), ended - started)
    after = state.after_success(poll.snapshot, times, poll.clock_skew_seconds)
    yield _clock_step(poll.clock_skew_seconds, is_beside_success=True)
    yield Step("signed call", "good", f"accepted, within {times.duration_seconds:.2f} s")
    yield _answer_step(after, poll.snapshot)
    async for step in endpoint_steps(after, exchange, clock, deadline_seconds):
        yield step


async def _resolve(host: str, port: int) -> Step:
    loop = asyncio.get_running_loop()
    do = (
        "check the spelling of the base URL, and name resolution here: "
        f"getent hosts {host}{_proxy_hint()}"
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Step("name", "bad", f"{host} is not resolved within {DEADLINE_SECONDS:g} s", do)
    except OSError as error:
        return Step("name", "bad", f"{host} is not resolved: {error.strerror}", do)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if addresses == [host]:
        return Step("name", "good", f"{host} is an address already")
    more = " and more" if len(addresses) > _SHOWN_ADDRESSES else ""
    return Step("name", "good", f"{host} is {', '.join(addresses[:_SHOWN_ADDRESSES])}{more}")


async def _connect(host: str, port: int, ssl_context: ssl.SSLContext | None) -> Step:
    where = f"{host} port {port}"
    do = (
        f"check that {where} is meant, that the exchange is up, and that a firewall lets this "
        f"machine out{_proxy_hint()}"
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            _, writer = await asyncio.open_connection(
                host, port, ssl=ssl_context, server_hostname=host if ssl_context else None
            )
    except TimeoutError:
        return Step("connection", "bad", f"none to {where} within {DEADLINE_SECONDS:g} s", do)
    except ssl.SSLError as error:
        return Step(
            "connection", "bad", f"no trusted TLS to {where}: {_words(error)}", tls_advice(error)
        )
    except OSError as error:
        return Step("connection", "bad", f"none to {where}: {_reason(error)}", do)
    secured: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    if secured is None:
        return Step(
            "connection", "good", f"{where}, without TLS, which this machine alone may have"
        )
    until = (secured.getpeercert() or {}).get("notAfter", "unknown")
    return Step(
        "connection", "good", f"{where}, {secured.version()}, certificate valid until {until}"
    )


def _steps_of_failure(error: PollError) -> list[Step]:
    steps = []
    if error.clock_skew_seconds is not None:
        is_beside_success = error.reason in _REASONS_OF_ANSWERS
        steps = [_clock_step(error.clock_skew_seconds, is_beside_success=is_beside_success)]
    name = "signed call"
    if error.reason in _REASONS_OF_ANSWERS:
        steps.append(Step(name, "good", "answered with status 200"))
        name = "answer"
    return [*steps, Step(name, "bad", f"{error.reason}: {error}", ADVICE[error.reason].do)]


def _clock_step(skew_seconds: float | None, *, is_beside_success: bool) -> Step:
    if skew_seconds is None:
        return Step("clock", "none", "not measured, for the answer has no Date")
    text = f"{skew_seconds:+.1f} s against the exchange's"
    if abs(skew_seconds) <= _MAX_SKEW_SECONDS:
        return Step("clock", "good", text)
    # The exchange accepts a request by its time, so beside a 200 our clock is about right.
    if is_beside_success and skew_seconds > 0:
        text += ", beside a 200: a copy (cache) sooner than a wrong clock"
        return Step("clock", "bad", text, ADVICE["cached"].do)
    return Step("clock", "bad", text, ADVICE["clock"].do)


def _answer_step(state: AccountState, snapshot: Snapshot) -> Step:
    failed = [name for name, fails in contradictions(snapshot).items() if fails]
    if failed:
        return Step(
            "answer",
            "bad",
            f"contradicts itself: {', '.join(failed)}",
            "compare with the exchange's own site: one of its numbers is wrong",
        )
    text = f"complete and verified; {len(snapshot.balances)} currencies, totals in {snapshot.unit}"
    odd = [f"{each.kind} {each.text}" for each in sorted(state.novelties)]
    return Step("answer", "good", "; ".join([text, *(f"undocumented: {each}" for each in odd)]))


def _reason(error: OSError) -> str:
    # asyncio's own text repeats the address in Python's form.
    return os.strerror(error.errno) if error.errno else str(error)


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or str(error)).lower().replace("_", " ")


def _proxy_hint() -> str:
    """Tell of a proxy that is set and not used; not its URL, which may hold a password."""
    if not {"http", "https", "all"} & set(getproxies_environment()):
        return ""
    return "; the proxy of this environment is not used: the connection must be direct"
