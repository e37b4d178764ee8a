"""What a drill expects at each stage, and what Prometheus and Alertmanager saw."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from exporter.errors import UnableError
from exporter.service.process import client_ssl_context


@dataclass(frozen=True, slots=True)
class Stage:
    """What happens to the account, and the alert that is to follow.

    `step` is that of the simulator's scenario, `fault` one of its faults. Without an alert to
    expect, the stage is over when none fires. `stays` is an alert that must not be resolved
    meanwhile. `lasts_seconds` is for a drill without watchers: a little longer than the shipped
    rules take.
    """

    name: str
    happens: str
    step: int
    lasts_seconds: float
    alert: str | None = None
    stays: str | None = None
    fault: str | None = None

    @property
    def expected(self) -> str:
        """The alert to follow, for people."""
        return self.alert or "no alert"

    def agrees(self, alerts: frozenset[str], *, is_up: bool) -> bool:
        """Return whether these alerts are what is to follow."""
        return self.alert in alerts if self.alert else is_up and not alerts


STAGES = (
    Stage("calm", "the ratio is 1.56", 0, 30.0),
    Stage("warning", "the ratio falls to 1.47", 1, 345.0, "BitoproMarginRatioWarning"),
    Stage("pace", "the ratio falls fast, to 1.33", 2, 80.0, "BitoproMarginLiquidationImminent"),
    Stage("critical", "the ratio falls to 1.25", 3, 20.0, "BitoproMarginRatioCritical"),
    Stage("liquidation", "the ratio falls to 1.10", 4, 20.0, "BitoproMarginRatioLiquidation"),
    Stage(
        "blindness",
        "the exchange answers 503",
        4,
        95.0,
        "BitoproMarginNotProvenSafe",
        stays="BitoproMarginRatioLiquidation",
        fault="status-503",
    ),
    Stage("recovery", "the exchange answers again, and the ratio is 1.79", 5, 130.0),
)

EXPECTED_ALERTS = tuple(stage.alert for stage in STAGES if stage.alert)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen in a stage: seconds until Prometheus and Alertmanager agreed, or None.

    `was_cleared` says that an alert which had to stay was resolved.
    """

    stage: Stage
    prometheus_seconds: float | None = None
    alertmanager_seconds: float | None = None
    was_cleared: bool = False

    def is_complete(self, *, has_alertmanager: bool) -> bool:
        """Return whether all that was to be seen was seen."""
        return self.prometheus_seconds is not None and (
            self.alertmanager_seconds is not None or not has_alertmanager
        )


def finding_text(finding: Finding, *, has_alertmanager: bool) -> str:
    """Return what was seen in a stage as a line."""
    there = f", in Alertmanager {_after(finding.alertmanager_seconds)}" if has_alertmanager else ""
    return f"{finding.stage.expected}: in Prometheus {_after(finding.prometheus_seconds)}{there}"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How many notifications Alertmanager has tried to deliver, and failed to, by integration."""

    tried: Mapping[str, float]
    failed: Mapping[str, float]

    def since(self, before: "Deliveries") -> "Deliveries":
        """Return what came after `before`. A count that fell started again with its process."""
        return Deliveries(
            _risen(self.tried, before.tried),
            _risen(self.failed, before.failed),
        )

    @property
    def problem(self) -> str | None:
        """What was not delivered, for people; None if all was, and something."""
        if self.failed:
            what = ", ".join(
                f"{count:.0f} of {self.tried.get(integration, count):.0f} by {integration}"
                for integration, count in sorted(self.failed.items())
            )
            return (
                f"Alertmanager could not deliver {what}; its log names the receiver and the error."
            )
        if not self.tried:
            return "Alertmanager delivered nothing; see the receivers of its configuration."
        return None


def _risen(now: Mapping[str, float], before: Mapping[str, float]) -> Mapping[str, float]:
    differences = {
        name: count - before.get(name, 0.0) if count >= before.get(name, 0.0) else count
        for name, count in now.items()
    }
    return {name: count for name, count in differences.items() if count}


def verdict(
    findings: Sequence[Finding], *, has_alertmanager: bool, deliveries: Deliveries | None = None
) -> tuple[str, bool]:
    """Return the table with a sentence below, and whether all was seen and nothing cleared.

    `deliveries` are those of the drill, None if Alertmanager did not tell.
    """
    rows = [("stage", "expected", "Prometheus", "Alertmanager")]
    rows += [
        (
            each.stage.name,
            each.stage.expected,
            _after(each.prometheus_seconds),
            _after(each.alertmanager_seconds) if has_alertmanager else "not asked",
        )
        for each in findings
    ]
    rows += [
        (stage.name, stage.expected, "not run", "not run") for stage in STAGES[len(findings) :]
    ]
    table = "".join(f"{a:13}{b:34}{c:14}{d}\n" for a, b, c, d in rows)
    problems = [
        f"Not seen in time: {each.stage.name} ({each.stage.expected})."
        for each in findings
        if not each.is_complete(has_alertmanager=has_alertmanager)
    ]
    problems += [
        f"Resolved although the danger went on: {each.stage.stays}."
        for each in findings
        if each.was_cleared
    ]
    if deliveries is not None and len(findings) > 1 and deliveries.problem:
        problems.append(deliveries.problem)
    if problems:
        conclusion = f"{' '.join(problems)} In earnest you would not have been notified."
    elif len(findings) < len(STAGES):
        conclusion = "Stopped before its end, so nothing is proven."
    elif deliveries is not None:
        ways = ", ".join(f"{n:.0f} by {name}" for name, n in sorted(deliveries.tried.items()))
        conclusion = (
            f"Everything came, and Alertmanager delivered it: {ways}. See that the messages "
            "reached you too."
        )
    elif has_alertmanager:
        conclusion = (
            "Everything came to Alertmanager. Whether it delivered it, its /metrics did not tell: "
            "see that the messages reached you."
        )
    else:
        conclusion = "Everything fired. --alertmanager.url shows whether Alertmanager heard of it."
    return f"\n{table}\n{conclusion}\n", not problems and len(findings) == len(STAGES)


def _after(seconds: float | None) -> str:
    return "NOT SEEN" if seconds is None else f"after {seconds:.0f} s"


_TIMEOUT_SECONDS = 5.0

# Counters of Alertmanager, by their names without _total.
_TRIED = "alertmanager_notifications"
_FAILED = "alertmanager_notifications_failed"

_PROMETHEUS = "--prometheus.url"
_ALERTMANAGER = "--alertmanager.url"

# Severities that page no one. Undocumented labels, which the simulator has, are noted for a day.
_NOTES = ("info", "none")


class WatcherError(UnableError):
    """Prometheus or Alertmanager cannot be asked, or is not set up.

    The message names the flag and the cause. It does not show the URL, which may hold a password.
    """


class Watchers:
    """Asks about the account of that name. Without an Alertmanager, nothing is received there."""

    def __init__(self, account: str, prometheus_url: str, alertmanager_url: str | None) -> None:
        self.has_alertmanager = alertmanager_url is not None
        self._account = account
        self._prometheus_url = prometheus_url.rstrip("/")
        self._alertmanager_url = (alertmanager_url or "").rstrip("/")
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS, trust_env=False, verify=client_ssl_context()
        )

    async def check(self, alerts: Iterable[str]) -> None:
        """Raise WatcherError if it is certain that some of these alerts cannot come."""
        answer = await self._ask_prometheus("/api/v1/rules", {"type": "alert"})
        loaded = {rule["name"] for group in answer["groups"] for rule in group["rules"]}
        problems = [
            f"{_PROMETHEUS}: Prometheus has loaded no rule {alert}; see its page Rules, and the "
            "rule_files of its configuration"
            for alert in alerts
            if alert not in loaded
        ]
        if self.has_alertmanager:
            await self.received()
            if not await self._alertmanagers():
                problems.append(
                    f"{_PROMETHEUS}: Prometheus sends alerts to no Alertmanager; see the alerting "
                    "section of its configuration"
                )
        if problems:
            raise WatcherError("; ".join(problems))

    async def is_up(self) -> bool:
        """Return whether Prometheus has scraped the account, and its last poll succeeded."""
        query = f'bitopro_margin_up{{account="{self._account}"}} == 1'
        answer = await self._ask_prometheus("/api/v1/query", {"query": query})
        return bool(answer["result"])

    async def firing(self) -> frozenset[str]:
        """Return the names of the account's alerts, beyond mere notes, that fire in Prometheus."""
        answer = await self._ask_prometheus("/api/v1/alerts", {})
        return self._names(
            alert["labels"] for alert in answer["alerts"] if alert["state"] == "firing"
        )

    async def received(self) -> frozenset[str]:
        """Return the names of those that Alertmanager holds, inhibited or not."""
        if not self.has_alertmanager:
            return frozenset()
        alerts = await self._get(
            _ALERTMANAGER,
            f"{self._alertmanager_url}/api/v2/alerts",
            {"filter": f'account="{self._account}"'},
        )
        if not isinstance(alerts, list):
            raise WatcherError(f"{_ALERTMANAGER}: the answer is not Alertmanager's; check the URL")
        return self._names(alert["labels"] for alert in alerts)

    async def deliveries(self) -> Deliveries | None:
        """Return what Alertmanager counts of its notifications, None if it does not tell."""
        if not self.has_alertmanager:
            return None
        try:
            answer = await self._answer(_ALERTMANAGER, f"{self._alertmanager_url}/metrics", {})
            families = {each.name: each for each in text_string_to_metric_families(answer.text)}
        except (WatcherError, ValueError):
            return None
        if _TRIED not in families or _FAILED not in families:
            return None
        return Deliveries(_by_integration(families[_TRIED]), _by_integration(families[_FAILED]))

    async def why_not_up(self) -> str:
        """Return the reason why Prometheus does not know the account, and what to look at."""
        answer = await self._ask_prometheus("/api/v1/targets", {"state": "active"})
        targets = [
            each
            for each in answer["activeTargets"]
            if each["labels"].get("account") == self._account
        ]
        if not targets:
            return (
                "Prometheus has no such target. Does its configuration hold the job "
                "bitopro-margin-drill of the shipped prometheus.yml, and is --targets-folder the "
                "folder targets/ beside that configuration, readable for Prometheus?"
            )
        if down := [each for each in targets if each["health"] != "up"]:
            return (
                f"Prometheus cannot scrape {down[0]['scrapeUrl']}: "
                f"{down[0]['lastError'] or 'it has not tried yet'}. --target is the address at "
                "which Prometheus reaches this machine, --web.listen-address where we listen."
            )
        return f"Prometheus scrapes it, but shows no metrics of the account {self._account}."

    async def why_not_received(self) -> str:
        """Return the Alertmanagers that Prometheus sends to, because they may be others."""
        urls = ", ".join(await self._alertmanagers()) or "none"
        return (
            f"Prometheus sends alerts to {urls}: is {_ALERTMANAGER} that Alertmanager, and does "
            "Prometheus' log show errors in sending?"
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _names(self, alerts: Iterable[Mapping[str, str]]) -> frozenset[str]:
        return frozenset(
            labels["alertname"]
            for labels in alerts
            if labels.get("account") == self._account and labels.get("severity") not in _NOTES
        )

    async def _alertmanagers(self) -> list[str]:
        answer = await self._ask_prometheus("/api/v1/alertmanagers", {})
        return [each["url"] for each in answer["activeAlertmanagers"]]

    async def _ask_prometheus(self, path: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON of an API with a version in its path
        answer = await self._get(_PROMETHEUS, self._prometheus_url + path, parameters)
        if not (isinstance(answer, dict) and "data" in answer):
            raise WatcherError(f"{_PROMETHEUS}: the answer is not Prometheus'; check the URL")
        return answer["data"]

    async def _get(self, flag: str, url: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - likewise
        answer = await self._answer(flag, url, parameters)
        try:
            return answer.json()
        except ValueError:
            raise WatcherError(f"{flag}: {answer.url.path} did not answer in JSON") from None

    async def _answer(self, flag: str, url: str, parameters: Mapping[str, str]) -> httpx.Response:
        try:
            answer = await self._client.get(url, params=parameters)
        except httpx.TimeoutException as error:
            raise WatcherError(f"{flag}: no answer within {_TIMEOUT_SECONDS:g} s") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise WatcherError(f"{flag}: not a URL such as http://127.0.0.1:9090") from None
        except httpx.TransportError as error:
            raise WatcherError(f"{flag}: cannot be asked: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise WatcherError(f"{flag}: {answer.url.path} answered {answer.status_code}")
        return answer


def _by_integration(family: Metric) -> Mapping[str, float]:
    """Return the sums of a family of counters by integration, whatever other labels there are."""
    sums: dict[str, float] = {}
    for sample in family.samples:
        integration = sample.labels.get("integration", "")
        if sample.name == f"{family.name}_total":
            sums[integration] = sums.get(integration, 0.0) + sample.value
    return sums
