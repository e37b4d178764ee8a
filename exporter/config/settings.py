"""The configuration as a whole: sources merged, checked together, every secret read once.

The environment is above the file. Both are validated alone, and not as sources of one model, which
pydantic-settings would merge before it validates: then every problem is reported, not only the
first, with the variable or the place in the file, even of a value that the other source hides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE
from exporter.config.checks import problems_of, warnings_of_budget
from exporter.config.environment import read_environment, unknown_variables
from exporter.config.files import CredentialSource
from exporter.config.model import SourceSettings
from exporter.config.shards import ONLY_SHARD, Shard
from exporter.errors import ConfigurationError
from exporter.state import Account

_TWO_EXCHANGES = (
    "base_url: the accounts have different ones, and prices of two exchanges must not be mixed: "
    "neither mark prices nor terms of borrowing are asked for; run one exporter per exchange"
)

_NO_ACCOUNTS = (
    "none of the accounts falls to this shard, so there is nothing to poll; fewer shards would do"
)


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account and where its secrets are.

    `origins` has where each setting was set that is not a default.
    """

    account: Account
    credentials: CredentialSource
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that can be run. `warnings` are for the log at start.

    `origins` is of what holds for all accounts.
    """

    accounts: tuple[AccountSettings, ...]
    warnings: tuple[str, ...]
    origins: Mapping[str, str] = field(default_factory=dict)
    requests_per_minute: int = REQUESTS_PER_MINUTE
    shard: Shard = ONLY_SHARD

    @property
    def has_one_exchange(self) -> bool:
        """Whether all accounts are at the same exchange, so that prices are those of all."""
        return len({each.account.base_url for each in self.accounts}) <= 1


def load_settings(config_file: Path | None, shard: Shard = ONLY_SHARD) -> Settings:
    """Read environment and file, and take the accounts of a shard.

    Those of the others are checked all the same, for they may be ours tomorrow. Raises
    ConfigurationError with all problems found.
    """
    given, problems = _read_sources(config_file)
    common = given.common
    ours = [each for each in given.accounts if shard.has(each.name)]
    problems += problems_of(given, len(ours))
    if problems:
        raise ConfigurationError(problems)
    has_two_exchanges = len({each.base_url for each in ours}) > 1
    return Settings(
        accounts=tuple(
            AccountSettings(
                Account(
                    name=each.name,
                    base_url=each.base_url,
                    poll_interval_seconds=common.poll_interval,
                    stale_after_seconds=common.stale_after_seconds,
                    thresholds=each.thresholds,
                    shows_id=not common.hide_account_id,
                ),
                each.credentials,
                each.origins,
            )
            for each in ours
        ),
        warnings=(
            *(text for each in ours for text in each.credentials.warnings()),
            *warnings_of_budget(common, len(ours)),
            *([_TWO_EXCHANGES] if has_two_exchanges else []),
            *([] if ours else [_NO_ACCOUNTS]),
        ),
        requests_per_minute=common.requests_per_minute,
        shard=shard,
        origins=given.origins,
    )


def _read_sources(config_file: Path | None) -> tuple[SourceSettings, list[str]]:
    """Read both sources, so that problems of one do not hide those of the other."""
    problems = unknown_variables()
    given = SourceSettings()
    try:
        given = read_environment(with_account=config_file is None)
    except ConfigurationError as error:
        problems += error.problems
    try:
        if config_file is not None:
            given = given.above(_read_file(config_file))
    except ConfigurationError as error:
        problems += error.problems
    return given, problems


def _read_file(path: Path) -> SourceSettings:
    # YAML takes a while to import, and most have no file.
    from exporter.config.yaml_file import read_config_file  # noqa: PLC0415 - see above

    return read_config_file(path)
