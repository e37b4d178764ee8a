"""`completion`: a script that completes commands and flags."""

import argparse

from exporter.command_line.completion import completion
from exporter.command_line.flag_tree import commands_of
from exporter.command_line.flags import command_line
from exporter.telling import tell


def main(options: argparse.Namespace) -> int:
    """Print the script for the shell that is named."""
    tell(completion(options.shell, commands_of(command_line())))
    return 0
