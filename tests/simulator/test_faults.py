import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from exporter.simulator import FAULTS, Simulator, SimulatorConfig
from exporter.simulator.faults import ALL_FAULTS, by_name
from tests.simulator.client import (
    BALANCES,
    NOW_MS,
    ask,
    hang_up,
    request,
    signed,
    still,
    transcript,
)

pytestmark = pytest.mark.anyio

DOCUMENTED = SimulatorConfig(port=0, scenario="documented")
MARK_PRICE = "/v3/margin/mark-price"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(DOCUMENTED, wall=still) as simulator:
        yield simulator


async def twice(fault: str | None) -> tuple[bytes, str]:
    """Ask twice under a fault; the simulator closes while the connection is still open."""
    tasks = asyncio.all_tasks()
    async with Simulator(DOCUMENTED, wall=still) as simulator:
        simulator.fault = fault
        reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
        seen = await transcript(reader, writer)
    assert asyncio.all_tasks() == tasks
    await hang_up(writer)
    return seen


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_shows_on_the_wire_and_leaves_no_task(fault: str) -> None:
    healthy = await twice(None)

    assert await twice(fault) != healthy


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ("reset-at-accept", "reset"),
        ("close-without-answer", "closed"),
        ("reset-in-body", "reset"),
        ("stall-before-answer", "stuck"),
        ("tls-stall", "stuck"),
        ("drip-body", "stuck"),
        ("endless-headers", "endless"),
        ("endless-chunks", "endless"),
    ],
)
async def test_connection_ends_as_the_fault_says(fault: str, end: str) -> None:
    assert (await twice(fault))[1] == end


def test_names_of_the_plan_are_kebab_case_and_its_summaries_short_lines() -> None:
    wrong = [
        fault.name
        for fault in ALL_FAULTS
        if not re.fullmatch(r"[a-z0-9]+(-[A-Za-z0-9]+)*", fault.name)
        or not 0 < len(fault.summary) <= 80
        or "\n" in fault.summary
    ]

    assert wrong == []
    assert len(FAULTS) == len(ALL_FAULTS)


def test_second_fault_of_a_name_is_refused() -> None:
    first = FAULTS["status-401"]

    with pytest.raises(ValueError, match="two faults are named 'status-401'"):
        by_name([*ALL_FAULTS, replace(first, summary="another")])


def test_plan_covers_more_than_ninety_faults_a_client_must_reject() -> None:
    assert len([fault for fault in FAULTS.values() if not fault.accepted]) > 90


@pytest.mark.parametrize("name", [name for name in FAULTS if FAULTS[name].group == "answer"])
async def test_faulty_answer_is_well_framed(name: str, simulator: Simulator) -> None:
    simulator.fault = name

    reply = await ask(simulator, signed())

    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Content-Length"] == str(len(reply.body))


async def test_fault_can_be_set_and_cleared_while_running(simulator: Simulator) -> None:
    simulator.fault = "null"
    faulty = await ask(simulator, signed(NOW_MS))
    simulator.fault = None
    healthy = await ask(simulator, signed(NOW_MS + 1))

    assert faulty.body == b"null"
    assert healthy.body.startswith(b'{"adRatio":"5.76",')


async def test_fault_of_the_answer_spares_other_endpoints(simulator: Simulator) -> None:
    simulator.fault = "status-500"

    reply = await ask(simulator, signed(), MARK_PRICE)

    assert reply.status == 200


async def test_fault_of_the_answer_comes_after_authentication(simulator: Simulator) -> None:
    simulator.fault = "status-500"

    reply = await ask(simulator, {})

    assert reply.status == 401


async def test_fault_that_fails_once_spares_the_second_request(simulator: Simulator) -> None:
    simulator.fault = "409-once"

    first = await ask(simulator, signed(NOW_MS))
    second = await ask(simulator, signed(NOW_MS + 1))

    assert (first.status, second.status) == (409, 200)


async def test_fault_that_fails_once_fails_again_when_set_again(simulator: Simulator) -> None:
    simulator.fault = "409-once"
    await ask(simulator, signed(NOW_MS))
    simulator.fault = "409-once"

    again = await ask(simulator, signed(NOW_MS + 1))

    assert again.status == 409


async def test_idle_close_answers_the_first_request_of_every_connection(
    simulator: Simulator,
) -> None:
    simulator.fault = "idle-close"
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)

    received, end = await transcript(reader, writer)
    await hang_up(writer)
    fresh = await ask(simulator, signed(NOW_MS + 2))

    assert received.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert (end, fresh.status) == ("closed", 200)


async def test_fault_at_accept_meets_an_open_connection_at_its_next_request(
    simulator: Simulator,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(request(signed(NOW_MS)))
    await reader.readuntil(b"}}")
    simulator.fault = "close-at-accept"

    rest, end = await transcript(reader, writer)
    await hang_up(writer)

    assert end == "closed"
    assert b"HTTP" not in rest


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_leads_to_the_configured_target(status: int, simulator: Simulator) -> None:
    simulator.fault = f"redirect-{status}"
    simulator.redirect_target = "http://127.0.0.1:1/elsewhere"

    reply = await ask(simulator, signed())

    assert (reply.status, reply.headers["Location"]) == (status, "http://127.0.0.1:1/elsewhere")


async def test_retry_after_date_follows_the_date_of_the_answer(simulator: Simulator) -> None:
    simulator.fault = "retry-after-date"

    reply = await ask(simulator, signed())

    assert reply.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert reply.headers["Retry-After"] == "Tue, 14 Nov 2023 22:14:50 GMT"


@pytest.mark.parametrize(
    ("fault", "fragment"),
    [
        ("duplicate-field-differs", b'{"adRatio":"9.99","adRatio":"5.76",'),
        ("duplicate-currency", b'"balances":{"BTC":{"availableAmount":"9.99990000",'),
        ("duplicate-amount-differs", b'"9.00000000","availableAmount":"9.99990000"'),
        ("amount-nan", b'"availableAmount":NaN,'),
        ("amount-exponent-bare-huge", b'"availableAmount":1e400,'),
        ("missing-adRatio", b'{"adRatioLabel":"SAFETY_THRESHOLD","accountID"'),
        ("null-totalAssetAmount", b'"totalAssetAmount":null,'),
        ("bool-accountStatus", b'"accountStatus":true,'),
        ("negative-borrowAmount", b'"borrowAmount":"-1.00000000",'),
        ("currency-half-character", rb'"BTC\ud800":{'),
        ("currency-in-both-cases", b'"btc":{"availableAmount":"9.99990000"'),
    ],
)
async def test_fault_damages_what_its_name_says(
    fault: str, fragment: bytes, simulator: Simulator
) -> None:
    simulator.fault = fault

    reply = await ask(simulator, signed())

    assert fragment in reply.body


@pytest.mark.parametrize(
    "name",
    [name for name in FAULTS if FAULTS[name].group == "answer" and FAULTS[name].accepted],
)
async def test_odd_answer_has_every_documented_field(name: str, simulator: Simulator) -> None:
    simulator.fault = name

    document = json.loads((await ask(simulator, signed())).body)

    assert document.keys() >= {
        "adRatio",
        "adRatioLabel",
        "accountID",
        "accountStatus",
        "marginStatus",
        "balances",
        "calculateUnit",
        "totalAssetAmount",
        "totalDebtAmount",
    }


async def test_fault_of_the_wire_applies_to_balances_alone(simulator: Simulator) -> None:
    simulator.fault = "garbage"

    reply = await ask(simulator, signed(NOW_MS), MARK_PRICE)

    assert reply.status == 200
    assert simulator.paths[-1] == ("GET", MARK_PRICE) != ("GET", BALANCES)


@pytest.mark.parametrize(
    ("fault", "received"),
    [("status-403", b"HTTP/1.1 403"), ("close-at-accept", b""), ("empty-body", b"HTTP/1.1 200")],
)
async def test_fault_can_be_that_of_another_endpoint_alone(
    fault: str, received: bytes, simulator: Simulator
) -> None:
    simulator.fault = fault
    simulator.fault_endpoint = "mark-price"

    healthy = await ask(simulator, signed(NOW_MS))
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(request(signed(NOW_MS + 1), MARK_PRICE, last=True))
    faulty = await reader.read()
    await hang_up(writer)

    assert healthy.status == 200
    assert b"totalAssetAmount" in healthy.body
    assert faulty.startswith(received)
    assert b"tokenPrices" not in faulty
