"""Where an account's key, secret and e-mail come from, and reading them anew when asked.

Messages name the setting or the file and what is wrong with it, never what it holds.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from exporter.errors import ConfigurationError
from exporter.exchange.signing import Credentials

_MAX_FILE_BYTES = 4096
_MAX_EMAIL_CHARACTERS = 254
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret: a value that was given, or a file to read it from.

    `setting` is the name under which it was given, for messages.
    """

    setting: str
    value: str | None = field(default=None, repr=False)
    file: Path | None = None

    def read(self) -> str:
        """Give the secret's text without one trailing line end. Raises ConfigurationError."""
        text = self.value if self.file is None else _read_file(self.setting, self.file)
        return (text or "").removesuffix("\n").removesuffix("\r")

    def is_open_to_others(self) -> bool:
        """Tell whether it is in a file that every user of this machine may read."""
        return self.file is not None and bool(self.file.stat().st_mode & stat.S_IROTH)


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
            if problem := check(text):
                problems.append(f"{secret.setting}: {problem}")
        if problems:
            raise ConfigurationError(problems)
        api_key, api_secret, email = texts
        return Credentials(api_key=api_key, api_secret=api_secret, email=email)

    def warnings(self) -> tuple[str, ...]:
        """Tell of files that are usable but carelessly kept."""
        return tuple(
            f"{secret.setting}: every user of this machine may read the file; chmod o-r it"
            for secret in (self.api_key, self.api_secret, self.email)
            if secret.is_open_to_others()
        )


def _token_problem(text: str) -> str | None:
    """Tell what is wrong with an API key or secret, which are printable ASCII without spaces."""
    if not text:
        return "is empty"
    if text.startswith(_BYTE_ORDER_MARK):
        return "starts with a byte order mark; save it as plain text"
    if not text.isascii() or not text.isprintable():
        return "holds characters other than printable ASCII; paste it anew, on one line"
    if " " in text:
        return "holds a space; paste it anew"
    if text[0] in "'\"" or text[-1] in "'\"":
        return "is quoted; give it without quotation marks"
    return None


def _email_problem(text: str) -> str | None:
    if not text:
        return "is empty"
    if text.startswith(_BYTE_ORDER_MARK):
        return "starts with a byte order mark; save it as plain text"
    if not text.isprintable() or any(character.isspace() for character in text):
        return "holds spaces or control characters"
    if "@" not in text.strip("'\"@") or text[0] in "'\"":
        return "is not an e-mail address; give the one of the account at the exchange"
    if len(text) > _MAX_EMAIL_CHARACTERS:
        return f"is longer than {_MAX_EMAIL_CHARACTERS} characters"
    return None


def _read_file(setting: str, path: Path) -> str:
    try:
        # Without O_NONBLOCK, opening a fifo that nobody writes to waits for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigurationError([f"{setting}: {path} is not a regular file"])
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        # A path at which there is nothing may be the secret itself, given in the wrong place. It
        # is in the cause as well.
        shown = path if os.path.lexists(path) else "the file that it names"
        raise ConfigurationError([f"{setting}: cannot read {shown}: {error.strerror}"]) from None
    except ValueError:
        # A null byte; from None, for the text around it may be a secret.
        raise ConfigurationError([f"{setting}: is not the name of a file"]) from None
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigurationError(
            [f"{setting}: {path} is larger than {_MAX_FILE_BYTES} bytes; is it the right file?"]
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # From None: the exception holds the file's content.
        raise ConfigurationError([f"{setting}: {path} is not UTF-8 text"]) from None
