"""Where an account's key, secret and e-mail come from, and reading them anew when asked.

Messages name the setting or the file and what is wrong with it, never what it holds.
"""

import stat
from dataclasses import dataclass, field
from pathlib import Path

from exporter.configuration.files import MAX_SECRET_BYTES, read_text_file
from exporter.errors import ConfigurationError
from exporter.exchange.signing import Credentials

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
        text = self.value
        if self.file is not None:
            text = read_text_file(self.setting, self.file, MAX_SECRET_BYTES)
        return (text or "").removesuffix("\n").removesuffix("\r")

    def is_open_to_others(self) -> bool:
        """Tell whether it is in a file that every user of this machine may read."""
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
            if problem := check(text):
                subject = "" if secret.file is None else f"{secret.file} "
                problems.append(f"{secret.setting}: {subject}{problem}")
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
