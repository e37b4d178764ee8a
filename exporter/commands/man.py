"""`man`: the manual page."""

import argparse

from exporter.command_line.flag_tree import commands_of
from exporter.command_line.flags import command_line
from exporter.command_line.manual import manual
from exporter.configuration.environment import variable_meanings
from exporter.telling import tell


def main(_: argparse.Namespace) -> int:
    """Print the page, as roff."""
    parser = command_line()
    tell(manual(parser.description or "", commands_of(parser), variable_meanings()))
    return 0
