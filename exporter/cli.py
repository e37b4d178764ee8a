"""The sub-commands, and the exit codes they end with.

Exit codes: 0 fine, 1 something outside stands in the way, or a poll failed, 2 usage, 70 a bug, 78
configuration (the last two after sysexits.h).
"""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from exporter import __version__
from exporter.account import DRILL_ACCOUNT
from exporter.check import problems_text, run_check
from exporter.clock import Clock
from exporter.completion import completion
from exporter.demo import demo_simulator, run_demo
from exporter.drill import run_drill
from exporter.environment import variable_meanings
from exporter.errors import ConfigurationError, UnableError
from exporter.flag_tree import commands_of
from exporter.flags import DEFAULT_ADDRESS, command_line, parse_arguments
from exporter.healthcheck import check_health
from exporter.lifetime import run_until_signal
from exporter.listening import ListenError, is_public, open_sockets, url_of
from exporter.manual import manual
from exporter.once import Visit, visit_until
from exporter.once_forms import failures, is_colour_wanted, printed
from exporter.protection import Protection
from exporter.reloading import Hangup, ReloadOptions, log_warnings
from exporter.service import EXIT_INTERNAL, client_ssl_context, run_service
from exporter.settings import Settings, load_settings
from exporter.shards import ONLY_SHARD, Shard, chosen_shard
from exporter.simulator import FAULTS, Simulator, SimulatorConfig
from exporter.startup import load_configuration
from exporter.telling import complain, tell
from exporter.terminal import terminal_of
from exporter.tracebacks import traceback_text
from exporter.watchers import Watchers

EXIT_FAILED = 1
EXIT_CONFIGURATION = 78

_HINT = "hint: to see it work without an account, run: bitopro-margin-exporter demo\n"
_HINTS = {"run": _HINT, "once": _HINT}

logger = logging.getLogger("exporter")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command, `run` by default, and give the exit code."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    command = _COMMANDS[options.command]
    try:
        return command(options)
    except ConfigurationError as error:
        complain("".join(f"error: {problem}\n" for problem in error.problems))
        complain(_HINTS.get(options.command, ""))
        return EXIT_CONFIGURATION
    except UnableError as error:
        complain(f"error: {error}\n")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - Python's own traceback could show a secret
        complain(f"error: a bug; please report it\n{traceback_text(error)}\n")
        return EXIT_INTERNAL


def _shard(options: argparse.Namespace) -> Shard:
    hostname = socket.gethostname() if options.shard_from_hostname else None
    return chosen_shard(options.shard, options.total_shards, hostname)


def _shard_fields(shard: Shard) -> Mapping[str, str]:
    return {} if shard == ONLY_SHARD else {"shard": f"{shard.number} of 0 to {shard.total - 1}"}


def _configuration(options: argparse.Namespace) -> Settings:
    return load_configuration(
        options.config_file,
        options.listen_addresses or (),
        _shard(options),
        options.web_config_file,
    )


def _run(options: argparse.Namespace) -> int:
    # Before the configuration is read, so that a change since then is not missed.
    hangup = Hangup()
    settings = _configuration(options)
    protection = Protection(options.web_config_file)
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        logger.info("starting", extra={"version": __version__})
        log_warnings(settings)
        logger.info(
            "configuration loaded",
            extra={
                "source": options.config_file or "environment",
                "accounts": len(settings.accounts),
                **_shard_fields(settings.shard),
            },
        )
        for each in sockets:
            has_tls = protection.scheme == "https"
            address = url_of(each, protection.scheme)
            logger.info("listening", extra={"address": address, "tls": has_tls})
            if is_public(each) and not protection.knows_its_clients():
                logger.warning(
                    "balances are open to whoever reaches this address; see --web.config.file",
                    extra={"address": address},
                )
        await run_service(
            settings,
            sockets,
            telemetry_path=options.telemetry_path,
            shows_balances=options.show_balances,
            clock=Clock(),
            stopped=stopped,
            protection=protection,
            reload_options=ReloadOptions(
                load=lambda: load_settings(options.config_file, settings.shard),
                hangup=hangup,
                is_open_to_http=options.has_lifecycle,
            ),
        )

    return run_until_signal(serve, options.log_level, options.log_format)


def _once(options: argparse.Namespace) -> int:
    settings = load_configuration(options.config_file, shard=_shard(options))
    visits: tuple[Visit, ...] | None = None

    async def look(stopped: asyncio.Event) -> None:
        nonlocal visits
        visits = await visit_until(stopped, settings, Clock())

    code = run_until_signal(look, options.log_level, options.log_format)
    if code:
        return code
    if visits is None:
        raise UnableError("stopped before every account was asked")
    complain("".join(f"warning: {warning}\n" for warning in settings.warnings))
    tell(printed(visits, options.output, is_coloured=is_colour_wanted()))
    problems = failures(visits)
    complain("".join(f"error: {problem}\n" for problem in problems))
    return EXIT_FAILED if problems else 0


def _check(options: argparse.Namespace) -> int:
    terminal = terminal_of()
    try:
        settings = _configuration(options)
    except ConfigurationError as error:
        tell(problems_text(error.problems, terminal))
        return EXIT_CONFIGURATION
    return 0 if run_check(settings, options, terminal) else EXIT_FAILED


def _demo(options: argparse.Namespace) -> int:
    client_ssl_context()
    config = _simulator_config(lambda: demo_simulator(options.scenario, options.speed))
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        await run_demo(
            config,
            sockets,
            telemetry_path=options.telemetry_path,
            shows_balances=options.show_balances,
            clock=Clock(),
            stopped=stopped,
        )

    return run_until_signal(serve, options.log_level, options.log_format)


def _simulate(options: argparse.Namespace) -> int:
    if options.fault_list:
        faults = FAULTS.values()
        tell("".join(f"{each.group:8}{each.name:40}{each.summary}\n" for each in faults))
        return 0
    host, port = options.listen_address
    config = _simulator_config(
        lambda: SimulatorConfig(
            host=host,
            port=port,
            scenario=options.scenario,
            speed=options.speed,
            accounts=options.accounts,
            currencies=options.currencies,
            rate_limit=options.rate_limit,
            fault=options.fault,
            fault_endpoint=options.fault_endpoint,
        )
    )

    async def serve(stopped: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            try:
                simulator = await stack.enter_async_context(Simulator(config))
            except OSError as error:
                reason = error.strerror or str(error)
                raise ListenError(f"--listen-address: {reason}") from error
            tell(f"simulated exchange at {simulator.base_url}\n")
            await stopped.wait()

    return run_until_signal(serve, options.log_level, options.log_format)


def _drill(options: argparse.Namespace) -> int:
    client_ssl_context()
    if options.alertmanager_url and not options.prometheus_url:
        raise ConfigurationError(["--alertmanager.url: needs --prometheus.url as well"])
    sockets = open_sockets([options.listen_address])
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
                targets_folder=options.targets_folder,
                target=options.target or url_of(sockets[0]).removeprefix("http://"),
                watchers=watchers,
                patience_seconds=options.patience,
                clock=Clock(),
                stopped=stopped,
            )
        finally:
            if watchers is not None:
                await watchers.aclose()

    code = run_until_signal(play, options.log_level, options.log_format)
    return code if code or has_passed else EXIT_FAILED


def _healthcheck(options: argparse.Namespace) -> int:
    host, port = options.listen_address
    check_health(host, port, is_tls=options.is_tls)
    tell("healthy\n")
    return 0


def _completion(options: argparse.Namespace) -> int:
    tell(completion(options.shell, commands_of(command_line())))
    return 0


def _man(_: argparse.Namespace) -> int:
    parser = command_line()
    tell(manual(parser.description or "", commands_of(parser), variable_meanings()))
    return 0


_COMMANDS = {
    "run": _run,
    "check": _check,
    "once": _once,
    "demo": _demo,
    "simulate": _simulate,
    "drill": _drill,
    "healthcheck": _healthcheck,
    "completion": _completion,
    "man": _man,
}


def _simulator_config(build: Callable[[], SimulatorConfig]) -> SimulatorConfig:
    try:
        return build()
    except ValueError as error:
        raise ConfigurationError([str(error)]) from error
