"""The environment: one account's settings, and those that hold for all accounts."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from exporter.config.files import CredentialSource, Secret
from exporter.config.values import (
    AUTHORITIES_DESCRIPTION,
    AUTHORITIES_VARIABLE,
    DEFAULT_BASE_URL,
    NO_COLOUR_MEANING,
    NO_COLOUR_VARIABLE,
    AccountName,
    BaseUrl,
    Choice,
    DurationSeconds,
    FileName,
    Ratio,
    RequestsPerMinute,
    SourceAccount,
    SourceSettings,
    description_of,
    problem_texts,
    suggestion,
)
from exporter.errors import ConfigurationError
from exporter.risk import ASSUMED_THRESHOLDS, Thresholds

_PREFIX = "BITOPRO_"
# Names of variables that Kubernetes sets for each Service of the namespace, and what they hold.
_ADDRESS = r"[0-9A-Fa-f.:]+"
_SERVICE_LINKS = tuple(
    (re.compile(rf"{_PREFIX}[A-Z0-9_]+{form}", re.ASCII), re.compile(content, re.ASCII))
    for form, content in (
        (r"_SERVICE_HOST", _ADDRESS),
        (r"_SERVICE_PORT(_[A-Z0-9_]+)?", r"[0-9]{1,5}"),
        (
            r"_PORT(_[0-9]{1,5}_(TCP|UDP|SCTP))?",
            rf"(tcp|udp|sctp)://(\[{_ADDRESS}\]|{_ADDRESS}):[0-9]{{1,5}}",
        ),
        (r"_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_PROTO", r"tcp|udp|sctp"),
        (r"_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_PORT", r"[0-9]{1,5}"),
        (r"_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_ADDR", _ADDRESS),
    )
)
_OF_ALL_ACCOUNTS = frozenset(
    {"poll_interval", "stale_after", "hide_account_id", "requests_per_minute"}
)
_SECRETS = ("api_key", "api_secret", "email")


class _Variables(BaseSettings):
    """Every variable that is read, in lower case and without its prefix."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    account: AccountName = "default"
    api_key: str | None = Field(default=None, repr=False)
    api_key_file: FileName | None = None
    api_secret: str | None = Field(default=None, repr=False)
    api_secret_file: FileName | None = None
    email: str | None = Field(default=None, repr=False)
    email_file: FileName | None = None
    base_url: BaseUrl = DEFAULT_BASE_URL
    threshold_warning: Ratio = ASSUMED_THRESHOLDS.warning
    threshold_critical: Ratio = ASSUMED_THRESHOLDS.critical
    threshold_liquidation: Ratio = ASSUMED_THRESHOLDS.liquidation
    poll_interval: DurationSeconds | None = None
    stale_after: DurationSeconds | None = None
    hide_account_id: Choice | None = None
    requests_per_minute: RequestsPerMinute | None = None


def read_environment(*, with_account: bool) -> SourceSettings:
    """Read the process's environment; its account only if `with_account`.

    Raises ConfigurationError for a variable that is malformed or missing, and, where the account
    comes from elsewhere, for one that describes an account.
    """
    given = _given_names()
    problems = _problems_of_secrets(given) if with_account else _ambiguous_names(given)
    try:
        variables = _Variables()
    except ValidationError as error:
        problems += [
            f"{_PREFIX}{str(location[0]).upper()}: {text}"
            for location, _, text in problem_texts(error)
        ]
        raise ConfigurationError(problems) from None
    if problems:
        raise ConfigurationError(problems)
    return SourceSettings(
        accounts=(_account(variables),) if with_account else (),
        poll_interval_seconds=variables.poll_interval,
        stale_after_seconds=variables.stale_after,
        hides_account_id=variables.hide_account_id,
        origins={name: _variable(name) for name in _OF_ALL_ACCOUNTS & variables.model_fields_set},
        requests_per_minute=variables.requests_per_minute,
    )


def known_variables() -> frozenset[str]:
    """Return the name of every variable that is read."""
    return frozenset(_variable(name) for name in _Variables.model_fields)


def variable_defaults() -> Mapping[str, str]:
    """Return the default of every variable that has one."""
    defaults = {name: field.default for name, field in _Variables.model_fields.items()}
    return {
        _variable(name): str(default) for name, default in defaults.items() if default is not None
    }


def variable_descriptions() -> Mapping[str, str]:
    """Return every variable with its meaning, those included that are not ours alone."""
    ours = {_variable(name): description_of(name) for name in _Variables.model_fields}
    return {
        **ours,
        AUTHORITIES_VARIABLE: AUTHORITIES_DESCRIPTION,
        NO_COLOUR_VARIABLE: NO_COLOUR_MEANING,
    }


def _account(variables: _Variables) -> SourceAccount:
    return SourceAccount(
        where=f"{_PREFIX}ACCOUNT",
        name=variables.account,
        base_url=variables.base_url,
        thresholds=Thresholds(
            warning=variables.threshold_warning,
            critical=variables.threshold_critical,
            liquidation=variables.threshold_liquidation,
            chosen=frozenset(
                name.removeprefix("threshold_")
                for name in variables.model_fields_set
                if name.startswith("threshold_")
            ),
        ),
        credentials=CredentialSource(
            api_key=_secret("api_key", variables.api_key, variables.api_key_file),
            api_secret=_secret("api_secret", variables.api_secret, variables.api_secret_file),
            email=_secret("email", variables.email, variables.email_file),
        ),
        origins={name: _variable(name) for name in variables.model_fields_set},
    )


def _secret(name: str, value: str | None, file: Path | None) -> Secret:
    setting = _variable(name) if file is None else _variable(f"{name}_file")
    return Secret(setting=setting, value=value, file=file)


def _given_names() -> frozenset[str]:
    """Return the known names that the environment holds; an empty variable is as good as none."""
    given = {name.upper() for name, value in os.environ.items() if value}
    return frozenset(name for name in _Variables.model_fields if _variable(name) in given)


def _problems_of_secrets(given: frozenset[str]) -> list[str]:
    problems = []
    for name in _SECRETS:
        as_value, as_file = _variable(name), _variable(f"{name}_file")
        if {name, f"{name}_file"} <= given:
            problems.append(f"{as_value} and {as_file} are both set; which one is meant?")
        elif not {name, f"{name}_file"} & given:
            problems.append(f"{as_value} is not set; set it, or {as_file} to a file that holds it")
    return problems


def _ambiguous_names(given: frozenset[str]) -> list[str]:
    names = sorted(given - _OF_ALL_ACCOUNTS)
    return [
        f"{_variable(name)} describes one account, and --config.file describes accounts already; "
        "remove one of them"
        for name in names
    ]


def unknown_variables() -> list[str]:
    """Return a sentence for each variable with our prefix that is neither ours nor Kubernetes's."""
    known = known_variables()
    values = {name.upper(): value for name, value in os.environ.items()}
    unknown = _with_prefix(os.environ) - known
    return [
        f"{name}: there is no such variable{suggestion(name, known)}{_service_hint(name)}"
        for name in sorted(unknown)
        if not _is_service_link(name, values[name])
    ]


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes sets such a variable, by itself, for a Service that is named like us.

    Source: Kubernetes documentation, "Service", environment variables.
    """
    return any(
        form.fullmatch(name) and content.fullmatch(value) for form, content in _SERVICE_LINKS
    )


def _service_hint(name: str) -> str:
    if not any(form.fullmatch(name) for form, _ in _SERVICE_LINKS):
        return ""
    return (
        "; Kubernetes sets a variable of this name for a Service, but not with such a value: "
        "remove it, or set enableServiceLinks: false in the pod"
    )


def _with_prefix(names: Iterable[str]) -> set[str]:
    # pydantic-settings reads names in any case, so a name is known in any case.
    return {name.upper() for name in names if name.upper().startswith(_PREFIX)}


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"
