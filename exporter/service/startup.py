"""What must be right before anything is started, looked at as a whole."""

from collections.abc import Callable, Sequence
from pathlib import Path

from exporter.access.protection import Protection
from exporter.configuration.settings import Settings, load_settings
from exporter.configuration.shards import MAX_SHARDS, Shard
from exporter.errors import ConfigurationError
from exporter.service.running import client_ssl_context
from exporter.web.listening import address_problems


def load_configuration(
    config_file: Path | None,
    addresses: Sequence[str] = (),
    choose_shard: Callable[[], Shard] = Shard,
    web_config_file: Path | None = None,
    *,
    resolves_addresses: bool = False,
) -> Settings:
    """Read the settings. Raises ConfigurationError with every problem of any source."""
    shard, problems = _chosen(choose_shard)
    problems += [
        *address_problems(addresses, resolves=resolves_addresses),
        *_problems_of(lambda: Protection(web_config_file)),
        *_problems_of(client_ssl_context),
    ]
    try:
        settings = load_settings(config_file, shard)
    except ConfigurationError as error:
        raise ConfigurationError([*problems, *error.problems]) from error
    if problems:
        raise ConfigurationError(problems)
    return settings


def _chosen(choose_shard: Callable[[], Shard]) -> tuple[Shard, list[str]]:
    try:
        return choose_shard(), []
    except ConfigurationError as error:
        # The file is read all the same, as the smallest shard: one has as few accounts as can be.
        return Shard(0, MAX_SHARDS), list(error.problems)


def _problems_of(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except ConfigurationError as error:
        return list(error.problems)
    return []
