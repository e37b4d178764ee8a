"""The configuration that several commands start from."""

import argparse
import socket

from exporter.configuration.settings import Settings
from exporter.configuration.shards import Shard, chosen_shard
from exporter.service.startup import load_configuration
from exporter.web.door import AllowedHosts
from exporter.web.listening import host_and_port


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
        # `run` finds that out when it listens, and no name is looked up offline.
        resolves_addresses=options.command == "check" and not options.offline,
    )


def allowed_hosts(options: argparse.Namespace) -> AllowedHosts:
    """Return the names under which pages are served: those that the flags give, and listen on."""
    addresses = options.listen_addresses or ()
    return AllowedHosts(options.allowed_hosts or (), (host_and_port(each)[0] for each in addresses))
