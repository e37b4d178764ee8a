"""After SIGKILL, a new process starts from nothing and is believed by the exchange."""

import signal

from exporter.simulator import Simulator
from tests.process.conftest import Starter
from tests.process.running import BROKEN


def test_restart_shows_nothing_before_its_first_success_and_nonces_rise(
    start: Starter, simulator: Simulator
) -> None:
    killed = start()
    assert killed.shows('up{account="default"}', 1).balances() != []
    killed.send(signal.SIGKILL)
    assert killed.end().code == -signal.SIGKILL

    simulator.fault = "stall-before-answer"
    restarted = start(command=(*BROKEN, "quick-backoff"))
    during_poll = restarted.page()
    simulator.fault = None
    after_success = restarted.shows('up{account="default"}', 1)

    assert during_poll.balances() == []
    assert during_poll.value('last_success_timestamp_seconds{account="default"}') == 0
    assert after_success.balances() != []
    assert after_success.value('poll_failures_total{account="default",reason="clock"}') == 0
