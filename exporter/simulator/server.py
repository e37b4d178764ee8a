"""The sockets: connections, requests, and the fault of the moment."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from exporter.simulator.auth import RefusedError
from exporter.simulator.config import ENDPOINTS, SimulatorConfig, check_fault, check_name
from exporter.simulator.exchange import BALANCES_PATH, Exchange
from exporter.simulator.faults import FAULTS
from exporter.simulator.faults.fault import (
    AtAccept,
    AtNextRequest,
    ClientConnection,
    Fault,
    InAnswer,
    OnConnection,
    Redirect,
)
from exporter.simulator.messages import Answer, BadRequestError, Request, encode, head, receive

# No fault, and no farewell to a client that does not read, keeps a connection longer.
_STUCK_SECONDS = 60
_REMEMBERED_PATHS = 1_000
_MARGIN = "/v3/margin/"


class Simulator:
    """A fake exchange that listens while the context is entered.

    `wall` (unix seconds) is the exchange's clock; `monotonic` drives simulated time and the rate
    limits. `requests` and `connections` count what arrived, `paths` holds the last (method, path)
    pairs, and redirects lead to `redirect_target`.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests = 0
        self.connections = 0
        self.paths: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED_PATHS)
        self.redirect_target = "http://127.0.0.2:9/v3/margin/balances"
        self._config = config
        self._exchange = Exchange(config, wall, monotonic)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._broken = asyncio.Event()
        self._defect: BaseException | None = None
        self._server: asyncio.Server | None = None
        self._port = config.port
        self.fault = config.fault
        self.fault_endpoint = config.fault_endpoint

    @property
    def port(self) -> int:
        """The port it listens on; the configured one before that."""
        return self._port

    @property
    def base_url(self) -> str:
        """The API's base URL, for an exporter."""
        scheme = "https" if self._config.ssl_context else "http"
        host = self._config.host or "localhost"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}/v3"

    @property
    def fault(self) -> str | None:
        """Name of the fault of the moment, None for a healthy exchange."""
        return self._fault.name if self._fault else None

    @fault.setter
    def fault(self, name: str | None) -> None:
        check_fault(name)
        self._fault: Fault | None = None if name is None else FAULTS[name]
        self._faulted = 0

    @property
    def fault_endpoint(self) -> str:
        """The endpoint that misbehaves.

        Faults of connections meet every request if it is `balances`, else only those to it.
        """
        return self._fault_path.removeprefix(_MARGIN)

    @fault_endpoint.setter
    def fault_endpoint(self, name: str) -> None:
        check_name("fault_endpoint", name, ENDPOINTS)
        self._fault_path = _MARGIN + name

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self._config.host, self._config.port
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is None:
            return
        self._closing = True
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        # Before Python 3.12 wait_closed does not wait for aborted sockets, which close next.
        await asyncio.sleep(0)
        if self._defect:
            raise RuntimeError("the simulator has a defect") from self._defect

    async def serve_forever(self) -> None:
        """Wait until cancelled, or until a defect of the simulator itself ends it."""
        await self._broken.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing:
            writer.transport.abort()
            return
        self.connections += 1
        # A task of our own, and known from the first moment: none can outlive the simulator.
        task = asyncio.create_task(self._serve(ClientConnection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (defect := task.exception()):
            self._defect = defect
            self._broken.set()

    async def _serve(self, connection: ClientConnection) -> None:
        # asyncio's transport fails if it is aborted after it has delivered all and closed.
        is_closed = False
        try:
            await self._converse(connection)
            async with asyncio.timeout(_STUCK_SECONDS):
                await connection.close()
            is_closed = True
        except OSError:
            pass  # the client left, failed at TLS, or was stuck for too long
        finally:
            if not is_closed:
                connection.writer.transport.abort()

    async def _converse(self, connection: ClientConnection) -> None:
        """Answer requests until either side has had enough."""
        if self._fault and isinstance(self._fault.effect, AtAccept) and self._is_of_balances:
            await _bounded(self._fault.effect.run(connection))
            return
        if self._config.ssl_context:
            # Here and not in start_server, so that faults come first and a stalled handshake ends
            # with its task. Nothing is awaited before: no byte can have been read yet.
            await connection.writer.start_tls(self._config.ssl_context)
        leftover = b""
        first = stays = True
        while stays:
            try:
                request, leftover = await receive(connection.reader, leftover)
            except BadRequestError as error:
                await connection.send(encode(self._exchange.refusal(400, str(error))))
                return
            if request is None:
                return
            self.requests += 1
            self.paths.append((request.method, request.path))
            stays = await self._respond(connection, request, first=first)
            first = False

    async def _respond(
        self, connection: ClientConnection, request: Request, *, first: bool
    ) -> bool:
        """Answer one request; return whether the connection stays open."""
        fault = self._fault
        is_meant = self._is_of_balances or request.path == self._fault_path
        if (
            fault
            and is_meant
            and (
                isinstance(fault.effect, AtAccept)
                or (isinstance(fault.effect, AtNextRequest) and not first)
            )
        ):
            await _bounded(fault.effect.run(connection))
            return False
        try:
            answer = self._exchange.answer(request, connection.host)
        except RefusedError as error:
            answer = self._exchange.refusal(error.status, str(error))
        else:
            if fault and request.path == self._fault_path and self._is_due(fault):
                return await self._misbehave(connection, request, answer, fault)
        await connection.send(_bytes(request, answer))
        return request.keep_alive

    @property
    def _is_of_balances(self) -> bool:
        """Whether the fault is one of balances, whose connections are then faulty altogether."""
        return self._fault_path == BALANCES_PATH

    def _is_due(self, fault: Fault) -> bool:
        """Count a request that the fault applies to; return whether it is still to fail."""
        self._faulted += 1
        return fault.times is None or self._faulted <= fault.times

    async def _misbehave(
        self, connection: ClientConnection, request: Request, answer: Answer, fault: Fault
    ) -> bool:
        """Answer as the fault wants it; return whether the connection stays open."""
        stays = request.keep_alive
        match fault.effect:
            case OnConnection(run=run, keeps_open=keeps_open):
                await _bounded(run(connection, answer))
                return stays and keeps_open
            case InAnswer(change=change):
                answer = change(answer)
                stays = stays and ("Connection", "close") not in answer.headers
            case Redirect(status=status):
                answer = Answer(status, (("Location", self.redirect_target),), b"")
            case AtAccept() | AtNextRequest():
                pass  # these act on connections, and this request was let through
        await connection.send(_bytes(request, answer))
        return stays


def _bytes(request: Request, answer: Answer) -> bytes:
    """Return the bytes of an answer: without its body for HEAD, saying so when it is the last."""
    last = () if request.keep_alive else (("Connection", "close"),)
    answer = Answer(answer.status, (*answer.headers, *last), answer.body)
    if request.method == "HEAD":
        return head(answer, ("Content-Length", str(len(answer.body))))
    return encode(answer)


async def _bounded(misbehaviour: Awaitable[None]) -> None:
    async with asyncio.timeout(_STUCK_SECONDS):
        await misbehaviour
