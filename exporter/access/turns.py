"""Turns at something scarce: clients take turns, so that a busy one delays itself and few others.

A client is a network address, for nothing else is known of who has not proven who it is; a whole
/64 of IPv6 is one, as a single machine can have all of its addresses.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeVar

_T = TypeVar("_T")


class CrowdedError(Exception):
    """Too many wait already."""


class Turns:
    """Lets `at_once` in at a time, and keeps bounded lanes of those who wait."""

    def __init__(self, at_once: int, waiting_per_client: int, waiting: int) -> None:
        self._free = at_once
        self._waiting_per_client = waiting_per_client
        self._waiting = waiting
        # A dictionary for its order: the first lane is the next.
        self._lanes: dict[str, deque[asyncio.Future[None]]] = {}

    async def in_turn(self, host: str, start: Callable[[], Awaitable[_T]]) -> _T:
        """Call `start` when it is the client's turn, which lasts until what it started ends.

        That may be after this has been cancelled, for work in a thread cannot be. Raises
        CrowdedError.
        """
        await self._enter(_client(host))
        work = asyncio.ensure_future(start())
        work.add_done_callback(lambda _: self._leave())
        return await asyncio.shield(work)

    async def _enter(self, client: str) -> None:
        if self._free:
            self._free -= 1
            return
        lane = self._lanes.get(client, deque())
        if (
            len(lane) >= self._waiting_per_client
            or sum(map(len, self._lanes.values())) >= self._waiting
        ):
            raise CrowdedError
        turn = asyncio.get_running_loop().create_future()
        lane.append(turn)
        self._lanes[client] = lane
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn came and went in the same moment.
                self._leave()
            elif turn in lane:
                lane.remove(turn)
                self._close_if_empty(client)
            raise

    def _leave(self) -> None:
        """Give the place to the next lane, which then is the last."""
        while self._lanes:
            client = next(iter(self._lanes))
            lane = self._lanes.pop(client)
            turn = lane.popleft()
            if lane:
                self._lanes[client] = lane
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _close_if_empty(self, client: str) -> None:
        if not self._lanes.get(client, True):
            del self._lanes[client]


def _client(host: str) -> str:
    address = ip_address(host.partition("%")[0])
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False))
