"""The whole chain, short: from a ratio that falls to the notification, all of it real."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.e2e.alerting import alerting, missing_tool, until
from tests.e2e.drill_stages import FACTOR
from tests.e2e.faults import BELOW_LIQUIDATION, LIQUIDATION
from tests.e2e.receiver import receiving
from tests.e2e.sites import Exporter, FakeExchange, key_of

pytestmark = pytest.mark.skipif(
    missing_tool() is not None, reason=f"Debian's package {missing_tool()} is missing"
)

_SECONDS = 60.0


def test_ratio_that_falls_below_liquidation_is_told(tmp_path: Path) -> None:
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        receiver = stack.enter_context(receiving())
        exchange = FakeExchange(portal, stack, "drill", key_of("main"))
        exporter = Exporter(tmp_path / "exporter", FACTOR, {"main": exchange.base_url})
        stack.callback(exporter.close)
        servers = stack.enter_context(alerting(tmp_path, FACTOR, receiver.url, [exporter.address]))
        safe = 'account:bitopro_margin_proven_safe:max{account="main"}'
        until(lambda: servers.query(safe), "the account is proven safe", _SECONDS)
        told_before = [each.alert for each in receiver.told if "account" in each.labels]

        exchange.go_to(BELOW_LIQUIDATION)
        told = until(
            lambda: receiver.first(LIQUIDATION, {"account": "main"}), LIQUIDATION, _SECONDS
        )

    assert told_before == []
    assert told.channel == "page"
    assert told.labels["severity"] == "critical"
    assert told.annotations["summary"].startswith("Account main has fallen below its liquidation")
