"""The healthy exchange: a request gives an answer."""

from collections.abc import Callable

from exporter.simulator.answer import Answer, json_answer
from exporter.simulator.config import SimulatorConfig
from exporter.simulator.endpoints import PATHS, Endpoints
from exporter.simulator.gate import Gate, RefusedError
from exporter.simulator.request import Request


class Exchange:
    """Gate and endpoints behind one question, on the clocks of the simulator."""

    def __init__(
        self,
        config: SimulatorConfig,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._started = monotonic()
        self._endpoints = Endpoints(config, wall())
        self._gate = Gate(
            self._endpoints.keys, config.secret, config.email, config.rate_limit, wall, monotonic
        )

    def answer(self, request: Request, host: str) -> Answer:
        """Give the good answer to a client host. Raises RefusedError."""
        self._gate.admit(host)
        if request.path not in PATHS:
            raise RefusedError(404, "Not found")
        if request.method != "GET":
            raise RefusedError(405, "Method not allowed")
        key = self._gate.authenticate(request.headers)
        elapsed_seconds = self._monotonic() - self._started
        document = self._endpoints.document(request.path, key, elapsed_seconds)
        return json_answer(200, document, self._wall())

    def refusal(self, status: int, text: str) -> Answer:
        """Give the answer to a request that is refused."""
        return json_answer(status, {"error": text}, self._wall())
