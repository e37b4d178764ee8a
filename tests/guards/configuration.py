"""Guards of what is configured: `credentials`, `setting_types`, `config_file`, `settings`."""

from tests.guards.guard import Guard

_SETTINGS = ("test_settings.py",)
_CANARY = ("test_canary.py", "-k", "wrong_place or wrong_variable or name_of_its_file")


def _off(name: str, file: str, condition: str, tests: tuple[str, ...] = _SETTINGS) -> Guard:
    return Guard(name, file, condition, "if False:", tests)


CONFIGURATION_GUARDS: tuple[Guard, ...] = (
    Guard(
        "refuses an empty key or secret",
        "configuration/credentials.py",
        'without spaces."""\n    if not text:',
        '"""\n    if text is None:',
        _SETTINGS,
    ),
    Guard(
        "refuses a key of other than printable ASCII",
        "configuration/credentials.py",
        "if not text.isascii() or not text.isprintable():",
        "if False:",
        _SETTINGS,
    ),
    Guard(
        "refuses a key of other scripts",
        "configuration/credentials.py",
        "if not text.isascii() or not text.isprintable():",
        "if not text.isprintable():",
        _SETTINGS,
    ),
    Guard(
        "refuses a key with control characters",
        "configuration/credentials.py",
        "if not text.isascii() or not text.isprintable():",
        "if not text.isascii():",
        _SETTINGS,
    ),
    _off("refuses a key with a space", "configuration/credentials.py", 'if " " in text:'),
    _off(
        "refuses a quoted key",
        "configuration/credentials.py",
        'if text[0] in "\'\\"" or text[-1] in "\'\\"":',
    ),
    _off(
        "refuses an e-mail with spaces or control characters",
        "configuration/credentials.py",
        "if not text.isprintable() or any(character.isspace() for character in text):",
    ),
    _off(
        "refuses an e-mail that is none",
        "configuration/credentials.py",
        'if "@" not in text.strip("\'\\"@") or text[0] in "\'\\"":',
    ),
    _off(
        "refuses an endless e-mail",
        "configuration/credentials.py",
        "if len(text) > _MAX_EMAIL_CHARACTERS:",
    ),
    Guard(
        "takes off one line end at the end of a secret",
        "configuration/credentials.py",
        '.removesuffix("\\n").removesuffix("\\r")',
        "",
        _SETTINGS,
    ),
    Guard(
        "takes off no more than one line end",
        "configuration/credentials.py",
        '.removesuffix("\\n").removesuffix("\\r")',
        '.rstrip("\\r\\n")',
        _SETTINGS,
    ),
    _off(
        "refuses a secret in what is no regular file",
        "configuration/credentials.py",
        "if not stat.S_ISREG(os.fstat(descriptor).st_mode):",
    ),
    _off(
        "refuses a huge file of a secret",
        "configuration/credentials.py",
        "if len(content) > _MAX_FILE_BYTES:",
    ),
    Guard(
        "reads no more of a file than a secret needs",
        "configuration/credentials.py",
        "file.read(_MAX_FILE_BYTES + 1)",
        "file.read()",
        ("test_configuration_guards.py",),
    ),
    Guard(
        "refuses a binary file of a secret",
        "configuration/credentials.py",
        'return content.decode("utf-8")',
        'return content.decode("utf-8", "ignore")',
        _SETTINGS,
    ),
    Guard(
        "does not show a secret given as the name of its file",
        "configuration/credentials.py",
        'path if os.path.lexists(path) else "the file that it names"',
        "path",
        _CANARY,
    ),
    Guard(
        "warns of a secret that everyone may read",
        "configuration/credentials.py",
        "bool(self.file.stat().st_mode & stat.S_IROTH)",
        "False",
        _SETTINGS,
    ),
    Guard(
        "shows no secret in repr",
        "configuration/credentials.py",
        "value: str | None = field(default=None, repr=False)",
        "value: str | None = None",
        _SETTINGS,
    ),
    Guard(
        "reads a duration as a whole",
        "configuration/setting_types.py",
        "_DURATION.fullmatch(value) if",
        "_DURATION.match(value) if",
        _SETTINGS,
    ),
    Guard(
        "refuses a duration without a unit",
        "configuration/setting_types.py",
        'if match is None:\n        raise ValueError("a duration',
        'if match is None:\n        return float(str(value))\n        raise ValueError("a duration',
        _SETTINGS,
    ),
    Guard(
        "refuses a ratio that is no plain number",
        "configuration/setting_types.py",
        "if not _RATIO.fullmatch(text) or not",
        "if not",
        _SETTINGS,
    ),
    Guard(
        "refuses a ratio out of range",
        "configuration/setting_types.py",
        " or not 1.0 <= float(text) <= _LARGEST_RATIO:",
        ":",
        _SETTINGS,
    ),
    _off(
        "refuses an account's name that is no plain word",
        "configuration/setting_types.py",
        "if not _NAME.fullmatch(value):",
    ),
    _off(
        "refuses plain HTTP to another machine",
        "configuration/setting_types.py",
        'if url.scheme == "http" and not _is_loopback(url.hostname or ""):',
    ),
    Guard(
        "refuses a URL that is none",
        "configuration/setting_types.py",
        'if url.scheme not in ("http", "https") or not url.hostname:',
        'if url.scheme not in ("http", "https"):',
        _SETTINGS,
    ),
    Guard(
        "refuses a URL of another scheme",
        "configuration/setting_types.py",
        'if url.scheme not in ("http", "https") or not url.hostname:',
        "if not url.hostname:",
        _SETTINGS,
    ),
    Guard(
        "refuses a port that is none",
        "configuration/setting_types.py",
        "        _ = url.port\n",
        "",
        _SETTINGS,
    ),
    _off(
        "refuses a URL with a user",
        "configuration/setting_types.py",
        "if url.username is not None or url.password is not None:",
    ),
    _off(
        "refuses a URL with a query",
        "configuration/setting_types.py",
        "if url.query or url.fragment:",
    ),
    _off(
        "refuses a URL of other than printable ASCII",
        "configuration/setting_types.py",
        'if not url.geturl().isascii() or not url.geturl().isprintable() or " " in url.geturl():',
    ),
    _off(
        "shows no key of the file that may be a secret",
        "configuration/config_file.py",
        "if not _PLAIN_KEY.fullmatch(key):",
        _CANARY,
    ),
    _off(
        "refuses a key given twice in the file",
        "configuration/yaml_file.py",
        "if key in keys[:index]:",
    ),
    _off(
        "refuses a secret for an account's name",
        "configuration/setting_checks.py",
        "if each.name in (api_key, credentials.api_secret, credentials.email):",
        _CANARY,
    ),
    Guard(
        "polls the accounts of its shard alone",
        "configuration/settings.py",
        "ours = [each for each in given.accounts if shard.has(each.name)]",
        "ours = list(given.accounts)",
        _SETTINGS,
    ),
    Guard(
        "keeps to the assignment of accounts that other versions have",
        "configuration/shards.py",
        'f"{number} {account_name}"',
        'f"{account_name} {number}"',
        ("test_shards.py",),
    ),
    Guard(
        "refuses a shard that there is not",
        "configuration/shards.py",
        "if number >= total:",
        "if number > total:",
        ("test_shards.py",),
    ),
    _off(
        "refuses two accounts of one key",
        "configuration/setting_checks.py",
        "if api_key in wheres_by_key:",
    ),
    _off(
        "refuses two accounts of one name",
        "configuration/setting_checks.py",
        "if each.name in wheres:",
    ),
    _off(
        "refuses values that come and go",
        "configuration/setting_checks.py",
        "if stale_after_seconds < interval_seconds:",
    ),
    Guard(
        "refuses to show values older than an hour",
        "configuration/setting_checks.py",
        "elif stale_after_seconds > _LONGEST_STALE_AFTER_SECONDS:",
        "elif False:",
        _SETTINGS,
    ),
)
