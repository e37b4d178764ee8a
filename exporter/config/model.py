"""Every setting, declared once: its type, default and meaning, and where it may come from.

A field is a variable of the environment, in upper case and after a prefix, or a key of the file, or
both, as its class says. `environment` and `yaml_file` read what is declared here, and the reference
is made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from pydantic import BaseModel, Field

from exporter.bitopro.consistency import SAFE_LABELS
from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE
from exporter.config.files import CredentialSource, Secret
from exporter.config.values import (
    AccountName,
    BaseUrl,
    Choice,
    Currencies,
    Distance,
    DurationSeconds,
    FileName,
    Ratio,
    RequestsPerMinute,
    SafeLabels,
)
from exporter.risk import ASSUMED_THRESHOLDS, STABLE_CURRENCIES, Thresholds

# Read by OpenSSL, and by us for what OpenSSL would not say.
AUTHORITIES_VARIABLE = "SSL_CERT_FILE"
AUTHORITIES_DESCRIPTION = (
    "PEM file of the certificate authorities to trust, instead of certifi's list"
)

STALE_AFTER_POLLS = 3
DANGER_POLL_INTERVAL_SECONDS = 3.0
SECRETS = tuple(each.name for each in fields(CredentialSource))

_NAME = "your own name for the account, the value of the label account"
_API_KEY = "the API key; it needs permission to read, and no other"
_API_SECRET = "the secret of that key"  # noqa: S105 - its description
_EMAIL = "the e-mail address of the account at the exchange"
_HELD = "file that holds "


class CommonModel(BaseModel):
    """What holds for all accounts: variables, and keys at the top of the file."""

    poll_interval: DurationSeconds = Field(
        default=15.0, description="time between polls of an account, from 1s to 10m"
    )
    stale_after: DurationSeconds | None = Field(
        default=None,
        description="age at which an account's values disappear, 1h at most; without it, three "
        "intervals",
    )
    danger_poll_interval: DurationSeconds | None = Field(
        default=None,
        description="time between polls of an account in danger, from 1s to poll_interval; 0s for "
        "no difference; without it, 3s",
    )
    hide_account_id: Choice = Field(
        default=False,
        description="whether to leave the exchange's id of the account off the page",
    )
    stable_currencies: Currencies = Field(
        default=STABLE_CURRENCIES,
        description="currencies that do not move with the others in stress and distances, beside "
        "the account's unit",
    )
    safe_labels: SafeLabels = Field(
        default=SAFE_LABELS,
        description="safety labels of the exchange (adRatioLabel) that do not page; only "
        "SAFETY_THRESHOLD is documented",
    )
    requests_per_minute: RequestsPerMinute = Field(
        default=REQUESTS_PER_MINUTE,
        description="requests of all accounts together, 600 at most, which is what the exchange "
        "allows per address",
    )

    @property
    def stale_after_seconds(self) -> float:
        """The age in force."""
        if self.stale_after is None:
            return STALE_AFTER_POLLS * self.poll_interval
        return self.stale_after

    @property
    def danger_poll_interval_seconds(self) -> float | None:
        """The interval in danger that is in force; None for no difference."""
        if self.danger_poll_interval is None:
            return min(DANGER_POLL_INTERVAL_SECONDS, self.poll_interval)
        return self.danger_poll_interval or None


class ThresholdsModel(BaseModel):
    """Of an account: variables, and keys in its `thresholds`, there without the prefix."""

    threshold_warning: Ratio = Field(
        default=ASSUMED_THRESHOLDS.warning,
        description="account-to-debt ratio below which to warn; BitoPro publishes none",
    )
    threshold_critical: Ratio = Field(
        default=ASSUMED_THRESHOLDS.critical,
        description="account-to-debt ratio below which it is critical",
    )
    threshold_liquidation: Ratio = Field(
        default=ASSUMED_THRESHOLDS.liquidation,
        description="account-to-debt ratio below which the exchange is taken to sell",
    )

    threshold_distance_warning: Distance = Field(
        default=ASSUMED_THRESHOLDS.distance_warning,
        description="distance to liquidation, as a share of prices, below which to warn",
    )
    threshold_distance_critical: Distance = Field(
        default=ASSUMED_THRESHOLDS.distance_critical,
        description="distance to liquidation below which it is critical",
    )

    def thresholds(self) -> Thresholds:
        """Return the thresholds, which know those that were chosen."""
        return Thresholds(
            warning=self.threshold_warning,
            critical=self.threshold_critical,
            liquidation=self.threshold_liquidation,
            chosen=frozenset(
                level
                for level in ASSUMED_THRESHOLDS.by_level()
                if f"threshold_{level}" in self.model_fields_set
            ),
            distance_warning=self.threshold_distance_warning,
            distance_critical=self.threshold_distance_critical,
        )


class ExchangeModel(BaseModel):
    """Of an account: a variable, and a key of the account."""

    base_url: BaseUrl = Field(
        default="https://api.bitopro.com/v3",
        description="where the API is; http is possible on this machine only",
    )


class AccountVariables(BaseModel):
    """Of an account: variables only. A secret is in one of two."""

    account: AccountName = Field(default="default", description=_NAME)
    api_key: str | None = Field(default=None, repr=False, description=_API_KEY)
    api_key_file: FileName | None = Field(default=None, description=_HELD + _API_KEY)
    api_secret: str | None = Field(default=None, repr=False, description=_API_SECRET)
    api_secret_file: FileName | None = Field(default=None, description=_HELD + _API_SECRET)
    email: str | None = Field(default=None, repr=False, description=_EMAIL)
    email_file: FileName | None = Field(default=None, description=_HELD + _EMAIL)


class AccountKeys(BaseModel):
    """Of an account: keys of the file only, which holds no secret itself."""

    name: AccountName = Field(description=_NAME)
    api_key_file: FileName = Field(description=_HELD + _API_KEY)
    api_secret_file: FileName = Field(description=_HELD + _API_SECRET)
    email: str | None = Field(default=None, repr=False, description=_EMAIL)
    email_file: FileName | None = Field(default=None, description=_HELD + _EMAIL)


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """One account, with the place where its secrets are. `where` names it in messages.

    `origins` has, for each setting that was set, the variable, or the file and the place in it.
    """

    where: str
    name: str
    base_url: str
    thresholds: Thresholds
    credentials: CredentialSource
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """The accounts of a source, and what it says of all accounts, each with its origin."""

    accounts: tuple[SourceAccount, ...] = ()
    common: CommonModel = field(default_factory=CommonModel)
    origins: Mapping[str, str] = field(default_factory=dict)

    def above(self, below: "SourceSettings") -> "SourceSettings":
        """Return both together; of what both say, this one counts."""
        said = {name: getattr(self.common, name) for name in self.origins}
        return SourceSettings(
            accounts=(*self.accounts, *below.accounts),
            common=below.common.model_copy(update=said),
            origins={**below.origins, **self.origins},
        )


def credential_source(
    account: AccountVariables | AccountKeys, place: Callable[[str], str], folder: Path
) -> CredentialSource:
    """Return where the secrets are; `place` names a setting, and file names start at `folder`."""

    def secret(name: str) -> Secret:
        file = getattr(account, f"{name}_file")
        if file is None:
            return Secret(setting=place(name), value=getattr(account, name))
        return Secret(setting=place(f"{name}_file"), file=folder / file)

    return CredentialSource(*map(secret, SECRETS))
