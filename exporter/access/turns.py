"""Turns at something scarce: clients take turns, so that a busy one delays itself and few others.

A client is a network address, for nothing else is known of who has not proven who it is; a whole
/64 of IPv6 is one, as a single machine can have all of its addresses.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

_T = TypeVar("_T")
_Turn = asyncio.Future[None]
_Queue = deque[_Turn]


class CrowdedError(Exception):
    """Too many wait already."""


class Turns:
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
        """Give the place to the next address and its next user, which then are the last."""
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
