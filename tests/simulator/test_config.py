from collections.abc import Callable

import pytest

from exporter.simulator import Simulator, SimulatorConfig


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SimulatorConfig(scenario="clam"),
            "scenario 'clam' does not exist; the nearest is 'calm'",
        ),
        (
            lambda: SimulatorConfig(fault="stall-in-bdy"),
            "fault 'stall-in-bdy' does not exist; the nearest is 'stall-in-body'",
        ),
        (
            lambda: SimulatorConfig(fault_endpoint="mark_price"),
            "fault_endpoint 'mark_price' does not exist; the nearest is 'mark-price'",
        ),
        (
            lambda: SimulatorConfig(speed=0),
            "speed must be above 0 and at most 86400, but is 0",
        ),
        (
            lambda: SimulatorConfig(speed=float("nan")),
            "speed must be above 0 and at most 86400, but is nan",
        ),
        (
            lambda: SimulatorConfig(port=65_536),
            "port must be a whole number from 0 to 65535, but is 65536",
        ),
        (
            lambda: SimulatorConfig(accounts=-1),
            "accounts must be a whole number from 0 to 10000, but is -1",
        ),
        (
            lambda: SimulatorConfig(currencies=1),
            "currencies must be a whole number from 2 to 2000, but is 1",
        ),
        (
            lambda: SimulatorConfig(rate_limit=0),
            "rate_limit must be a whole number from 1 to 10000000, but is 0",
        ),
    ],
    ids=[
        "scenario",
        "fault",
        "fault endpoint",
        "speed of zero",
        "speed that is no number",
        "port",
        "accounts",
        "currencies",
        "rate limit",
    ],
)
def test_nonsense_is_refused_by_name(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  # the whole message is compared below
        make()

    assert str(refusal.value) == message


def test_unknown_fault_is_refused_at_run_time_and_changes_nothing() -> None:
    simulator = Simulator(SimulatorConfig(fault="gzip"))

    with pytest.raises(ValueError, match="the nearest is 'gzip-bomb'"):
        simulator.fault = "gzip-bom"

    assert simulator.fault == "gzip"
