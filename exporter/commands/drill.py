"""`drill`: let a simulated account get into trouble, and see that your alerting tells."""

import argparse
import asyncio

from exporter.clock import Clock
from exporter.errors import ConfigurationError
from exporter.exit_codes import EXIT_FAILED
from exporter.rehearsal.announcement import Announcement
from exporter.rehearsal.drill import run_drill
from exporter.rehearsal.watchers import Watchers
from exporter.service.lifetime import run_until_signal
from exporter.service.running import client_ssl_context
from exporter.service.signals import Ending, all_ending_signals, exit_at_once_on_signal
from exporter.state.account import DRILL_ACCOUNT
from exporter.web.listening import open_sockets, url_of


def main(options: argparse.Namespace) -> int:
    """Play the drill, and give 1 if an alert was not seen."""
    client_ssl_context()
    if options.alertmanager_url and not options.prometheus_url:
        raise ConfigurationError(["--alertmanager.url: needs --prometheus.url as well"])
    sockets = open_sockets([options.listen_address])
    announcement = Announcement(options.targets_folder)
    # A drill that was ended is never a success, and its target would notify people.
    ending = Ending(all_ending_signals(), EXIT_FAILED, announcement.withdraw)
    exit_at_once_on_signal(ending)
    has_passed = False

    async def play(stopped: asyncio.Event) -> None:
        nonlocal has_passed
        watchers = (
            Watchers(DRILL_ACCOUNT, options.prometheus_url, options.alertmanager_url)
            if options.prometheus_url
            else None
        )
        try:
            has_passed = await run_drill(
                sockets,
                announcement=announcement,
                target=options.target or url_of(sockets[0]).removeprefix("http://"),
                watchers=watchers,
                patience_seconds=options.patience,
                clock=Clock(),
                stopped=stopped,
            )
        finally:
            if watchers is not None:
                await watchers.aclose()

    with announcement:
        code = run_until_signal(play, options.log_level, options.log_format, ending)
    return code if code or has_passed else EXIT_FAILED
