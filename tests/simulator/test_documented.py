import json
from pathlib import Path

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.simulator.client import Clock, ask, signed, still

FIXTURES = Path(__file__).parent.parent / "fixtures"
FIXTURE = FIXTURES / "margin_balances.json"
TERMS = FIXTURES / "margin_provisioning_borrow.json"

pytestmark = pytest.mark.anyio


@pytest.fixture
def documented_example() -> object:
    return json.loads(FIXTURE.read_bytes())


async def test_default_key_gets_the_documented_example_digit_by_digit(
    documented_example: object,
) -> None:
    async with Simulator(SimulatorConfig(port=0, scenario="documented"), wall=still) as simulator:
        reply = await ask(simulator, signed())

    assert json.dumps(reply.document) == json.dumps(documented_example)


async def test_terms_of_borrowing_are_the_documented_example_digit_by_digit() -> None:
    async with Simulator(SimulatorConfig(port=0, scenario="documented"), wall=still) as simulator:
        reply = await ask(simulator, signed(), "/v3/margin/provisioning/borrow")

    assert json.dumps(reply.document) == json.dumps(json.loads(TERMS.read_bytes()))


async def test_documented_example_does_not_change_with_time(documented_example: object) -> None:
    clock = Clock()
    config = SimulatorConfig(port=0, scenario="documented", speed=100)
    async with Simulator(config, wall=still, monotonic=clock) as simulator:
        clock.seconds = 1_000_000
        reply = await ask(simulator, signed())

    assert reply.document == documented_example


async def test_other_keys_get_the_same_example_under_other_account_ids(
    documented_example: dict[str, object],
) -> None:
    config = SimulatorConfig(port=0, scenario="documented", accounts=2)
    async with Simulator(config, wall=still) as simulator:
        first = await ask(simulator, signed(key="demo-key-1"))
        second = await ask(simulator, signed(key="demo-key-2"))

    assert first.document == {**documented_example, "accountID": "5411716255"}
    assert second.document == {**documented_example, "accountID": "5411716256"}
