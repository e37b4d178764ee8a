"""Who is told, and what is held back: by Alertmanager itself, with the shipped configuration."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.alerts.deployment import ALERTMANAGER_CONFIG, ALERTS, document
from tests.e2e.alerting import free_address, running_alertmanager, until

SEVERITIES = {name: rule.labels["severity"] for name, rule in ALERTS.items()}
RECEIVERS = {"critical": "page", "warning": "ticket", "info": "note", "none": "nobody"}


def test_alerts_are_routed_by_their_severity_and_an_unknown_one_is_urgent(amtool: str) -> None:
    expected = {name: RECEIVERS[severity] for name, severity in SEVERITIES.items()}
    expected |= {
        "BitoproMarginNotificationsFailing": "ticket,note,page",
        "BitoproMarginWatchdog": "heartbeat",
        "Other": "page",
    }

    assert {
        name: route(amtool, alertname=name, severity=SEVERITIES.get(name, "odd"), account="main")
        for name in expected
    } == expected


def route(amtool: str, **labels: str) -> str:
    """Return the receiver of an alert."""
    config = ["config", "routes", "test", f"--config.file={ALERTMANAGER_CONFIG}"]
    pairs = [f"{name}={value}" for name, value in labels.items()]
    run = subprocess.run([amtool, *config, *pairs], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_only_severity_none_goes_nowhere() -> None:
    receivers = document(ALERTMANAGER_CONFIG)["receivers"]

    assert [each["name"] for each in receivers if len(each) == 1] == ["nobody"]


# By account: alerts that fire together for it, and > those of them that are held back.
HELD: Mapping[str, str] = {
    "critical over warning": "RatioCritical > RatioWarning",
    "critical over info": "NotProvenSafe > BorrowMaintenance",
    "liquidation over critical": "RatioLiquidation > RatioCritical RatioWarning",
    "liquidation and blindness both told": "RatioLiquidation NotProvenSafe",
    "exporter down over its account": "AccountUnreachable > NotProvenSafe PollFailures",
    "exporter down not over the ratio": "AccountUnreachable RatioLiquidation > RatioWarning",
    "a status not over a ratio": "AccountStatus RatioWarning",
    "a hidden account not over a ratio": "AccountLabelHidden RatioWarning",
    "two accounts that are one not over a ratio": "AccountsAreOne RatioWarning",
    "a label not over a ratio": "ExchangeLabel RatioWarning",
    "a contradiction not over a ratio": "Inconsistent RatioWarning",
    "a ratio over its distance": "RatioCritical > DistanceCritical DistanceWarning StressCrosses",
    "liquidation over its distance": "RatioLiquidation > DistanceCritical LiquidationImminent",
    "a pace beside a distance": "LiquidationImminent DistanceCritical > RatioWarning",
    "a crossed warning over what says less": "RatioWarning > DistanceWarning StressCrosses",
    "a near liquidation over a crossed warning": "DistanceCritical > RatioWarning DistanceWarning",
    "a distance over an example": "DistanceWarning > StressCrosses",
    "an example alone": "StressCrosses",
    "a past liquidation not over a ratio": "Liquidated RatioWarning",
    "a running liquidation not over a ratio": "LiquidationRunning RatioWarning",
    "liquidation and its ratio both told": "Liquidated LiquidationRunning RatioLiquidation",
    "a distance not over a missing price": "DistanceWarning PriceMissing",
    "interest not over a ratio": "InterestHigh BorrowRateDoubled RatioWarning",
    "an unreadable list not under a ratio": "RatioLiquidation LiquidationsUnreadable",
    "blindness alone": "NotProvenSafe",
    "a warning alone": "RatioWarning",
}


Alert = dict[str, dict[str, str]]
# Of an account or an exporter, and the name: whether it is held back.
Verdicts = Mapping[tuple[str, str], bool]


def alert(name: str, **labels: str) -> Alert:
    """Return an alert as Prometheus sends it."""
    full = f"BitoproMargin{name}"
    return {"labels": {"alertname": full, "severity": SEVERITIES[full], **labels}}


TOGETHER = [
    *(
        alert(name, account=each)
        for each, names in HELD.items()
        for name in names.replace(">", "").split()
    ),
    alert("ExporterDown", instance="down"),
    alert("ConfigReloadFailed", instance="down"),
    alert("ConfigReloadFailed", instance="up"),
    alert("RulesFailing"),
    alert("EndpointFailing", account="no prices", endpoint="mark-price"),
    alert("PriceMissing", account="no prices", currency="BTC"),
    alert("EndpointNotAsked", account="late prices", endpoint="mark-price"),
    alert("PriceMissing", account="late prices", currency="BTC"),
    alert("LiquidationsUnreadable", account="odd"),
    alert("EndpointFailing", account="odd", endpoint="user-liquidations"),
    alert("LiquidationsUnreadable", account="odd, and no prices"),
    alert("EndpointFailing", account="odd, and no prices", endpoint="mark-price"),
    alert("EndpointFailing", account="no rates", endpoint="provisioning/borrow"),
    alert("PriceMissing", account="no rates", currency="BTC"),
]


@pytest.fixture(scope="module")
def verdicts(alertmanager: str, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """What a running Alertmanager does with all of them at once."""
    folder, address = tmp_path_factory.mktemp("alertmanager"), free_address()
    with (
        running_alertmanager(alertmanager, ALERTMANAGER_CONFIG, folder, address),
        httpx.Client(base_url=f"http://{address}", trust_env=False) as client,
    ):
        client.post("/api/v2/alerts", json=TOGETHER).raise_for_status()
        # It learns of what holds others back by and by.
        return until(
            lambda: found if (found := judged(client)) == judged(client) else None,
            "Alertmanager has looked at all alerts",
            30.0,
        )


def judged(client: httpx.Client) -> Verdicts | None:
    """Return the verdicts, once there is one for each alert and some are held back."""
    alerts = client.get("/api/v2/alerts").json()
    verdicts = {
        (
            each["labels"].get("account") or each["labels"].get("instance", ""),
            each["labels"]["alertname"].removeprefix("BitoproMargin"),
        ): each["status"]["state"] == "suppressed"
        for each in alerts
        if each["status"]["state"] != "unprocessed"
    }
    is_whole = len(verdicts) == len(TOGETHER) and any(verdicts.values())
    return verdicts if is_whole else None


def test_held_back_is_what_says_less_of_the_same(verdicts: Verdicts) -> None:
    held: dict[str, str] = {}
    for account, names in HELD.items():
        firing = names.replace(">", "").split()
        told = [name for name in firing if not verdicts[account, name]]
        rest = [name for name in firing if verdicts[account, name]]
        held[account] = " ".join([*told, ">", *rest] if rest else told)

    assert held == HELD


def test_what_is_of_no_account_or_of_an_endpoint_holds_back_its_own_only(
    verdicts: Verdicts,
) -> None:
    expected = {
        ("down", "ExporterDown"): False,
        ("down", "ConfigReloadFailed"): True,
        ("up", "ConfigReloadFailed"): False,
        ("no prices", "EndpointFailing"): False,
        ("no prices", "PriceMissing"): True,
        ("late prices", "PriceMissing"): True,
        ("no rates", "PriceMissing"): False,
        ("odd", "LiquidationsUnreadable"): False,
        ("odd", "EndpointFailing"): True,
        ("odd, and no prices", "EndpointFailing"): False,
        ("", "RulesFailing"): False,
    }

    assert {each: verdicts[each] for each in expected} == expected


def test_each_page_is_a_message_of_its_own_and_warnings_of_an_account_are_one(
    alertmanager: str, tmp_path: Path
) -> None:
    names = ["ExchangeLabel", "RatioLiquidation", "DistanceWarning", "RatioWarning"]
    address = free_address()

    with (
        running_alertmanager(alertmanager, ALERTMANAGER_CONFIG, tmp_path, address),
        httpx.Client(base_url=f"http://{address}", trust_env=False) as client,
    ):
        pages = [alert(name, account="main") for name in names]
        client.post("/api/v2/alerts", json=pages).raise_for_status()
        groups = until(
            lambda: found if sum(map(len, found := grouped(client))) == len(names) else None,
            "Alertmanager has grouped all alerts",
            30.0,
        )

    assert groups == [["DistanceWarning", "RatioWarning"], ["ExchangeLabel"], ["RatioLiquidation"]]


def grouped(client: httpx.Client) -> list[list[str]]:
    """Return the alerts of each group, without their prefix."""
    return sorted(
        sorted(
            each["labels"]["alertname"].removeprefix("BitoproMargin") for each in group["alerts"]
        )
        for group in client.get("/api/v2/alerts/groups").json()
    )
