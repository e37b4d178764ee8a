"""Who is told, and what is held back: by Alertmanager itself, with the shipped configuration."""

import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest

from tests.alerts.deployment import ALERTMANAGER_CONFIG, ALERTS, document
from tests.process.running import until

SEVERITIES = {name: rule.labels["severity"] for name, rule in ALERTS.items()}
RECEIVERS = {"critical": "page", "warning": "ticket", "info": "note", "none": "nobody"}


@pytest.mark.parametrize("alert", SEVERITIES)
def test_alert_is_routed_by_its_severity(amtool: str, alert: str) -> None:
    severity = SEVERITIES[alert]
    receiver = {"BitoproMarginWatchdog": "heartbeat"}.get(alert, RECEIVERS[severity])

    assert route(amtool, alertname=alert, severity=severity, account="main") == receiver


def test_alert_of_an_unknown_severity_is_urgent(amtool: str) -> None:
    assert route(amtool, alertname="Other", severity="odd") == "page"


def route(amtool: str, **labels: str) -> str:
    """Return the receiver of an alert."""
    config = ["config", "routes", "test", f"--config.file={ALERTMANAGER_CONFIG}"]
    pairs = [f"{name}={value}" for name, value in labels.items()]
    run = subprocess.run([amtool, *config, *pairs], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_only_severity_none_goes_nowhere() -> None:
    receivers = document(ALERTMANAGER_CONFIG)["receivers"]

    assert [each["name"] for each in receivers if len(each) == 1] == ["nobody"]


@dataclass(frozen=True)
class Held:
    """Alerts that fire together for one account, and those of them that are held back."""

    name: str
    firing: tuple[str, ...]
    held: tuple[str, ...] = ()


HELD = [
    Held("critical over warning", ("RatioCritical", "RatioWarning"), ("RatioWarning",)),
    Held("critical over info", ("NotProvenSafe", "BorrowMaintenance"), ("BorrowMaintenance",)),
    Held(
        "liquidation over critical",
        ("RatioLiquidation", "RatioCritical", "RatioWarning"),
        ("RatioCritical", "RatioWarning"),
    ),
    Held("liquidation and blindness both told", ("RatioLiquidation", "NotProvenSafe")),
    Held(
        "exporter down over its account",
        ("AccountUnreachable", "NotProvenSafe", "PollFailures"),
        ("NotProvenSafe", "PollFailures"),
    ),
    Held(
        "exporter down not over the ratio",
        ("AccountUnreachable", "RatioLiquidation", "RatioWarning"),
        ("RatioWarning",),
    ),
    Held("a status not over a ratio", ("AccountStatus", "RatioWarning")),
    Held("a hidden account not over a ratio", ("AccountLabelHidden", "RatioWarning")),
    Held("two accounts that are one not over a ratio", ("AccountsAreOne", "RatioWarning")),
    Held("a label not over a ratio", ("ExchangeLabel", "RatioWarning")),
    Held("a contradiction not over a ratio", ("Inconsistent", "RatioWarning")),
    Held(
        "a ratio over its distance",
        ("RatioCritical", "DistanceCritical", "DistanceWarning", "StressCrosses"),
        ("DistanceCritical", "DistanceWarning", "StressCrosses"),
    ),
    Held(
        "liquidation over its distance",
        ("RatioLiquidation", "DistanceCritical"),
        ("DistanceCritical",),
    ),
    Held(
        "a crossed warning over distances that say less",
        ("RatioWarning", "DistanceWarning", "StressCrosses"),
        ("DistanceWarning", "StressCrosses"),
    ),
    Held(
        "a near liquidation over a crossed warning",
        ("DistanceCritical", "RatioWarning", "DistanceWarning"),
        ("RatioWarning", "DistanceWarning"),
    ),
    Held("a distance over an example", ("DistanceWarning", "StressCrosses"), ("StressCrosses",)),
    Held("an example alone", ("StressCrosses",)),
    Held("a past liquidation not over a ratio", ("Liquidated", "RatioWarning")),
    Held("a running liquidation not over a ratio", ("LiquidationRunning", "RatioWarning")),
    Held(
        "liquidation and its ratio both told",
        ("Liquidated", "LiquidationRunning", "RatioLiquidation"),
    ),
    Held("a distance not over a missing price", ("DistanceWarning", "PriceMissing")),
    Held("interest not over a ratio", ("InterestHigh", "BorrowRateDoubled", "RatioWarning")),
    Held("an unreadable list not under a ratio", ("RatioLiquidation", "LiquidationsUnreadable")),
    Held("blindness alone", ("NotProvenSafe",)),
    Held("a warning alone", ("RatioWarning",)),
]


Alert = dict[str, dict[str, str]]
# Of an account or an exporter, and the name: whether it is held back.
Verdicts = Mapping[tuple[str, str], bool]


def alert(name: str, **labels: str) -> Alert:
    """Return an alert as Prometheus sends it."""
    full = f"BitoproMargin{name}"
    return {"labels": {"alertname": full, "severity": SEVERITIES[full], **labels}}


TOGETHER = [
    *(alert(name, account=case.name) for case in HELD for name in case.firing),
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
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("alertmanager")
    command = [
        alertmanager,
        f"--config.file={ALERTMANAGER_CONFIG}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        try:
            until(lambda: is_ready(client), "Alertmanager is ready")
            client.post("/api/v2/alerts", json=TOGETHER).raise_for_status()
            return until(lambda: judged(client), "Alertmanager has looked at all alerts")
        finally:
            process.terminate()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False


def judged(client: httpx.Client) -> Verdicts | None:
    """Return the verdicts, once there is one for each alert."""
    alerts = client.get("/api/v2/alerts").json()
    verdicts = {
        (
            each["labels"].get("account") or each["labels"].get("instance", ""),
            each["labels"]["alertname"].removeprefix("BitoproMargin"),
        ): each["status"]["state"] == "suppressed"
        for each in alerts
        if each["status"]["state"] != "unprocessed"
    }
    return verdicts if len(verdicts) == len(TOGETHER) else None


@pytest.mark.parametrize("case", HELD, ids=lambda case: case.name)
def test_held_back_is_what_says_less_of_the_same(verdicts: Verdicts, case: Held) -> None:
    held = tuple(name for name in case.firing if verdicts[case.name, name])

    assert held == case.held


def test_exporter_that_is_down_holds_back_its_own_warnings_only(verdicts: Verdicts) -> None:
    assert verdicts["down", "ConfigReloadFailed"]
    assert not verdicts["up", "ConfigReloadFailed"]
    assert not verdicts["down", "ExporterDown"]


def test_endpoint_of_prices_holds_back_each_price_that_is_missing(verdicts: Verdicts) -> None:
    assert verdicts["no prices", "PriceMissing"]
    assert not verdicts["no prices", "EndpointFailing"]
    assert verdicts["late prices", "PriceMissing"]
    assert not verdicts["no rates", "PriceMissing"]


def test_unreadable_list_holds_back_its_own_endpoint_only(verdicts: Verdicts) -> None:
    assert verdicts["odd", "EndpointFailing"]
    assert not verdicts["odd", "LiquidationsUnreadable"]
    assert not verdicts["odd, and no prices", "EndpointFailing"]


def test_what_concerns_no_account_holds_nothing_back(verdicts: Verdicts) -> None:
    assert not verdicts["", "RulesFailing"]
    assert not verdicts["a warning alone", "RatioWarning"]
