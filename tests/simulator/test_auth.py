import pytest

from exporter.simulator import Simulator, SimulatorConfig
from exporter.simulator.auth import signature
from tests.simulator.client import NOW, NOW_MS, Clock, ask, encoded, sign, signed, still

pytestmark = pytest.mark.anyio

IDENTITY = "demo@example.com"


def test_signature_of_the_published_example() -> None:
    payload = b"eyJpZGVudGl0eSI6ImhjbWxpbmpAZ21haWwuY29tIiwibm9uY2UiOjE1NTQzODA5MDkxMzF9"

    assert signature("bitopro", payload) == (
        "01a85a9083db47c20da7196380598f3feacd3c76a9077aaf7ffaf08ce0091abf"
        "65b61778792607b010921adfe1c2941a"
    )


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(signed(), id="standard base64"),
        # The nonce alone in a payload whose base64 differs between the alphabets.
        pytest.param(sign("eyJub25jZSI6MTcwMDAwMDAwMDAwMCwieCI6Ij8_PyJ9"), id="URL-safe base64"),
        pytest.param(sign("eyJub25jZSI6MTcwMDAwMDAwMDAwMCwieCI6Ij8/PyJ9"), id="with a slash"),
        pytest.param(sign(encoded({"nonce": NOW_MS})), id="nonce alone"),
        # The exchange's own client on PyPI: {"identity": "", "nonce": 1700000000000}.
        pytest.param(
            sign("eyJpZGVudGl0eSI6ICIiLCAibm9uY2UiOiAxNzAwMDAwMDAwMDAwfQ=="), id="empty identity"
        ),
    ],
)
async def test_signed_request_is_answered(headers: dict[str, str]) -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        reply = await ask(simulator, headers)

    assert reply.status == 200


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        pytest.param({}, "Invalid API key", id="no headers"),
        pytest.param(signed(key="demo-key-1"), "Invalid API key", id="unknown key"),
        pytest.param(
            sign(encoded({"identity": IDENTITY, "nonce": NOW_MS}), secret="other"),
            "Invalid signature",
            id="wrong secret",
        ),
        pytest.param(
            {**signed(), "X-BITOPRO-SIGNATURE": signed()["X-BITOPRO-SIGNATURE"].upper()},
            "Invalid signature",
            id="upper-case signature",
        ),
        pytest.param(sign("???"), "Invalid payload", id="no base64"),
        pytest.param(sign("e30x"), "Invalid payload", id="no JSON"),
        pytest.param(sign(encoded([])), "Invalid identity", id="no object"),
        pytest.param(
            sign(encoded({"identity": "else@example.com", "nonce": NOW_MS})),
            "Invalid identity",
            id="another identity",
        ),
        pytest.param(
            sign(encoded({"identity": None, "nonce": NOW_MS})), "Invalid identity", id="null"
        ),
        pytest.param(
            sign(encoded({"identity": [], "nonce": NOW_MS})), "Invalid identity", id="list"
        ),
        pytest.param(sign(encoded({"identity": ""})), "Invalid nonce", id="empty and no nonce"),
        pytest.param(sign(encoded({"identity": IDENTITY})), "Invalid nonce", id="no nonce"),
        pytest.param(sign(encoded({"nonce": str(NOW_MS)})), "Invalid nonce", id="nonce as text"),
        pytest.param(sign(encoded({"nonce": NOW_MS / 1})), "Invalid nonce", id="nonce as float"),
    ],
)
async def test_unproven_identity_is_refused_with_401(headers: dict[str, str], text: str) -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        reply = await ask(simulator, headers)

    assert (reply.status, reply.document) == (401, {"error": text})


@pytest.mark.parametrize(("skew_ms", "status"), [(-30_001, 409), (-30_000, 200), (30_000, 200)])
async def test_nonce_must_be_within_30_seconds(skew_ms: int, status: int) -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        reply = await ask(simulator, signed(NOW_MS + skew_ms))

    assert reply.status == status


@pytest.mark.parametrize(("second_nonce_ms", "status"), [(-1, 409), (0, 409), (1, 200)])
async def test_nonce_must_rise(second_nonce_ms: int, status: int) -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        await ask(simulator, signed(NOW_MS))
        reply = await ask(simulator, signed(NOW_MS + second_nonce_ms))

    assert reply.status == status


async def test_nonces_of_two_keys_are_independent() -> None:
    async with Simulator(SimulatorConfig(port=0, accounts=1), wall=still) as simulator:
        await ask(simulator, signed(NOW_MS))
        reply = await ask(simulator, signed(NOW_MS, key="demo-key-1"))

    assert reply.status == 200


@pytest.mark.parametrize(("later_seconds", "status"), [(59.9, 429), (60.0, 200)])
async def test_rate_limit_holds_for_any_60_seconds(later_seconds: float, status: int) -> None:
    clock = Clock()
    config = SimulatorConfig(port=0, rate_limit=2)
    async with Simulator(config, wall=still, monotonic=clock) as simulator:
        await ask(simulator, signed(NOW_MS))
        clock.seconds = 30
        await ask(simulator, signed(NOW_MS + 1))
        clock.seconds = later_seconds
        reply = await ask(simulator, signed(NOW_MS + 2))

    assert reply.status == status


async def test_refused_requests_do_not_prolong_the_limit() -> None:
    clock = Clock()
    config = SimulatorConfig(port=0, rate_limit=1)
    async with Simulator(config, wall=still, monotonic=clock) as simulator:
        await ask(simulator, signed(NOW_MS))
        clock.seconds = 59
        await ask(simulator, signed(NOW_MS + 1))
        clock.seconds = 60
        reply = await ask(simulator, signed(NOW_MS + 2))

    assert reply.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/margin/unknown", 404),
        ("GET", "/v2/margin/balances", 404),
        ("GET", "/", 404),
        ("POST", "/v3/margin/balances", 405),
        ("DELETE", "/v3/margin/balances", 405),
        ("HEAD", "/v3/margin/balances", 405),
    ],
)
async def test_other_paths_and_verbs_are_refused(method: str, path: str, status: int) -> None:
    async with Simulator(SimulatorConfig(port=0), wall=still) as simulator:
        reply = await ask(simulator, signed(), path, method)

    assert reply.status == status


async def test_answers_are_dated_with_the_clock_of_the_exchange() -> None:
    async with Simulator(SimulatorConfig(port=0), wall=Clock(NOW)) as simulator:
        reply = await ask(simulator, signed())

    assert reply.headers == {
        "Date": "Tue, 14 Nov 2023 22:13:20 GMT",
        "Content-Type": "application/json",
        "Content-Length": str(len(reply.body)),
        "Connection": "close",
    }
