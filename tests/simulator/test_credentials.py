"""The key, secret and e-mail that the simulator knows can be others than the published ones."""

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests.simulator.client import NOW_MS, ask, encoded, sign, signed, still

pytestmark = pytest.mark.anyio

OTHER = SimulatorConfig(
    port=0, accounts=1, key="other-key", secret="other-secret", email="other@example.com"
)


@pytest.mark.parametrize("key", ["other-key", "other-key-1"])
async def test_configured_credentials_are_admitted(key: str) -> None:
    payload = encoded({"identity": "other@example.com", "nonce": NOW_MS})
    async with Simulator(OTHER, wall=still) as simulator:
        reply = await ask(simulator, sign(payload, key, "other-secret"))

    assert reply.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(signed(), id="key"),
        pytest.param(sign(encoded({"nonce": NOW_MS}), "other-key"), id="secret"),
        pytest.param(
            sign(
                encoded({"identity": "demo@example.com", "nonce": NOW_MS}),
                "other-key",
                "other-secret",
            ),
            id="e-mail",
        ),
    ],
)
async def test_default_credentials_are_then_refused(headers: dict[str, str]) -> None:
    async with Simulator(OTHER, wall=still) as simulator:
        reply = await ask(simulator, headers)

    assert reply.status == 401


def test_configured_credentials_are_not_shown() -> None:
    assert "other" not in repr(OTHER)
