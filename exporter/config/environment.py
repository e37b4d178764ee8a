"""The environment: one account's settings, and those that hold for all accounts.

pydantic-settings reads the variables. It ignores those that it does not know, and has no rule for a
secret that is in one of two variables: both are checked here.
"""

import os
import re
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from exporter.config.model import (
    SECRETS,
    AccountVariables,
    CommonModel,
    ExchangeModel,
    SourceAccount,
    SourceSettings,
    ThresholdsModel,
    credential_source,
)
from exporter.config.values import problem_texts, suggestion
from exporter.errors import ConfigurationError

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


class Variables(CommonModel, ThresholdsModel, ExchangeModel, AccountVariables, BaseSettings):
    """Every variable that is read, in lower case and without its prefix."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        # Defaults are values already, and not the texts that are read.
        validate_default=False,
    )


def read_environment(*, with_account: bool) -> SourceSettings:
    """Read the process's environment; its account only if `with_account`.

    Raises ConfigurationError for a variable that is malformed or missing, and, where the account
    comes from elsewhere, for one that describes an account.
    """
    given = _given_names()
    problems = _problems_of_secrets(given) if with_account else _ambiguous_names(given)
    try:
        variables = Variables()
    except ValidationError as error:
        problems += [
            f"{variable(str(location[0]))}: {text}" for location, _, text in problem_texts(error)
        ]
        raise ConfigurationError(problems) from None
    if problems:
        raise ConfigurationError(problems)
    origins = {name: variable(name) for name in variables.model_fields_set}
    account = SourceAccount(
        where=variable("account"),
        name=variables.account,
        base_url=variables.base_url,
        thresholds=variables.thresholds(),
        credentials=credential_source(variables, variable, Path()),
        origins=origins,
    )
    return SourceSettings(
        accounts=(account,) if with_account else (),
        common=variables,
        origins={name: origins[name] for name in origins.keys() & CommonModel.model_fields.keys()},
    )


def variable(name: str) -> str:
    """Return the variable of a setting."""
    return f"{_PREFIX}{name.upper()}"


def known_variables() -> frozenset[str]:
    """Return the name of every variable that is read."""
    return frozenset(map(variable, Variables.model_fields))


def _given_names() -> frozenset[str]:
    """Return the known names that the environment holds; an empty variable is as good as none."""
    given = {name.upper() for name, value in os.environ.items() if value}
    return frozenset(name for name in Variables.model_fields if variable(name) in given)


def _problems_of_secrets(given: frozenset[str]) -> list[str]:
    problems = []
    for name in SECRETS:
        as_value, as_file = variable(name), variable(f"{name}_file")
        if {name, f"{name}_file"} <= given:
            problems.append(f"{as_value} and {as_file} are both set; which one is meant?")
        elif not {name, f"{name}_file"} & given:
            problems.append(f"{as_value} is not set; set it, or {as_file} to a file that holds it")
    return problems


def _ambiguous_names(given: frozenset[str]) -> list[str]:
    return [
        f"{variable(name)} describes one account, and --config.file describes accounts already; "
        "remove one of them"
        for name in sorted(given - CommonModel.model_fields.keys())
    ]


def unknown_variables() -> list[str]:
    """Return a sentence for each variable with our prefix that is neither ours nor Kubernetes's."""
    known = known_variables()
    # pydantic-settings reads names in any case, so a name is known in any case.
    given = {name.upper(): value for name, value in os.environ.items()}
    return [
        f"{name}: there is no such variable{suggestion(name, known)}{_service_hint(name)}"
        for name, value in sorted(given.items())
        if name.startswith(_PREFIX) and name not in known and not _is_service_link(name, value)
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
