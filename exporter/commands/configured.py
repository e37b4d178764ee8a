"""The configuration that several commands start from."""

import argparse
import socket

from exporter.configuration.settings import Settings
from exporter.configuration.shards import Shard, chosen_shard
from exporter.service.startup import load_configuration


def shard_of(options: argparse.Namespace) -> Shard:
    """Give the shard that the flags name. Raises ConfigurationError."""
    hostname = socket.gethostname() if options.shard_from_hostname else None
    return chosen_shard(options.shard, options.total_shards, hostname)


def configuration(options: argparse.Namespace) -> Settings:
    """Give what `run` would run. Raises ConfigurationError with every problem of any source."""
    return load_configuration(
        options.config_file,
        options.listen_addresses or (),
        lambda: shard_of(options),
        options.web_config_file,
    )
