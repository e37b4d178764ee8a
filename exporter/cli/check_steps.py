"""The steps of `check`: one account, its optional endpoints, and our own port."""

import asyncio
import os
import socket
import ssl
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.consistency import contradictions
from exporter.bitopro.endpoints import (
    BALANCES,
    BORROW_TERMS,
    MARK_PRICE,
    OPTIONAL_ENDPOINTS,
    USER_LIQUIDATIONS,
)
from exporter.bitopro.market import BorrowTerms, MarkPrices
from exporter.cli.flags import DEFAULT_ADDRESS
from exporter.cli.terminal import Verdict
from exporter.errors import CachedError, ClockError, NotAskedError, PollError, error_text
from exporter.metrics.account import FAMILIES
from exporter.metrics.market import MARKET_FAMILIES
from exporter.polling.session import DEADLINE_SECONDS, AccountSession
from exporter.state import AccountState, MarketState
from exporter.web.listening import is_public_address
from exporter.web.tls import Protection


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found. `hint` is what an operator does about a bad or odd one."""

    name: str
    verdict: Verdict
    text: str
    hint: str = ""


def tls_hint(error: ssl.SSLError) -> str:
    """Return what an operator does next."""
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    match code:
        case 9 | 10:  # X509_V_ERR_* of OpenSSL: not yet valid, expired
            return (
                "compare this machine's clock with true time (date -u), and set it by NTP; if it "
                "is right, the peer's certificate is old"
            )
        case 18 | 19 | 20 | 21:  # no chain to an authority that is trusted
            trusted = os.environ.get("SSL_CERT_FILE")
            now = f"SSL_CERT_FILE={trusted}" if trusted else "certifi's list"
            return (
                f"the peer's authority is not in {now}: find out what intercepts TLS here, and if "
                "it is your own, name its authority in SSL_CERT_FILE"
            )
        case 62 | 64:  # another host name, another address
            return "the certificate is for another name: check the base URL, and its name"
        case _:
            return "check that the base URL's host and port speak TLS, and what intercepts it"


NAMES = ("name", "connection", "clock", "signed call", "answer", "optional", "series")

# As the alert BitoproMarginClockSkew has it.
_MAX_SKEW_SECONDS = 5.0
_SHOWN_ADDRESSES = 3
# The exchange has answered with 200; what it said is another step.
_REASONS_OF_ANSWERS = ("content_type", "cached", "json", "schema")


async def steps_of(session: AccountSession, ssl_context: ssl.SSLContext) -> AsyncIterator[Step]:
    """Yield step after step, up to the first that makes the next ones impossible."""
    url = urlsplit(session.state.account.base_url)
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
    outcome = await session.fetch(BALANCES)
    if outcome.error is not None:
        for step in _steps_of_failure(outcome.error):
            yield step
    if outcome.response is None:
        return
    session.record(outcome.state)
    yield _clock_step(outcome.state.clock_skew_seconds, is_beside_success=True)
    yield Step("signed call", "good", f"accepted, within {outcome.times.duration_seconds:.2f} s")
    yield _answer_step(outcome.state, outcome.response)
    async for step in _optional_steps(session):
        yield step


async def _resolve(host: str, port: int) -> Step:
    loop = asyncio.get_running_loop()
    hint = (
        "check the spelling of the base URL, and name resolution here: "
        f"getent hosts {host}{_proxy_hint()}"
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Step("name", "bad", f"{host} is not resolved within {DEADLINE_SECONDS:g} s", hint)
    except OSError as error:
        return Step("name", "bad", f"{host} is not resolved: {error_text(error)}", hint)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if addresses == [host]:
        return Step("name", "good", f"{host} is an address already")
    more = " and more" if len(addresses) > _SHOWN_ADDRESSES else ""
    return Step("name", "good", f"{host} is {', '.join(addresses[:_SHOWN_ADDRESSES])}{more}")


async def _connect(host: str, port: int, ssl_context: ssl.SSLContext | None) -> Step:
    where = f"{host} port {port}"
    hint = (
        f"check that {where} is meant, that the exchange is up, and that a firewall lets this "
        f"machine out{_proxy_hint()}"
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            _, writer = await asyncio.open_connection(
                host, port, ssl=ssl_context, server_hostname=host if ssl_context else None
            )
    except TimeoutError:
        return Step("connection", "bad", f"none to {where} within {DEADLINE_SECONDS:g} s", hint)
    except ssl.SSLError as error:
        return Step(
            "connection",
            "bad",
            f"no trusted TLS to {where}: {_tls_text(error)}",
            tls_hint(error),
        )
    except OSError as error:
        return Step("connection", "bad", f"none to {where}: {error_text(error)}", hint)
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
    return [*steps, Step(name, "bad", f"{error.reason}: {error}", error.hint)]


def _clock_step(skew_seconds: float | None, *, is_beside_success: bool) -> Step:
    if skew_seconds is None:
        return Step("clock", "none", "not measured: the answer has no Date")
    text = f"{skew_seconds:+.1f} s against the exchange's"
    if abs(skew_seconds) <= _MAX_SKEW_SECONDS:
        return Step("clock", "good", text)
    # The exchange accepts a request by its time, so beside a 200 our clock is about right.
    if is_beside_success and skew_seconds > 0:
        text += ", beside a 200: a copy (cache) sooner than a wrong clock"
        return Step("clock", "bad", text, CachedError.hint)
    return Step("clock", "bad", text, ClockError.hint)


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
    odd = [f"{each.kind} {each.text}" for each in sorted(state.undocumented)]
    return Step("answer", "good", "; ".join([text, *(f"undocumented: {each}" for each in odd)]))


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or str(error)).lower().replace("_", " ")


def _proxy_hint() -> str:
    """Return a hint at a proxy that is set but not used; not its URL, which may hold a password."""
    if not {"http", "https", "all"} & set(getproxies_environment()):
        return ""
    return "; the proxy of this environment is not used: the connection must be direct"


_NAME = "optional"
# What is not known without it.
_LOST = {
    MARK_PRICE.name: "prices, and how far liquidation is",
    BORROW_TERMS.name: "rates of interest and limits of borrowing",
    USER_LIQUIDATIONS.name: "liquidations",
}


async def _optional_steps(session: AccountSession) -> AsyncIterator[Step]:
    """Ask each optional endpoint once, then count the series of all that was found."""
    market = MarketState(session.state.account.stale_after_seconds)
    for endpoint in OPTIONAL_ENDPOINTS:
        try:
            outcome = await session.fetch(endpoint)
        except NotAskedError:
            yield Step(
                _NAME, "odd", f"{endpoint.name}: not asked, because of the budget of requests"
            )
            continue
        if isinstance(outcome.response, MarkPrices | BorrowTerms):
            market = market.after(outcome.response, outcome.times.monotonic_seconds)
        session.record(outcome.state.assessed(market, outcome.times.monotonic_seconds))
        if outcome.error is not None:
            yield _step_without(endpoint.name, outcome.error, session.state)
            continue
        yield Step(_NAME, "good", f"{endpoint.name}: answered and verified")
    of_account = sum(1 for family in FAMILIES for _ in family.read(session.state))
    of_market = sum(1 for family in MARKET_FAMILIES for _ in family.read(market))
    yield Step("series", "good", f"{of_account} of the account, {of_market} of the market")


def _step_without(name: str, error: PollError, state: AccountState) -> Step:
    lost = f"everything else is there, but not: {_LOST[name]}"
    if not state.may_ask(name):
        return Step(_NAME, "odd", f"{name}: not available to this key; {lost}")
    return Step(_NAME, "odd", f"{name}: {error.reason}: {error}; {lost}", error.hint)


def protection_steps(options: Namespace) -> Iterator[Step]:
    """Yield how each address to listen on is protected."""
    protection = Protection(options.web_config_file)
    config = protection.present().config
    users = len(config.users)
    way = "with TLS" if protection.scheme == "https" else "without TLS"
    for address in options.listen_addresses or [DEFAULT_ADDRESS]:
        where = f"{address} {way}"
        if users and protection.scheme == "http" and is_public_address(address):
            yield Step(
                "web",
                "odd",
                f"{where}, so that passwords and balances can be read on the way",
                "set up TLS: tls_server_config in the file of --web.config.file",
            )
        elif users:
            yield Step("web", "good", f"{where}, for {users} user{'' if users == 1 else 's'}")
        elif config.knows_its_clients:
            yield Step("web", "good", f"{where}, for clients with a certificate")
        elif not is_public_address(address):
            yield Step("web", "good", f"{where}, open to this machine only")
        else:
            yield Step(
                "web",
                "odd",
                f"{where}, and balances are open to anyone who can reach it",
                "set up users or client certificates by --web.config.file",
            )
