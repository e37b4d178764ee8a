"""Files that are read, all by one reader, and the secrets that they or variables hold."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exporter.bitopro.signing import Credentials
from exporter.errors import ConfigurationError

MAX_SECRET_BYTES = 4096
MAX_CONFIG_BYTES = 1 << 20
MAX_CERTIFICATES_BYTES = 4 << 20

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a fifo, which is what <(...) makes"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# Of a part of a path that does not exist: a file's usual name. Keys and secrets are longer and have
# more digits or upper-case letters, and an e-mail has an @.
_PLAIN_NAME = re.compile(r"(?=(?:[^0-9]*[0-9]){0,3}[^0-9]*$)[a-z0-9._-]{1,24}", re.ASCII)


def read_regular_file(setting: str, path: Path, max_bytes: int) -> bytes:
    """Return what is in the file. Symbolic links are followed.

    Raises ConfigurationError, which names `setting` and, unless it may be a secret, the path.
    """
    try:
        # Before it is opened: to open some devices does something, and a fifo's writer would break.
        _require_regular(setting, path, os.stat(path))  # noqa: PTH116 - as below
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            before = os.fstat(descriptor)
            # Again, because it may have been replaced since.
            _require_regular(setting, path, before)
            content = _bounded(file.read, max_bytes)
            after = os.fstat(descriptor)
    except OSError as error:
        # From None: the cause would name a path that may be a secret.
        raise ConfigurationError([f"{setting}: {_unreadable(path, error)}"]) from None
    except ValueError:
        # A null byte, or half of a surrogate; the text around it may be a secret.
        raise ConfigurationError([f"{setting}: is not the name of a file"]) from None
    if len(content) > max_bytes:
        raise ConfigurationError(
            [f"{setting}: {path} is larger than {max_bytes} bytes; is it the right file?"]
        )
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ConfigurationError(
            [f"{setting}: {path} is being written; write another file and rename it to this one"]
        )
    return content


def read_text_file(setting: str, path: Path, max_bytes: int) -> str:
    """Return the text of a file in UTF-8. Raises ConfigurationError."""
    try:
        return read_regular_file(setting, path, max_bytes).decode("utf-8")
    except UnicodeDecodeError:
        # From None: the exception holds the file's content.
        raise ConfigurationError([f"{setting}: {path} is not UTF-8 text"]) from None


@contextmanager
def path_of_content(content: bytes, otherwise: Path) -> Iterator[str | Path]:
    """Yield a path at which OpenSSL finds `content`, which never was on a disk.

    OpenSSL takes no certificate but from a path, at which there may be another file by now. Where
    the system has no such files in memory, it is `otherwise`, from which the content was read.
    """
    try:
        descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    except (AttributeError, OSError):
        yield otherwise
        return
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        path = f"/proc/self/fd/{descriptor}"
        yield path if os.access(path, os.R_OK) else otherwise
    finally:
        os.close(descriptor)


def _bounded(read: Callable[[int], bytes | None], max_bytes: int) -> bytes:
    """Read to the end, or to one byte more than is allowed."""
    content = b""
    while len(content) <= max_bytes and (more := read(max_bytes + 1 - len(content))) != b"":
        if more is None:
            raise BlockingIOError(None, "it makes its readers wait")
        content += more
    return content


def _require_regular(setting: str, path: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    kind = next((text for is_kind, text in _KINDS if is_kind(found.st_mode)), "something else")
    raise ConfigurationError(
        [f"{setting}: {path} is {kind}, and not a regular file; name a regular file"]
    )


def _unreadable(path: Path, error: OSError) -> str:
    """Return why, without the parts of a path that may be a secret, given in the wrong place."""
    if os.path.lexists(path):
        return f"cannot read {path}: {error.strerror}"
    existing = next((each for each in path.parents if os.path.lexists(each)), Path())
    missing = path.relative_to(existing).parts if path.is_relative_to(existing) else path.parts
    if all(_PLAIN_NAME.fullmatch(part) for part in missing):
        return f"cannot read {path}: {error.strerror}"
    where = f" in {existing}" if existing.parts else ""
    return f"cannot read the file that it names{where}: {error.strerror}"


_MAX_EMAIL_CHARACTERS = 254


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret: a value that was given, or a file to read it from.

    `setting` is the name under which it was given, for messages.
    """

    setting: str
    value: str | None = field(default=None, repr=False)
    file: Path | None = None

    def read(self) -> str:
        """Return the secret's text without one trailing line end. Raises ConfigurationError."""
        text = self.value
        if self.file is not None:
            text = read_text_file(self.setting, self.file, MAX_SECRET_BYTES)
        return (text or "").removesuffix("\n").removesuffix("\r")

    def is_open_to_others(self) -> bool:
        """Return whether it is in a file that every user of this machine may read."""
        try:
            return self.file is not None and bool(self.file.stat().st_mode & stat.S_IROTH)
        except OSError:
            # It was read a moment ago, and is being replaced.
            return False


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """The three secrets of one account."""

    api_key: Secret
    api_secret: Secret
    email: Secret

    def read(self) -> Credentials:
        """Read and check all three. Raises ConfigurationError with every problem found."""
        problems: list[str] = []
        texts: list[str] = []
        for secret, check in (
            (self.api_key, _token_problem),
            (self.api_secret, _token_problem),
            (self.email, _email_problem),
        ):
            try:
                text = secret.read()
            except ConfigurationError as error:
                problems.extend(error.problems)
                continue
            texts.append(text)
            if problem := _problem_of_start(text) or check(text):
                subject = "" if secret.file is None else f"{secret.file} "
                problems.append(f"{secret.setting}: {subject}{problem}")
        if problems:
            raise ConfigurationError(problems)
        api_key, api_secret, email = texts
        return Credentials(api_key=api_key, api_secret=api_secret, email=email)

    def warnings(self) -> tuple[str, ...]:
        """Return a warning for each file that is usable but carelessly kept."""
        return tuple(
            f"{secret.setting}: every user of this machine may read the file; chmod o-r it"
            for secret in (self.api_key, self.api_secret, self.email)
            if secret.is_open_to_others()
        )


def _problem_of_start(text: str) -> str | None:
    if not text:
        return "is empty"
    if text.startswith("\ufeff"):
        return "starts with a byte order mark; save it as plain text"
    return None


def _token_problem(text: str) -> str | None:
    """Return what is wrong with an API key or secret: they are printable ASCII without spaces."""
    if not text.isascii() or not text.isprintable():
        return "holds characters other than printable ASCII; paste it again, on one line"
    if " " in text:
        return "holds a space; paste it again"
    if text[0] in "'\"" or text[-1] in "'\"":
        return "is quoted; write it without quotation marks"
    return None


def _email_problem(text: str) -> str | None:
    if not text.isprintable() or any(character.isspace() for character in text):
        return "holds spaces or control characters"
    if "@" not in text.strip("'\"@") or text[0] in "'\"":
        return "is not an e-mail address; use the one of the account at the exchange"
    if len(text) > _MAX_EMAIL_CHARACTERS:
        return f"is longer than {_MAX_EMAIL_CHARACTERS} characters"
    return None
