import asyncio

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.simulator.client import (
    BALANCES,
    NOW,
    NOW_MS,
    ask,
    hang_up,
    request,
    signed,
    still,
    transcript,
)

pytestmark = pytest.mark.anyio


async def test_connection_is_kept_alive_until_the_client_wants_it_closed() -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        received, end = await transcript(reader, writer)
        await hang_up(writer)

    assert received.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert end == "closed"


async def test_requests_connections_and_paths_are_counted() -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        await ask(simulator, signed(NOW_MS))
        await ask(simulator, {}, "/v3/margin/mark-price?x=1")

    assert (simulator.requests, simulator.connections) == (2, 2)
    assert list(simulator.paths) == [("GET", BALANCES), ("GET", "/v3/margin/mark-price")]


async def test_base_url_names_the_port_that_was_free() -> None:
    async with Simulator(SimulatorConfig(port=0)) as simulator:
        assert simulator.base_url == f"http://127.0.0.1:{simulator.port}/v3"
        assert simulator.port > 0


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x00\xa5\x01\r\n\r\n", id="TLS"),
        pytest.param(b"GET\r\n\r\n", id="half a request line"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000, id="huge header"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000,
            id="huge body",
        ),
    ],
)
async def test_what_is_no_request_is_answered_with_400_and_closed(sent: bytes) -> None:
    async with Simulator(SimulatorConfig(port=0)) as simulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        writer.write(sent)
        status_line = await reader.readline()
        await hang_up(writer)

    assert status_line == b"HTTP/1.1 400 Bad Request\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET /v3/margin", id="half a request"),
        pytest.param(request(signed()), id="idle after an answer"),
    ],
)
async def test_closing_the_simulator_cuts_open_connections_and_leaves_no_task(sent: bytes) -> None:
    tasks = asyncio.all_tasks()

    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        _, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        writer.write(sent)
        await ask(simulator, {})

    assert asyncio.all_tasks() == tasks
    await hang_up(writer)


async def test_waiting_for_ever_ends_when_cancelled() -> None:
    async with Simulator(SimulatorConfig(port=0)) as simulator:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await simulator.serve_forever()


async def test_defect_of_the_simulator_itself_ends_it_loudly() -> None:
    async def serve_with_a_clock_that_breaks() -> None:
        async with Simulator(SimulatorConfig(port=0), wall=[NOW].pop) as simulator:
            _, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
            writer.write(request(signed()))
            await simulator.serve_forever()
            await hang_up(writer)

    with pytest.raises(RuntimeError, match="the simulator has a defect") as failure:
        await serve_with_a_clock_that_breaks()

    assert isinstance(failure.value.__cause__, IndexError)
