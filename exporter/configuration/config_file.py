"""The YAML file that describes many accounts. Secrets are in files of their own."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from exporter.configuration.credentials import CredentialSource, Secret
from exporter.configuration.given import (
    DEFAULT_BASE_URL,
    Given,
    GivenAccount,
    problem_texts,
    suggestion,
)
from exporter.configuration.setting_types import (
    AccountName,
    BaseUrl,
    DurationSeconds,
    Ratio,
    RequestsPerMinute,
    stripped,
)
from exporter.configuration.yaml_file import load_yaml
from exporter.errors import ConfigurationError
from exporter.state.account import ASSUMED_THRESHOLDS, Thresholds

_SHAPES = {
    "model_type": "keys with values were expected, such as name: main",
    "list_type": "a list was expected, each entry with a dash before it",
    "too_short": "at least one account is needed",
    "string_type": "text was expected; put it into quotation marks",
    "bool_type": "true or false was expected",
}
# Of keys that are the operator's own, a place for what accounts merge by `<<: *defaults`.
_FREE = "x-"
_PLAIN_KEY = re.compile(r"[a-z_]{1,32}", re.ASCII)


_FileName = Annotated[str, BeforeValidator(stripped)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _ThresholdsModel(_Model):
    warning: Ratio = ASSUMED_THRESHOLDS.warning
    critical: Ratio = ASSUMED_THRESHOLDS.critical
    liquidation: Ratio = ASSUMED_THRESHOLDS.liquidation


class _AccountModel(_Model):
    name: AccountName
    api_key_file: _FileName
    api_secret_file: _FileName
    email: str | None = Field(default=None, repr=False)
    email_file: _FileName | None = None
    base_url: BaseUrl = DEFAULT_BASE_URL
    thresholds: _ThresholdsModel = _ThresholdsModel()

    @model_validator(mode="after")
    def _has_one_email(self) -> Self:
        if (self.email is None) == (self.email_file is None):
            raise ValueError("one of email and email_file is needed, and only one")
        return self


class _FileModel(_Model):
    poll_interval: DurationSeconds | None = None
    stale_after: DurationSeconds | None = None
    hide_account_id: bool | None = None
    requests_per_minute: RequestsPerMinute | None = None
    accounts: list[_AccountModel] = Field(min_length=1)


FILE_KEYS = tuple(_FileModel.model_fields)
ACCOUNT_KEYS = tuple(_AccountModel.model_fields)
THRESHOLD_KEYS = tuple(_ThresholdsModel.model_fields)
_KEYS = frozenset({*FILE_KEYS, *ACCOUNT_KEYS, *THRESHOLD_KEYS})


def read_config_file(path: Path) -> Given:
    """Read the file. Relative paths in it start at its folder.

    Raises ConfigurationError with every problem found, each with its place in the file.
    """
    document = load_yaml(path, "--config.file")
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if not key.startswith(_FREE)}
    try:
        file = _FileModel.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError([_problem(path, *each) for each in problem_texts(error)]) from None
    return Given(
        accounts=tuple(
            _account(path, f"{path}: accounts[{index}]", account)
            for index, account in enumerate(file.accounts)
        ),
        poll_interval_seconds=file.poll_interval,
        stale_after_seconds=file.stale_after,
        hides_account_id=file.hide_account_id,
        origins={name: f"{path}: {name}" for name in file.model_fields_set},
        requests_per_minute=file.requests_per_minute,
    )


def _account(path: Path, where: str, account: _AccountModel) -> GivenAccount:
    def secret(name: str, file: str | None, value: str | None = None) -> Secret:
        if file is None:
            return Secret(setting=f"{where}.{name}", value=value)
        return Secret(setting=f"{where}.{name}_file", file=path.parent / file)

    return GivenAccount(
        where=where,
        name=account.name,
        base_url=account.base_url,
        thresholds=Thresholds(
            warning=account.thresholds.warning,
            critical=account.thresholds.critical,
            liquidation=account.thresholds.liquidation,
            chosen=frozenset(account.thresholds.model_fields_set),
        ),
        credentials=CredentialSource(
            api_key=secret("api_key", account.api_key_file),
            api_secret=secret("api_secret", account.api_secret_file),
            email=secret("email", account.email_file, account.email),
        ),
        origins={
            **{name: f"{where}.{name}" for name in account.model_fields_set},
            "account": f"{where}.name",
            **{
                f"threshold_{level}": f"{where}.thresholds.{level}"
                for level in account.thresholds.model_fields_set
            },
        },
    )


def _problem(path: Path, location: tuple[int | str, ...], kind: str, text: str) -> str:
    if kind == "extra_forbidden":
        key = str(location[-1])
        text = f"there is no such key{suggestion(key, _KEYS)}"
        if not _PLAIN_KEY.fullmatch(key):
            # It may be a secret, pasted in the wrong place.
            location = location[:-1]
            text = "there is a key that no account has, and that is not shown here"
    elif kind == "missing":
        text = "is missing"
    elif kind in _SHAPES:
        text = _SHAPES[kind]
    place = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location)
    return ": ".join(filter(None, (str(path), place.removeprefix("."), text)))
