"""What protects our own port at present: the file of `--web.config.file`, noticed when it changes.

A new file or certificate that cannot be used leaves the old one in force. So does a file that would
take protection away: one that is just being written is empty for a moment.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter.access.basic_auth import Authenticator, require_bcrypt
from exporter.access.server_tls import ServerTLS, load_server_tls
from exporter.access.web_config import WebConfig
from exporter.errors import ConfigurationError

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
        """Give what is in force, after a look at the files if the last one was long ago."""
        now = self._monotonic()
        if self._path is not None and now >= self._due_monotonic_seconds:
            self._due_monotonic_seconds = now + _LOOK_AGAIN_SECONDS
            self._look(self._path)
        return self._present

    def tls(self) -> ServerTLS | None:
        """Give what a new connection is to use."""
        return self.present().tls

    def knows_its_clients(self) -> bool:
        """Tell whether a client has to prove who it is."""
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
        logger.info("web configuration loaded anew")


def _load(path: Path, before: Guarded) -> Guarded:
    # Without such a file, neither YAML nor its models are needed.
    from exporter.access.web_config_file import read_web_config  # noqa: PLC0415 - see above

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
