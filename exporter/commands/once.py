"""`once`: ask for every account once, and print what was found."""

import argparse
import asyncio

from exporter.clock import Clock
from exporter.commands.configured import shard_of
from exporter.errors import UnableError
from exporter.exit_codes import EXIT_FAILED
from exporter.once.form import Form
from exporter.once.forms import failures, is_colour_wanted, printed
from exporter.once.visits import Visit, visit_until
from exporter.service.lifetime import run_until_signal
from exporter.service.startup import load_configuration
from exporter.telling import complain, tell


def main(options: argparse.Namespace) -> int:
    """Print each account, and give 1 if one of them gave no answer."""
    settings = load_configuration(options.config_file, choose_shard=lambda: shard_of(options))
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
    tell(printed(visits, Form(options.output), is_coloured=is_colour_wanted()))
    problems = failures(visits)
    complain("".join(f"error: {problem}\n" for problem in problems))
    return EXIT_FAILED if problems else 0
