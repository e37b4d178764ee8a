"""Users and passwords of our own port, and whose turn it is to have one checked.

Passwords are compared by bcrypt in a thread, with the same work for every name. A success is then
known by a keyed digest of name, password and hash, each with its length before it: joined without,
one user's name and password could read as another's (CVE-2022-46146).

Clients take turns, so that a busy one delays itself and few others. A client is a network address,
because nothing else is known before it has authenticated; a whole /64 of IPv6 counts as one, as
a single machine can have all of its addresses.
"""

import asyncio
import hashlib
import hmac
import os
import random
import secrets
from base64 import b64decode
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

from exporter.errors import ConfigurationError
from exporter.web.config import LOWEST_COST

_T = TypeVar("_T")
_Turn = asyncio.Future[None]
_Queue = deque[_Turn]


class CrowdedError(Exception):
    """Too many wait already."""


class FairSemaphore:
    """Lets `at_once` in at a time, and keeps bounded queues of those who wait.

    Addresses take turns, and so do the users of one address. Where too many wait, one of the
    busiest user of the busiest address gives way, at random: the newest would keep an honest client
    out for as long as others fill the queue, the oldest one would never get to its turn.
    """

    def __init__(self, at_once: int, waiting_per_client: int, waiting: int) -> None:
        self._free = at_once
        self._waiting_per_client = waiting_per_client
        self._waiting = waiting
        # By address and user. Dictionaries for their order: the first is the next.
        self._clients: dict[str, dict[bytes, _Queue]] = {}

    async def in_turn(
        self, host: str, start: Callable[[], Awaitable[_T]], *, user: bytes = b""
    ) -> _T:
        """Call `start` when it is the client's turn, which lasts until what it started ends.

        That may be after this has been cancelled, because work in a thread cannot be. Raises
        CrowdedError.
        """
        await self._enter(_client(host), user)
        work = asyncio.ensure_future(start())
        work.add_done_callback(lambda _: self._leave())
        return await asyncio.shield(work)

    async def _enter(self, client: str, user: bytes) -> None:
        if self._free:
            self._free -= 1
            return
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._clients.setdefault(client, {}).setdefault(user, deque()).append(turn)
        self._make_room(client)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                if turn.exception() is None:
                    # Its turn came and went in the same moment.
                    self._leave()
            else:
                self._remove(client, user, turn)
            raise

    def _leave(self) -> None:
        """Return the place to the next address and its next user, which then are the last."""
        while self._clients:
            client = next(iter(self._clients))
            users = self._clients.pop(client)
            user = next(iter(users))
            queue = users.pop(user)
            turn = queue.popleft()
            if queue:
                users[user] = queue
            if users:
                self._clients[client] = users
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _make_room(self, client: str) -> None:
        waiting = {each: _waiting(users) for each, users in self._clients.items()}
        if sum(waiting.values()) > self._waiting:
            client = max(waiting, key=waiting.__getitem__)
        elif waiting[client] <= self._waiting_per_client:
            return
        users = self._clients[client]
        most = max(map(len, users.values()))
        user = random.choice([each for each, queue in users.items() if len(queue) == most])  # noqa: S311 - a lottery, not a secret
        turn = random.choice(users[user])  # noqa: S311 - likewise
        self._remove(client, user, turn)
        if not turn.done():
            turn.set_exception(CrowdedError())

    def _remove(self, client: str, user: bytes, turn: _Turn) -> None:
        users = self._clients.get(client, {})
        queue = users.get(user)
        if queue is None or turn not in queue:
            return
        queue.remove(turn)
        if not queue:
            del users[user]
        if not users:
            del self._clients[client]


def _waiting(users: Mapping[bytes, _Queue]) -> int:
    return sum(map(len, users.values()))


def _client(host: str) -> str:
    address = ip_address(host.partition("%")[0])
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False))


# bcrypt knows no more of a password; other implementations cut it off by themselves.
_PASSWORD_BYTES = 72
# Of no password that anyone knows; a cost is put before it.
_NOBODYS_SALT_AND_HASH = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
_COST = slice(4, 6)
# Of the usual cost of 10, so many take about three seconds: less than a scrape may, so that an
# honest client behind the address of as many guessers is let in. None holds a page while waiting.
_WAITING_PER_CLIENT = 32
_WAITING = 64


class Verdict(Enum):
    """What became of a client's credentials."""

    GRANTED = auto()
    DENIED = auto()
    CROWDED = auto()


class Authenticator:
    """Knows the users, by their bcrypt hashes."""

    def __init__(self, users: Mapping[str, str], checks: "_Checks | None" = None) -> None:
        self._hashes = {name.encode(): hash_.encode() for name, hash_ in users.items()}
        self._highest_cost = max(
            (_cost(each) for each in self._hashes.values()), default=LOWEST_COST
        )
        self._key = secrets.token_bytes(32)
        # One digest a user, so that it cannot grow.
        self._granted: dict[bytes, bytes] = {}
        self._checks = checks or _Checks()

    def with_users(self, users: Mapping[str, str]) -> "Authenticator":
        """Return one of other users, which checks no more passwords at once than this one does."""
        return Authenticator(users, self._checks)

    async def check(self, authorization: str, host: str) -> Verdict:
        """Judge the value of a header Authorization, which came from that address."""
        given = _name_and_password(authorization)
        if given is None:
            return Verdict.DENIED
        name, password = given
        known = self._hashes.get(name)
        digest = self._digest(name, password, known or b"")
        if known and hmac.compare_digest(self._granted.get(name, b""), digest):
            return Verdict.GRANTED
        try:
            is_right = await self._checks.run(lambda: self._is_right(password, known), host, name)
        except CrowdedError:
            return Verdict.CROWDED
        if not is_right:
            return Verdict.DENIED
        self._granted[name] = digest
        return Verdict.GRANTED

    def _is_right(self, password: bytes, known: bytes | None) -> bool:
        """Compare, with as much work for every name: that of the highest cost there is.

        A cost is a power of two, so the work of a lower one is made up by one more of each cost
        from there on: 2^10 + 2^10 + 2^11 is 2^12.
        """
        import bcrypt  # noqa: PLC0415 - optional, and needed only where there are users

        if known is None:
            bcrypt.checkpw(password, _nobodys(self._highest_cost))
            return False
        is_right = bcrypt.checkpw(password, known)
        for cost in range(_cost(known), self._highest_cost):
            bcrypt.checkpw(password, _nobodys(cost))
        return is_right

    def _digest(self, *parts: bytes) -> bytes:
        text = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._key, text, hashlib.sha256)


class _Checks:
    """Runs checks of passwords in threads of their own, of which there are as many as turns.

    In the threads that asyncio shares, they would wait behind look-ups of names, and a resolver
    that hangs would keep every scraper out.
    """

    def __init__(self) -> None:
        threads = _threads()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._semaphore = FairSemaphore(threads, _WAITING_PER_CLIENT, _WAITING)

    async def run(self, check: Callable[[], bool], host: str, user: bytes) -> bool:
        """Return what `check` returns, in the client's turn. Raises CrowdedError."""

        async def check_in_thread() -> bool:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._executor, check)
            except RuntimeError as error:
                # No thread can be started at present, because of a limit of processes.
                raise CrowdedError from error

        return await self._semaphore.in_turn(host, check_in_thread, user=user)


def require_bcrypt(where: str) -> None:
    """Raise ConfigurationError if passwords cannot be checked; `where` names who wants it."""
    try:
        import bcrypt  # noqa: F401, PLC0415 - optional
    except ImportError:
        problem = (
            f"{where}: needs the Python package bcrypt, which is not installed; install "
            "requirements/auth.txt, or bitopro-margin-exporter[auth]"
        )
        raise ConfigurationError([problem]) from None


def _name_and_password(authorization: str) -> tuple[bytes, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = b64decode(encoded.strip(), validate=True)
    except ValueError:
        return None
    name, colon, password = text.partition(b":")
    return (name, password[:_PASSWORD_BYTES]) if colon and scheme.lower() == "basic" else None


def _nobodys(cost: int) -> bytes:
    return f"$2b${cost:02d}${_NOBODYS_SALT_AND_HASH}".encode()


def _cost(hash_: bytes) -> int:
    return int(hash_[_COST])


def _threads() -> int:
    """Leave a processor to the pages, where there are several."""
    return 1 if (os.cpu_count() or 1) <= 2 else 2  # noqa: PLR2004 - one is left
