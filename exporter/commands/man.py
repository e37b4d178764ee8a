"""`man`: the manual page."""

import argparse

from exporter.environment import variable_meanings
from exporter.flag_tree import commands_of
from exporter.flags import command_line
from exporter.manual import manual
from exporter.telling import tell


def main(_: argparse.Namespace) -> int:
    """Print the page, as roff."""
    parser = command_line()
    tell(manual(parser.description or "", commands_of(parser), variable_meanings()))
    return 0
