"""TLS of our own port, and the web file in force, which is read again when it changes.

A new file or certificate that cannot be used leaves the old one in force. So does a file that takes
protection away, because a file that is being written is empty for a moment.
"""

import logging
import os
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from exporter.config.files import (
    MAX_CERTIFICATES_BYTES,
    path_of_content,
    read_regular_file,
)
from exporter.errors import ConfigurationError
from exporter.web.config import TLSConfig, WebConfig, read_web_config
from exporter.web.users import Authenticator, require_bcrypt


@dataclass(frozen=True, slots=True)
class ServerTLS:
    """A context with its certificates, and the names of clients, of which all are in if empty."""

    context: ssl.SSLContext
    client_allowed_sans: frozenset[str]

    # The ssl module's own type for a certificate is a dictionary of anything.
    def lets_in(self, certificate: Mapping[str, Any] | None) -> bool:
        """Return whether the client may stay that showed this verified certificate, or none.

        A certificate is required by the context, where it is required at all.
        """
        if not certificate or not self.client_allowed_sans:
            return True
        names = certificate.get("subjectAltName", ())
        return not self.client_allowed_sans.isdisjoint(_plain(kind, name) for kind, name in names)


def load_server_tls(config: TLSConfig) -> ServerTLS:
    """Read the certificates. Raises ConfigurationError, which names the key of the file."""
    named = {"cert_file": config.cert_file, "key_file": config.key_file}
    if config.client_ca_file is not None:
        named["client_ca_file"] = config.client_ca_file
    contents = _read(config.where, named)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = config.min_version
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        with (
            path_of_content(contents["cert_file"], config.cert_file) as cert_file,
            path_of_content(contents["key_file"], config.key_file) as key_file,
        ):
            # Without a function for the password, OpenSSL would ask for it on the terminal.
            context.load_cert_chain(cert_file, key_file, password=str)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError([f"{config.where}.{_chain_problem(error)}"]) from None
    context.verify_mode = config.client_verification
    if config.client_ca_file is not None:
        try:
            with path_of_content(contents["client_ca_file"], config.client_ca_file) as ca_file:
                context.load_verify_locations(ca_file)
        except (ssl.SSLError, OSError):
            raise ConfigurationError(
                [f"{config.where}.client_ca_file: holds no certificate in PEM"]
            ) from None
    return ServerTLS(context, config.client_allowed_sans)


def _chain_problem(error: OSError) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "key_file: is not the key of cert_file"
    return "cert_file, key_file: not a certificate and its key, in PEM and without a password"


def _read(where: str, named: Mapping[str, Path]) -> Mapping[str, bytes]:
    """Read before OpenSSL does, which waits for a fifo and does not say which file it means."""
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for key, path in named.items():
        try:
            contents[key] = read_regular_file(f"{where}.{key}", path, MAX_CERTIFICATES_BYTES)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return contents


def _plain(kind: str, name: str) -> str:
    """Write an address as the exporter-toolkit does; OpenSSL writes IPv6 in a form of its own."""
    return str(ip_address(name.strip())) if kind == "IP Address" else name


_LOOK_AGAIN_SECONDS = 1.0

logger = logging.getLogger(__name__)

# What changes with a file: device, inode, size, times of change of its content and of itself.
# None if it is not there.
_Stamp = tuple[int, int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Guarded:
    """A configuration of our port that is in force, and the files that it is from."""

    config: WebConfig = field(default_factory=WebConfig)
    tls: ServerTLS | None = None
    authenticator: Authenticator = field(default_factory=lambda: Authenticator({}))
    stamps: Mapping[Path, _Stamp] = field(default_factory=dict)


class Protection:
    """The present protection; none without a file. Raises ConfigurationError if it is unusable."""

    def __init__(
        self, path: Path | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._due_monotonic_seconds = monotonic() + _LOOK_AGAIN_SECONDS
        self._problems: tuple[str, ...] = ()
        self._present = Guarded() if path is None else _load(path, Guarded())

    @property
    def scheme(self) -> str:
        """`https` or `http`, which never changes while we run."""
        return "http" if self._present.tls is None else "https"

    def present(self) -> Guarded:
        """Return what is in force, after a look at the files if the last one was long ago."""
        now = self._monotonic()
        if self._path is not None and now >= self._due_monotonic_seconds:
            self._due_monotonic_seconds = now + _LOOK_AGAIN_SECONDS
            self._look(self._path)
        return self._present

    def tls(self) -> ServerTLS | None:
        """Return what a new connection is to use."""
        return self.present().tls

    def knows_its_clients(self) -> bool:
        """Return whether a client has to prove who it is."""
        return self.present().config.knows_its_clients

    def _look(self, path: Path) -> None:
        # What was bad is tried until it is good: a certificate comes before its key.
        if self._present.stamps == _stamps(self._present.stamps) and not self._problems:
            return
        try:
            loaded = _load(path, self._present)
            _require_no_less(path, self._present, loaded)
        except ConfigurationError as error:
            if error.problems != self._problems:
                for problem in error.problems:
                    logger.error(  # noqa: TRY400 - a problem of the file, not of the program
                        "the old web configuration stays", extra={"detail": problem}
                    )
            self._problems = error.problems
            return
        self._problems = ()
        self._present = loaded
        logger.info("web configuration reloaded")


def _load(path: Path, before: Guarded) -> Guarded:
    # Stamps before reading, so that what changes meanwhile is found at the next look.
    stamp = _stamps([path])
    config = read_web_config(path)
    stamps = {**stamp, **_stamps(_files(config))}
    if config.users:
        require_bcrypt(f"{path}: basic_auth_users")
    return Guarded(
        config,
        None if config.tls is None else load_server_tls(config.tls),
        # Who was let in stays so when a certificate is renewed.
        before.authenticator
        if config.users == before.config.users
        else before.authenticator.with_users(config.users),
        stamps,
    )


def _require_no_less(path: Path, before: Guarded, after: Guarded) -> None:
    if (before.tls is None) != (after.tls is None):
        raise ConfigurationError([f"{path}: tls_server_config: comes or goes with a restart only"])
    weaker = [
        name for name, is_weaker in _weaknesses(before.config, after.config).items() if is_weaker
    ]
    if weaker:
        raise ConfigurationError(
            [
                f"{path}: {name}: protects less than before, as half a file would; write it whole, "
                "or restart if it is meant"
                for name in weaker
            ]
        )


def _weaknesses(before: WebConfig, after: WebConfig) -> Mapping[str, bool]:
    """Return, by the key of the web file, whether it lets in more than before."""
    found = {"basic_auth_users": bool(before.users) and not after.users}
    if before.tls is not None and after.tls is not None:
        old, new = before.tls, after.tls
        found["client_auth_type"] = new.client_verification < old.client_verification
        found["client_allowed_sans"] = bool(old.client_allowed_sans) and not new.client_allowed_sans
        found["min_version"] = new.min_version < old.min_version
    return found


def _files(config: WebConfig) -> Iterable[Path]:
    if config.tls is None:
        return ()
    named = (config.tls.cert_file, config.tls.key_file, config.tls.client_ca_file)
    return tuple(each for each in named if each is not None)


def _stamps(paths: Iterable[Path]) -> dict[Path, _Stamp]:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> _Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 - follows links, as reading does
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
