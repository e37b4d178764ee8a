"""The running exporter in a test's own event loop, with one account or several."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from prometheus_client.parser import text_string_to_metric_families

from exporter.clock import Clock
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.polling.reload import ReloadOptions
from exporter.service.process import run_service
from exporter.simulator import Simulator
from exporter.state import Account
from exporter.web.listening import open_sockets, url_of
from exporter.web.tls import Protection

Page = dict[str, float]


def account(
    simulator: Simulator,
    key: str = "demo-key",
    secret: str = "demo-secret",
    name: str = "main",
    interval_seconds: float = 0.05,
) -> Settings:
    return Settings(
        accounts=(
            AccountSettings(
                Account(
                    name=name,
                    base_url=simulator.base_url,
                    poll_interval_seconds=interval_seconds,
                    stale_after_seconds=60.0,
                ),
                CredentialSource(
                    api_key=Secret("key", value=key),
                    api_secret=Secret("secret", value=secret),
                    email=Secret("email", value="demo@example.com"),
                ),
            ),
        ),
        warnings=(),
    )


class Target:
    """The running exporter, as Prometheus sees it."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.address = url.removeprefix("http://")
        self._url = url
        self._client = client

    async def reload(
        self,
        method: str = "POST",
        path: str = "/-/reload",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return await self._client.request(method, self._url + path, headers=headers)

    async def page(self) -> Page:
        text = (await self._client.get(f"{self._url}/metrics")).text
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def value(self, name: str, **labels: str) -> float | None:
        return await self.series(name, **{"account": "main", **labels})

    async def series(self, name: str, **labels: str) -> float | None:
        return (await self.page()).get(f"{name}{sorted(labels.items())}")

    async def until(self, expected: float, name: str, **labels: str) -> None:
        """Scrape until the series has the value; the deadline is generous, for CI is slow."""
        async with asyncio.timeout(20):
            while await self.value(name, **labels) != expected:
                pass

    async def until_series(self, name: str, **labels: str) -> float:
        """Scrape until a series without an account is there, and give its value."""
        async with asyncio.timeout(20):
            while (value := await self.series(name, **labels)) is None:
                pass
        return value


@asynccontextmanager
async def exporting(
    settings: Settings,
    reload_options: ReloadOptions | None = None,
    protection: Protection | None = None,
) -> AsyncIterator[Target]:
    sockets = open_sockets(["127.0.0.1:0"])
    url = url_of(sockets[0])
    stopped = asyncio.Event()
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.TaskGroup() as group:
        group.create_task(
            run_service(
                settings,
                sockets,
                telemetry_path="/metrics",
                clock=Clock(),
                stopped=stopped,
                reload_options=reload_options,
                protection=protection,
            )
        )
        try:
            yield Target(url, client)
        finally:
            stopped.set()
