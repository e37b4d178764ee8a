"""The running exporter: one task group of a server and the pollers."""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence

import certifi

from exporter.access.protection import Protection
from exporter.clock import Clock
from exporter.configuration.settings import Settings
from exporter.errors import ConfigurationError
from exporter.page.exposition import Exposition
from exporter.page.telemetry import ExporterStatus, TelemetryReader
from exporter.polling.fleet import Fleet
from exporter.polling.reloading import Reloader, ReloadOptions, read_credentials
from exporter.polling.vigil import Vigil
from exporter.service.supervision import Supervisor
from exporter.state.store import Store
from exporter.web.application import Application
from exporter.web.door import Door
from exporter.web.listening import is_public
from exporter.web.serving import serve
from exporter.web.status_page import StatusPage


async def run_service(  # noqa: PLR0913 - everything it needs is passed in
    settings: Settings,
    sockets: Sequence[socket.socket],
    *,
    telemetry_path: str,
    shows_balances: bool = False,
    clock: Clock,
    stopped: asyncio.Event,
    protection: Protection | None = None,
    reload_options: ReloadOptions | None = None,
) -> None:
    """Poll and serve until `stopped` is set. Whatever ends any of it before that is a bug.

    Without `reload_options` the configuration stays what it is.
    """
    protection = protection or Protection()
    has_public_address = any(is_public(each) for each in sockets)
    store = Store([])
    status = ExporterStatus(
        is_exposed=lambda: has_public_address and not protection.knows_its_clients(),
        shard=settings.shard,
    )
    status.loaded(clock.wall())
    exposition = Exposition(clock.monotonic, TelemetryReader(status))
    vigil = Vigil(stopped)

    async def serve_pages(pages: Door) -> None:
        with vigil.over("server"):
            await serve(pages, sockets, stopped.wait, protection.tls)

    async with asyncio.TaskGroup() as group:
        fleet = Fleet(
            store=store,
            exposition=exposition,
            ssl_context=client_ssl_context(),
            clock=clock,
            vigil=vigil,
            group=group,
        )
        fleet.apply(settings, read_credentials(settings))
        reloader = None
        if reload_options is not None:
            reloader = Reloader(reload_options, fleet.apply, status, clock.wall, group)
            reloader.obey_hangups()
        application = Application(
            store,
            exposition,
            telemetry_path,
            StatusPage(clock, telemetry_path, shows_balances=shows_balances),
            reloader.reload_by_http if reloader else None,
        )
        supervisor = Supervisor(os.environ, clock.monotonic, store.states)
        group.create_task(supervisor.attend(stopped))
        await group.create_task(serve_pages(Door(application, protection)))
        if reloader is not None:
            reloader.stop()
        fleet.stop()


def client_ssl_context() -> ssl.SSLContext:
    """Trust what OpenSSL's `SSL_CERT_FILE` names, or else certifi's list of authorities.

    Raises ConfigurationError if the file is no list of authorities.
    """
    path = os.environ.get("SSL_CERT_FILE") or certifi.where()
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "name a PEM file of certificate authorities, or unset it"
        raise ConfigurationError(
            [f"SSL_CERT_FILE: cannot use {path}: {reason}; {advice}"]
        ) from error
