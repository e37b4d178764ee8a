"""TLS, users and headers of our own port, as `--web.config.file` has them."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from exporter.config.values import problem_texts, suggestion
from exporter.errors import ConfigurationError

# Of a bcrypt hash; its work is a power of two.
LOWEST_COST = 4


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """Certificates, and what is asked of clients. `where` is the file that says so."""

    where: str
    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    client_verification: ssl.VerifyMode
    client_allowed_sans: frozenset[str]
    min_version: ssl.TLSVersion


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says. Header names are lower-case; `users` holds bcrypt hashes by name."""

    tls: TLSConfig | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def knows_its_clients(self) -> bool:
        """Whether a client has to prove who it is, by a password or by a certificate."""
        requires_certificate = (
            self.tls is not None and self.tls.client_verification is ssl.CERT_REQUIRED
        )
        return requires_certificate or bool(self.users)


FLAG = "--web.config.file"

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFICATION = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")
# Where a tuple is given, only those values are allowed.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
# The salt's last character has two bits; bcrypt refuses to compare with any other.
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)
# A check of cost 14 takes about a second, and a scrape has eight.
_HIGHEST_COST = 14
# A thousand users; it is read between two scrapes.
_MAX_FILE_BYTES = 128 << 10
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


def _client_auth_type(value: str) -> str:
    if value in _UNVERIFIED:
        raise ValueError(
            "a certificate that is not verified proves nothing, and is not supported; use "
            "RequireAndVerifyClientCert"
        )
    if value not in _VERIFICATION:
        raise ValueError(f"one of {', '.join(_VERIFICATION)} was expected")
    return value


def _bcrypt_hash(value: str) -> str:
    match = _BCRYPT.fullmatch(value)
    if match is None:
        raise ValueError("not a bcrypt hash, such as htpasswd -nBC 10 prints after the colon")
    if not LOWEST_COST <= int(match[1]) <= _HIGHEST_COST:
        raise ValueError(f"a cost of {LOWEST_COST} to {_HIGHEST_COST} was expected; 10 is usual")
    return value


def _path(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("the name of a file was expected")
    return value


_Path = Annotated[str, AfterValidator(_path)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _TLSModel(_Model):
    cert_file: _Path
    key_file: _Path
    client_ca_file: _Path | None = None
    client_auth_type: Annotated[str, AfterValidator(_client_auth_type)] = "NoClientCert"
    client_allowed_sans: list[str] = Field(default=[], min_length=1)
    min_version: Literal["TLS12", "TLS13"] = "TLS12"

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        verifies = self.client_auth_type != "NoClientCert"
        if verifies and not self.client_ca_file:
            raise ValueError("client_auth_type needs client_ca_file as well")
        if not verifies and (self.client_ca_file or self.client_allowed_sans):
            raise ValueError(
                "client_ca_file and client_allowed_sans do nothing without client_auth_type; set "
                "it to RequireAndVerifyClientCert"
            )
        return self


class _HTTPModel(_Model):
    headers: dict[str, str] = {}


class _FileModel(_Model):
    tls_server_config: _TLSModel | None = None
    http_server_config: _HTTPModel | None = None
    basic_auth_users: dict[str, Annotated[str, AfterValidator(_bcrypt_hash)]] | None = Field(
        default=None, repr=False
    )


FILE_KEYS = frozenset(_FileModel.model_fields)
TLS_KEYS = frozenset(_TLSModel.model_fields)
_KEYS = frozenset({*FILE_KEYS, *TLS_KEYS, *_HTTPModel.model_fields})


def read_web_config(path: Path) -> WebConfig:
    """Read the file. Relative paths in it start at its folder; certificates are not read yet.

    Raises ConfigurationError with every problem found, each with its key.
    """
    # YAML takes a while to import, and most have no file.
    from exporter.config.yaml_file import load_yaml  # noqa: PLC0415 - see above

    document = load_yaml(path, FLAG, _MAX_FILE_BYTES)
    if document is None:
        # It may be half written, or a pipe that was read before; everything would be open.
        raise ConfigurationError(
            [f"{FLAG}: {path} is empty; write what protects the port, or {{}} to leave it open"]
        )
    if problems := _problems_of_empty_sections(path, document):
        raise ConfigurationError(problems)
    try:
        file = _FileModel.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError([_problem(path, *each) for each in problem_texts(error)]) from None
    headers = file.http_server_config.headers if file.http_server_config else {}
    users = file.basic_auth_users or {}
    if problems := [*_problems_of_headers(path, headers), *_problems_of_users(path, users)]:
        raise ConfigurationError(problems)
    return WebConfig(
        tls=_tls(path, file.tls_server_config) if file.tls_server_config else None,
        headers={name.lower(): value for name, value in headers.items()},
        users=users,
    )


def _problems_of_empty_sections(path: Path, document: object) -> list[str]:
    """Return the sections that are there but empty, as if a template had filled in too little."""
    sections = document.items() if isinstance(document, dict) else ()
    return [
        f"{path}: {name}: is empty; fill it in, or remove it"
        for name, section in sections
        if name in FILE_KEYS and (section is None or section == {})
    ]


def _tls(path: Path, tls: _TLSModel) -> TLSConfig:
    return TLSConfig(
        where=f"{path}: tls_server_config",
        cert_file=path.parent / tls.cert_file,
        key_file=path.parent / tls.key_file,
        client_ca_file=path.parent / tls.client_ca_file if tls.client_ca_file else None,
        client_verification=_VERIFICATION[tls.client_auth_type],
        client_allowed_sans=frozenset(tls.client_allowed_sans),
        min_version=_VERSIONS[tls.min_version],
    )


def _problems_of_headers(path: Path, headers: Mapping[str, str]) -> list[str]:
    where, problems = f"{path}: http_server_config.headers", []
    for name, value in headers.items():
        allowed = HEADERS.get(name)
        if allowed is None:
            known = f"one of {', '.join(HEADERS)} was expected"
            shown = f".{name}" if _PLAIN_KEY.fullmatch(name) else ""
            problems.append(f"{where}{shown}: cannot be set{suggestion(name, HEADERS)}; {known}")
        elif allowed and value not in allowed:
            problems.append(f"{where}.{name}: {' or '.join(allowed)} was expected")
        elif not value.strip() or not (value.isascii() and value.isprintable()):
            problems.append(f"{where}.{name}: printable ASCII was expected")
    return problems


def _problems_of_users(path: Path, users: Mapping[str, str]) -> list[str]:
    return [
        f"{path}: basic_auth_users: a name is empty, or holds a colon or a control character"
        for name in users
        if not name or ":" in name or not name.isprintable()
    ]


def _problem(path: Path, location: tuple[int | str, ...], kind: str, text: str) -> str:
    if kind == "extra_forbidden":
        text = f"there is no such key{suggestion(str(location[-1]), _KEYS)}"
    elif kind == "missing":
        text = "is missing"
    elif kind == "model_type":
        text = "keys with values were expected"
    if location and not _PLAIN_KEY.fullmatch(str(location[-1])):
        # It may be a secret, pasted in the wrong place.
        location = location[:-1]
        text = "there is a key that is not shown here" if kind == "extra_forbidden" else text
    place = ".".join(str(each) for each in location)
    return f"{path}: {place}: {text}" if place else f"{path}: {text}"
