"""`check`: validate the configuration, then try each account step by step."""

import argparse

from exporter.checking.check import problems_text, run_check
from exporter.checking.terminal import terminal_of
from exporter.commands.configured import configuration
from exporter.errors import ConfigurationError
from exporter.exit_codes import EXIT_CONFIGURATION, EXIT_FAILED
from exporter.telling import tell


def main(options: argparse.Namespace) -> int:
    """Tell how each step went, and give 0 if all of them are good."""
    terminal = terminal_of()
    try:
        settings = configuration(options)
    except ConfigurationError as error:
        tell(problems_text(error.problems, terminal))
        return EXIT_CONFIGURATION
    return 0 if run_check(settings, options, terminal) else EXIT_FAILED
