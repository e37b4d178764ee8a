"""What the operator's own Prometheus and Alertmanager say about one account."""

from collections.abc import Mapping
from typing import Any

import httpx

from exporter.errors import UnableError

_TIMEOUT_SECONDS = 5.0


class WatcherError(UnableError):
    """Prometheus or Alertmanager cannot be asked; the message names the flag and the cause."""


class Watchers:
    """Asks about the account of that name. Without an Alertmanager, nothing is received there."""

    def __init__(self, account: str, prometheus_url: str, alertmanager_url: str | None) -> None:
        self.has_alertmanager = alertmanager_url is not None
        self._account = account
        self._prometheus_url = prometheus_url.rstrip("/")
        self._alertmanager_url = (alertmanager_url or "").rstrip("/")
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def is_up(self) -> bool:
        """Tell whether Prometheus has scraped the account, and its last poll succeeded."""
        query = f'bitopro_margin_up{{account="{self._account}"}} == 1'
        answer = await self._ask_prometheus("/api/v1/query", {"query": query})
        return bool(answer["result"])

    async def firing(self) -> frozenset[str]:
        """Give the names of the account's alerts that fire in Prometheus."""
        answer = await self._ask_prometheus("/api/v1/alerts", {})
        return frozenset(
            alert["labels"]["alertname"]
            for alert in answer["alerts"]
            if alert["state"] == "firing" and alert["labels"].get("account") == self._account
        )

    async def received(self) -> frozenset[str]:
        """Give the names of the account's alerts that Alertmanager holds, inhibited or not."""
        if not self.has_alertmanager:
            return frozenset()
        alerts = await self._get(
            "--alertmanager.url",
            f"{self._alertmanager_url}/api/v2/alerts",
            {"filter": f'account="{self._account}"'},
        )
        return frozenset(alert["labels"]["alertname"] for alert in alerts)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask_prometheus(self, path: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON of an API with a version in its path
        answer = await self._get("--prometheus.url", self._prometheus_url + path, parameters)
        return answer["data"]

    async def _get(self, flag: str, url: str, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - likewise
        try:
            answer = await self._client.get(url, params=parameters)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise WatcherError(f"{flag}: cannot ask {url}: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise WatcherError(f"{flag}: {url} answered {answer.status_code}")
        return answer.json()
