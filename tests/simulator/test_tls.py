import asyncio
import ssl

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.simulator.client import hang_up, still, transcript

pytestmark = pytest.mark.anyio


def anonymous(protocol: int) -> ssl.SSLContext:
    """TLS without a certificate, which is enough for a test on one machine."""
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


@pytest.fixture
def config() -> SimulatorConfig:
    return SimulatorConfig(
        port=0, scenario="documented", ssl_context=anonymous(ssl.PROTOCOL_TLS_SERVER)
    )


async def twice(simulator: Simulator) -> tuple[bytes, str]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", simulator.port, ssl=anonymous(ssl.PROTOCOL_TLS_CLIENT)
    )
    seen = await transcript(reader, writer)
    await hang_up(writer)
    return seen


async def test_exchange_speaks_tls(config: SimulatorConfig) -> None:
    async with Simulator(config, wall=still) as simulator:
        received, end = await twice(simulator)

    assert simulator.base_url.startswith("https://127.0.0.1:")
    assert (received.count(b'"adRatio":"5.76"'), end) == (2, "closed")


@pytest.mark.parametrize(
    ("fault", "end"), [("reset-in-body", "reset"), ("stall-in-body", "stuck"), ("null", "closed")]
)
async def test_faults_work_under_tls(fault: str, end: str, config: SimulatorConfig) -> None:
    async with Simulator(config, wall=still) as simulator:
        simulator.fault = fault
        received, seen_end = await twice(simulator)

    assert b"200 OK" in received
    assert seen_end == end


async def test_plaintext_on_the_tls_port_gets_no_answer(config: SimulatorConfig) -> None:
    async with Simulator(config, wall=still) as simulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        received, _ = await transcript(reader, writer)
        await hang_up(writer)

    assert b"HTTP" not in received


@pytest.mark.parametrize("fault", [None, "tls-stall"])
async def test_stalled_handshake_does_not_outlive_the_simulator(
    fault: str | None, config: SimulatorConfig
) -> None:
    tasks = asyncio.all_tasks()

    async with Simulator(config, wall=still) as simulator:
        simulator.fault = fault
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        writer.write(b"\x16\x03\x01")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), timeout=0.05)

    assert asyncio.all_tasks() == tasks
    await hang_up(writer)
