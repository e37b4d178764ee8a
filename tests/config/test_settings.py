import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from exporter.bitopro.signing import Credentials
from exporter.config.settings import load_settings
from exporter.config.shards import Shard, shard_of
from exporter.errors import ConfigurationError
from exporter.risk import Thresholds
from exporter.state import Account

ONE_ACCOUNT = {
    "BITOPRO_API_KEY": "a-key",
    "BITOPRO_API_SECRET": "a-secret",
    "BITOPRO_EMAIL": "me@example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_variables(**variables: str) -> None:
        for name, value in {**ONE_ACCOUNT, **variables}.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    """Write a file of accounts beside two sets of secrets, a and b."""
    for name in ("a", "b"):
        write_secret(tmp_path / f"{name}-key", f"{name}-key\n")
        write_secret(tmp_path / f"{name}-secret", f"{name}-secret\n")

    def write(text: str) -> Path:
        path = tmp_path / "config.yml"
        path.write_text(text)
        return path

    return write


def write_secret(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def problems(config_file: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config_file)
    return caught.value.problems


# What else is not set is as it is by default.
configured = partial(Account, danger_poll_interval_seconds=3.0)

ACCOUNT_A = """
  - name: a
    api_key_file: a-key
    api_secret_file: a-secret
    email: a@example.com
"""
ACCOUNT_B = ACCOUNT_A.replace("a-", "b-").replace("name: a", "name: b")


def test_one_account_of_the_environment_and_its_defaults(environment: Callable[..., None]) -> None:
    environment()

    settings = load_settings(None)

    assert [each.account for each in settings.accounts] == [
        configured(
            name="default",
            base_url="https://api.bitopro.com/v3",
            poll_interval_seconds=15.0,
            stale_after_seconds=45.0,
            thresholds=Thresholds(warning=1.5, critical=1.3, liquidation=1.2),
            shows_id=True,
        )
    ]
    assert settings.accounts[0].credentials.read() == Credentials(
        "a-key", "a-secret", "me@example.com"
    )
    assert settings.warnings == ()


def test_everything_about_one_account_can_be_set(environment: Callable[..., None]) -> None:
    environment(
        BITOPRO_ACCOUNT="main",
        BITOPRO_BASE_URL="http://127.0.0.1:18061/v3/",
        BITOPRO_POLL_INTERVAL="1m30s",
        BITOPRO_STALE_AFTER="5m",
        BITOPRO_THRESHOLD_WARNING="2",
        BITOPRO_THRESHOLD_CRITICAL="1.4",
        BITOPRO_THRESHOLD_LIQUIDATION="1.1",
        BITOPRO_HIDE_ACCOUNT_ID="true",
    )

    assert load_settings(None).accounts[0].account == configured(
        name="main",
        base_url="http://127.0.0.1:18061/v3",
        poll_interval_seconds=90.0,
        stale_after_seconds=300.0,
        thresholds=Thresholds(
            2.0, 1.4, 1.1, chosen=frozenset({"warning", "critical", "liquidation"})
        ),
        shows_id=False,
    )


def test_stale_after_is_three_intervals_by_default(environment: Callable[..., None]) -> None:
    environment(BITOPRO_POLL_INTERVAL="20s")

    assert load_settings(None).accounts[0].account.stale_after_seconds == 60.0


def test_secrets_can_be_in_files(
    environment: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(
        BITOPRO_API_KEY_FILE=str(write_secret(tmp_path / "key", "filed-key\n")),
        BITOPRO_API_SECRET_FILE=str(write_secret(tmp_path / "secret", "filed-secret\r\n")),
        BITOPRO_EMAIL_FILE=str(write_secret(tmp_path / "email", "filed@example.com")),
    )
    for name in ONE_ACCOUNT:
        monkeypatch.delenv(name)

    assert load_settings(None).accounts[0].credentials.read() == Credentials(
        "filed-key", "filed-secret", "filed@example.com"
    )


def test_rotated_file_is_read_anew(config: Callable[[str], Path], tmp_path: Path) -> None:
    settings = load_settings(config(f"accounts:{ACCOUNT_A}"))

    write_secret(tmp_path / "a-key", "rotated-key")

    assert settings.accounts[0].credentials.read().api_key == "rotated-key"


def test_missing_credentials_are_all_named() -> None:
    assert problems() == (
        "BITOPRO_API_KEY is not set; set it, or BITOPRO_API_KEY_FILE to a file that holds it",
        "BITOPRO_API_SECRET is not set; set it, or BITOPRO_API_SECRET_FILE to a file that holds it",
        "BITOPRO_EMAIL is not set; set it, or BITOPRO_EMAIL_FILE to a file that holds it",
    )


def test_secret_given_twice_is_ambiguous(environment: Callable[..., None]) -> None:
    environment(BITOPRO_API_KEY_FILE="/dev/null")

    assert problems() == (
        "BITOPRO_API_KEY and BITOPRO_API_KEY_FILE are both set; which one is meant?",
    )


def test_variables_that_kubernetes_sets_for_a_service_of_our_name_are_none_of_ours(
    environment: Callable[..., None],
) -> None:
    environment(
        BITOPRO_MARGIN_EXPORTER_SERVICE_HOST="10.0.0.1",
        BITOPRO_MARGIN_EXPORTER_SERVICE_PORT="10061",
        BITOPRO_MARGIN_EXPORTER_SERVICE_PORT_METRICS="10061",
        BITOPRO_MARGIN_EXPORTER_PORT="tcp://10.0.0.1:10061",
        BITOPRO_MARGIN_EXPORTER_PORT_10061_TCP="tcp://[fd00::1]:10061",
        BITOPRO_MARGIN_EXPORTER_PORT_10061_TCP_PROTO="tcp",
        BITOPRO_MARGIN_EXPORTER_PORT_10061_TCP_PORT="10061",
        BITOPRO_MARGIN_EXPORTER_PORT_10061_TCP_ADDR="10.0.0.1",
    )

    assert [each.account.name for each in load_settings(None).accounts] == ["default"]


def test_variable_like_one_of_kubernetes_with_another_value_is_refused_with_where_from(
    environment: Callable[..., None],
) -> None:
    environment(BITOPRO_MARGIN_EXPORTER_PORT="10061")

    (problem,) = problems()
    assert problem == (
        "BITOPRO_MARGIN_EXPORTER_PORT: there is no such variable; Kubernetes sets a variable of "
        "this name for a Service, but not with such a value: remove it, or set "
        "enableServiceLinks: false in the pod"
    )


def test_misspelt_variable_is_refused_with_the_nearest_name(
    environment: Callable[..., None],
) -> None:
    environment(BITOPRO_POLL_INTERVALL="15s")

    assert problems() == (
        "BITOPRO_POLL_INTERVALL: there is no such variable (did you mean BITOPRO_POLL_INTERVAL?)",
    )


@pytest.mark.parametrize(
    "text", ["nan", "inf", "0", "-5", "1e9", "15", "15 s", "s", "1.5s", "１５s", "99999999s"]
)
@pytest.mark.parametrize("name", ["BITOPRO_POLL_INTERVAL", "BITOPRO_STALE_AFTER"])
def test_malformed_duration_is_refused(
    environment: Callable[..., None], name: str, text: str
) -> None:
    environment(**{name: text})

    assert problems() == (
        f"{name}: a duration with its unit was expected, such as 15s, 1m30s or 500ms",
    )


@pytest.mark.parametrize("text", ["0s", "999ms", "601s", "20m", "24h"])
def test_interval_out_of_range_is_refused(environment: Callable[..., None], text: str) -> None:
    environment(BITOPRO_POLL_INTERVAL=text, BITOPRO_STALE_AFTER="1h")

    assert problems()[0] == "BITOPRO_POLL_INTERVAL: from 1s to 10m is possible"


@pytest.mark.parametrize("text", ["0s", "14s"])
def test_stale_after_below_the_interval_is_refused(
    environment: Callable[..., None], text: str
) -> None:
    environment(BITOPRO_STALE_AFTER=text)

    assert problems() == (
        "BITOPRO_STALE_AFTER: shorter than poll_interval, so that values would come and go; "
        "use 3 intervals",
    )


def test_very_long_stale_after_is_refused(environment: Callable[..., None]) -> None:
    environment(BITOPRO_STALE_AFTER="61m")

    assert problems() == (
        "BITOPRO_STALE_AFTER: longer than 1h; such old values would be taken for present",
    )


@pytest.mark.parametrize("text", ["nan", "inf", "0", "-1", "0.9", "1e3", "high", "2000", ""])
def test_malformed_threshold_is_refused(config: Callable[[str], Path], text: str) -> None:
    path = config(f"accounts:{ACCOUNT_A}    thresholds: {{warning: '{text}'}}\n")

    assert problems(path) == (
        f"{path}: accounts[0].thresholds.warning: a ratio between 1 and 1000 was expected, "
        "such as 1.3",
    )


def test_thresholds_out_of_order_are_refused(environment: Callable[..., None]) -> None:
    environment(BITOPRO_THRESHOLD_CRITICAL="1.6")

    assert problems() == (
        "BITOPRO_ACCOUNT: thresholds must fall from warning over critical to liquidation, "
        "but are 1.5, 1.6, 1.2",
    )


# To which no request can be built, or from which none can be sent, though they look like URLs.
UNASKABLE = (
    "https://256.0.0.1/v3",
    "https://xn--a/v3",
    "https://xn--/v3",
    "https://a..b/v3",
    "https://.a/v3",
    f"https://{'a' * 64}.com/v3",
    f"https://{'.'.join(['a' * 60] * 5)}/v3",
    "https://[v1.a]/v3",
    "https://a^b/v3",
)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://api.bitopro.com/v3", "http is for the simulator on this machine only; use https"),
        ("http://10.0.0.1/v3", "http is for the simulator on this machine only; use https"),
        (
            "https://me:pw@api.bitopro.com/v3",
            "a URL with a user or password is refused; the key belongs elsewhere",
        ),
        ("https://api.bitopro.com/v3?x=1", "a URL with a query or fragment is refused"),
        ("ftp://api.bitopro.com", "not an https URL; an example is https://api.bitopro.com/v3"),
        ("api.bitopro.com", "not an https URL; an example is https://api.bitopro.com/v3"),
        ("https://", "not an https URL; an example is https://api.bitopro.com/v3"),
        ("https://[::1", "not a URL; an example is https://api.bitopro.com/v3"),
        ("https://host:99999/", "not a URL; an example is https://api.bitopro.com/v3"),
        *((url, "not a URL; an example is https://api.bitopro.com/v3") for url in UNASKABLE),
        ("https://api.bitopro.com/v3?", "a URL with a query or fragment is refused"),
        ("https://api.bitopro.com/v3#", "a URL with a query or fragment is refused"),
        ("https://a b/", "the URL holds characters other than printable ASCII"),
    ],
)
def test_base_url_that_is_unsafe_or_none_is_refused(
    environment: Callable[..., None], url: str, problem: str
) -> None:
    environment(BITOPRO_BASE_URL=url)

    assert problems() == (f"BITOPRO_BASE_URL: {problem}",)


@pytest.mark.parametrize("url", ["http://localhost:1/v3", "http://127.8.8.8/v3", "http://[::1]/v3"])
def test_plain_http_is_allowed_to_this_machine(environment: Callable[..., None], url: str) -> None:
    environment(BITOPRO_BASE_URL=url)

    assert load_settings(None).accounts[0].account.base_url == url


@pytest.mark.parametrize("name", ["a b", 'a"b', "-a", "x" * 65, "é"])
def test_account_name_is_a_plain_word(environment: Callable[..., None], name: str) -> None:
    environment(BITOPRO_ACCOUNT=name)

    assert problems() == ("BITOPRO_ACCOUNT: a name is 1 to 64 letters, digits or any of _ . @ -",)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " "])
def test_line_end_of_a_variable_is_no_part_of_it(
    environment: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    variables = {
        "BITOPRO_ACCOUNT": "main",
        "BITOPRO_API_SECRET_FILE": str(write_secret(tmp_path / "secret", "a-secret")),
        "BITOPRO_BASE_URL": "https://api.bitopro.com/v3",
        "BITOPRO_POLL_INTERVAL": "20s",
        "BITOPRO_STALE_AFTER": "2m",
        "BITOPRO_THRESHOLD_WARNING": "1.6",
        "BITOPRO_REQUESTS_PER_MINUTE": "60",
        "BITOPRO_HIDE_ACCOUNT_ID": "true",
    }
    line_end = end.strip(" ")
    environment(BITOPRO_API_KEY=f"a-key{line_end}", BITOPRO_EMAIL=f"a@b.c{line_end}")
    monkeypatch.delenv("BITOPRO_API_SECRET")
    for name, value in variables.items():
        monkeypatch.setenv(name, value + end)

    settings = load_settings(None)

    assert settings.accounts[0].account == configured(
        "main",
        "https://api.bitopro.com/v3",
        20.0,
        120.0,
        Thresholds(1.6, chosen=frozenset({"warning"})),
        shows_id=False,
    )
    assert settings.requests_per_minute == 60
    assert settings.accounts[0].credentials.read() == Credentials("a-key", "a-secret", "a@b.c")


def test_line_end_of_a_block_scalar_is_no_part_of_it(config: Callable[[str], Path]) -> None:
    path = config(
        "poll_interval: |\n  20s\naccounts:\n- name: |\n    a\n  base_url: |\n    https://a.bc/v3\n"
        "  api_key_file: |\n    a-key\n  api_secret_file: a-secret\n  email: |\n    a@b.c\n"
    )

    (account,) = load_settings(path).accounts

    assert account.account == configured("a", "https://a.bc/v3", 20.0, 60.0)
    assert account.credentials.read() == Credentials("a-key", "a-secret", "a@b.c")


BAD_TOKENS = [
    ("\ufeffa-key", "starts with a byte order mark; save it as plain text"),
    ("a\nkey", "holds characters other than printable ASCII; paste it again, on one line"),
    ("a-key\n\n", "holds characters other than printable ASCII; paste it again, on one line"),
    ("schlüssel", "holds characters other than printable ASCII; paste it again, on one line"),
    ("a key", "holds a space; paste it again"),
    ("'a-key'", "is quoted; write it without quotation marks"),
    ('"a-key"', "is quoted; write it without quotation marks"),
    ("\n", "is empty"),
]


@pytest.mark.parametrize(("text", "problem"), BAD_TOKENS, ids=[text for _, text in BAD_TOKENS])
@pytest.mark.parametrize("name", ["BITOPRO_API_KEY", "BITOPRO_API_SECRET"])
def test_malformed_secret_is_refused_without_showing_it(
    environment: Callable[..., None], name: str, text: str, problem: str
) -> None:
    environment(**{name: text})

    assert problems() == (f"{name}: {problem}",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("me", "is not an e-mail address; use the one of the account at the exchange"),
        ("'me@example.com'", "is not an e-mail address; use the one of the account at the exchan"),
        ("me @example.com", "holds spaces or control characters"),
        ("me@" + "x" * 300, "is longer than 254 characters"),
    ],
)
def test_malformed_email_is_refused(
    environment: Callable[..., None], text: str, problem: str
) -> None:
    environment(BITOPRO_EMAIL=text)

    assert problems()[0].startswith(f"BITOPRO_EMAIL: {problem}")


def test_many_accounts_of_a_file(config: Callable[[str], Path]) -> None:
    path = config(
        "poll_interval: 30s\nstale_after: 2m\nhide_account_id: true\n"
        f"accounts:{ACCOUNT_A}{ACCOUNT_B}"
        "    base_url: http://127.0.0.1:18061/v3\n"
        "    thresholds: {warning: 2, critical: 1.4}\n"
    )

    settings = load_settings(path)

    assert [each.account for each in settings.accounts] == [
        configured("a", "https://api.bitopro.com/v3", 30.0, 120.0, Thresholds(), shows_id=False),
        configured(
            "b",
            "http://127.0.0.1:18061/v3",
            30.0,
            120.0,
            Thresholds(2.0, 1.4, 1.2, chosen=frozenset({"warning", "critical"})),
            shows_id=False,
        ),
    ]
    assert [each.credentials.read().api_key for each in settings.accounts] == ["a-key", "b-key"]


def test_accounts_share_what_they_merge(config: Callable[[str], Path]) -> None:
    path = config(
        "x-defaults: &defaults {api_secret_file: a-secret, email: a@example.com}\naccounts:\n"
        "- {<<: *defaults, name: a, api_key_file: a-key}\n"
        "- {<<: *defaults, name: b, api_key_file: b-key, email: b@example.com}\n"
    )

    assert [each.credentials.read() for each in load_settings(path).accounts] == [
        Credentials("a-key", "a-secret", "a@example.com"),
        Credentials("b-key", "a-secret", "b@example.com"),
    ]


def test_environment_is_above_the_file(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITOPRO_POLL_INTERVAL", "20s")

    settings = load_settings(config(f"poll_interval: 30s\naccounts:{ACCOUNT_A}"))

    assert settings.accounts[0].account.poll_interval_seconds == 20.0


@pytest.mark.parametrize(
    "codes", ["usdt, DAI", "[USDT, dai]", "\n  - USDT\n  - DAI\n"], ids=["text", "flow", "block"]
)
def test_stable_currencies_are_a_list_or_text(config: Callable[[str], Path], codes: str) -> None:
    settings = load_settings(config(f"stable_currencies: {codes}\naccounts:{ACCOUNT_A}"))

    assert settings.accounts[0].account.stable_currencies == {"USDT", "DAI"}


def test_stable_currencies_and_distances_come_from_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API_KEY", "API_SECRET"):
        monkeypatch.setenv(f"BITOPRO_{name}", name)
    monkeypatch.setenv("BITOPRO_EMAIL", "me@example.com")
    monkeypatch.setenv("BITOPRO_STABLE_CURRENCIES", "USDT,DAI")
    monkeypatch.setenv("BITOPRO_THRESHOLD_DISTANCE_WARNING", "0.25")

    account = load_settings(None).accounts[0].account

    assert account.stable_currencies == {"USDT", "DAI"}
    assert account.thresholds == Thresholds(distance_warning=0.25)


def test_distances_of_a_file_are_of_their_account(config: Callable[[str], Path]) -> None:
    distances = "    thresholds: {distance_warning: 0.3, distance_critical: 0.15}\n"

    settings = load_settings(config(f"accounts:{ACCOUNT_A}{distances}{ACCOUNT_B}"))

    assert [each.account.thresholds.distance_by_level() for each in settings.accounts] == [
        {"warning": 0.3, "critical": 0.15},
        {"warning": 0.2, "critical": 0.1},
    ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("{distance_warning: 20}", "a share of a price between 0 and 1 was expected"),
        ("{distance_warning: 0}", "a share of a price between 0 and 1 was expected"),
        ("{distance_warning: 1}", "a share of a price between 0 and 1 was expected"),
        ("{distance_warning: 0.05}", "distance_warning must not be below distance_critical"),
    ],
)
def test_distance_that_cannot_be_meant_is_refused(
    config: Callable[[str], Path], given: str, problem: str
) -> None:
    path = config(f"accounts:{ACCOUNT_A}    thresholds: {given}\n")

    assert len(problems(path)) == 1
    assert problem in problems(path)[0]


@pytest.mark.parametrize("codes", ["'U$D'", "[1]", "5", "{}", "''"])
def test_stable_currencies_that_are_no_codes_are_refused(
    config: Callable[[str], Path], codes: str
) -> None:
    path = config(f"stable_currencies: {codes}\naccounts:{ACCOUNT_A}")

    assert problems(path)[0].startswith(f"{path}: stable_currencies: ")


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("", 3.0),
        ("poll_interval: 2s\n", 2.0),
        ("danger_poll_interval: 5s\n", 5.0),
        ("danger_poll_interval: 0s\n", None),
    ],
    ids=["default", "short interval", "set", "off"],
)
def test_interval_in_danger(
    config: Callable[[str], Path], lines: str, seconds: float | None
) -> None:
    settings = load_settings(config(f"{lines}accounts:{ACCOUNT_A}"))

    assert settings.accounts[0].account.danger_poll_interval_seconds == seconds


@pytest.mark.parametrize("interval", ["16s", "500ms"])
def test_interval_in_danger_that_is_too_long_or_short_is_refused(
    config: Callable[[str], Path], interval: str
) -> None:
    path = config(f"danger_poll_interval: {interval}\naccounts:{ACCOUNT_A}")

    assert problems(path) == (
        f"{path}: danger_poll_interval: from 1s to poll_interval is possible, or 0s for no "
        "difference",
    )


@pytest.mark.parametrize("labels", ["SAFETY_THRESHOLD, CAUTION", "[SAFETY_THRESHOLD, CAUTION]"])
def test_safe_labels_are_a_list_or_text(config: Callable[[str], Path], labels: str) -> None:
    settings = load_settings(config(f"safe_labels: {labels}\naccounts:{ACCOUNT_A}"))

    assert settings.accounts[0].account.safe_labels == {"SAFETY_THRESHOLD", "CAUTION"}


@pytest.mark.parametrize("labels", ["'A-B'", "[1]", "5", "{}", "''"])
def test_safe_labels_that_are_no_labels_are_refused(
    config: Callable[[str], Path], labels: str
) -> None:
    path = config(f"safe_labels: {labels}\naccounts:{ACCOUNT_A}")

    assert problems(path)[0].startswith(f"{path}: safe_labels: ")


def test_key_without_a_value_leaves_the_default(config: Callable[[str], Path]) -> None:
    names = ("poll_interval", "stale_after", "hide_account_id", "requests_per_minute")
    empty = "".join(f"{name}:\n" for name in names)

    settings = load_settings(config(f"{empty}accounts:{ACCOUNT_A}"))

    assert settings.accounts[0].account == configured("a", "https://api.bitopro.com/v3", 15.0, 45.0)
    assert (settings.requests_per_minute, settings.origins) == (540, {})


def test_account_in_environment_and_file_is_ambiguous(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITOPRO_API_KEY", "a-key")

    assert problems(config(f"accounts:{ACCOUNT_A}")) == (
        "BITOPRO_API_KEY describes one account, and --config.file describes accounts already; "
        "remove one of them",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("accounts: []", "accounts: at least one account is needed"),
        ("{}", "accounts: is missing"),
        (
            f"acounts:{ACCOUNT_A}\naccounts:{ACCOUNT_A}",
            "acounts: there is no such key (did you mean accounts?)",
        ),
        (
            f"accounts:{ACCOUNT_A}    api_key: sesame\n",
            "accounts[0].api_key: there is no such key (did you mean api_key_file?)",
        ),
        (
            "accounts: [{name: a, api_key_file: a-key, api_secret_file: a-secret}]",
            "accounts[0]: one of email and email_file is needed, and only one",
        ),
        (
            f"poll_interval: 15\naccounts:{ACCOUNT_A}",
            "poll_interval: a duration with its unit was expected, such as 15s, 1m30s or 500ms",
        ),
        (
            "accounts: {",
            "not valid YAML at line 1, column 12: compare indentation (no tabs), colons and quotes "
            "there with the lines above",
        ),
        ("accounts: 1\naccounts: 2", "not valid YAML at line 2, column 1: a key is there twice"),
        ("- 1", "keys with values were expected, such as name: main"),
        ("", "keys with values were expected, such as name: main"),
        ("accounts: 7", "accounts: a list was expected, each entry with a dash before it"),
        (
            f"accounts:{ACCOUNT_A.replace('name: a', 'name: 1')}",
            "accounts[0].name: text was expected; put it into quotation marks",
        ),
        (
            f"hide_account_id: maybe\naccounts:{ACCOUNT_A}",
            "hide_account_id: true or false was expected",
        ),
    ],
)
def test_malformed_file_is_refused_with_the_place(
    config: Callable[[str], Path], text: str, problem: str
) -> None:
    path = config(text)

    assert problems(path)[0].startswith(f"{path}: {problem}")


def test_no_value_of_the_file_is_shown(config: Callable[[str], Path]) -> None:
    path = config(f"accounts:{ACCOUNT_A}    api_secret: sesame-secret\n    email_file: [x]\n")

    assert "sesame" not in " ".join(problems(path))


def test_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yml"

    assert problems(path) == (f"--config.file: cannot read {path}: No such file or directory",)


def test_two_accounts_of_one_name_are_refused(config: Callable[[str], Path]) -> None:
    path = config(f"accounts:{ACCOUNT_A}{ACCOUNT_B.replace('name: b', 'name: a')}")

    assert problems(path) == (
        f"{path}: accounts[1]: has the name of {path}: accounts[0]; every name once",
    )


def test_name_of_drills_is_refused(environment: Callable[..., None]) -> None:
    environment(BITOPRO_ACCOUNT="drill")

    assert problems() == ("BITOPRO_ACCOUNT: drill is the name of drills; choose another",)


def test_two_accounts_of_one_key_are_refused(config: Callable[[str], Path], tmp_path: Path) -> None:
    write_secret(tmp_path / "b-key", "a-key")
    path = config(f"accounts:{ACCOUNT_A}{ACCOUNT_B}")

    assert problems(path) == (
        f"{path}: accounts[1]: has the API key of {path}: accounts[0]; every account needs its own",
    )


def many(count: int, folder: Path) -> str:
    """Return a file of so many accounts, with a key of its own for each."""
    accounts = "accounts:"
    for number in range(count):
        write_secret(folder / f"{number}-key", f"key-{number}")
        accounts += ACCOUNT_A.replace("name: a", f"name: a{number}").replace(
            "a-key", f"{number}-key"
        )
    return accounts


def test_more_accounts_than_the_exchange_allows_are_refused(
    config: Callable[[str], Path], tmp_path: Path
) -> None:
    assert problems(config(many(136, tmp_path))) == (
        "poll_interval: 136 accounts every 15 s exceed 540 requests a minute; use 16s or more, or "
        "several exporters on different addresses (--total-shards)",
    )


def test_accounts_that_leave_too_few_requests_for_prices_are_warned_of(
    config: Callable[[str], Path], tmp_path: Path
) -> None:
    # Each account takes 4 + 1 requests a minute, and all together 4 + 0.2.
    fitting = load_settings(config(many(107, tmp_path)))
    crowded = load_settings(config(many(108, tmp_path)))

    assert fitting.warnings == ()
    assert crowded.warnings == (
        "poll_interval: 108 accounts every 15 s leave too few requests for prices, terms and "
        "liquidations, which will be late or missing; use a longer one, or several exporters on "
        "different addresses (--total-shards)",
    )


def test_every_problem_of_both_sources_is_reported(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITOPRO_STALE", "1m")
    path = config(f"accounts:{ACCOUNT_A}    nam: a\n")

    assert [problem.partition(":")[0] for problem in problems(path)] == ["BITOPRO_STALE", str(path)]


def test_malformed_variable_does_not_hide_missing_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BITOPRO_POLL_INTERVAL", "often")
    monkeypatch.setenv("BITOPRO_STALE", "1m")

    assert [problem.split(":")[0].split()[0] for problem in problems()] == [
        "BITOPRO_STALE",
        "BITOPRO_API_KEY",
        "BITOPRO_API_SECRET",
        "BITOPRO_EMAIL",
        "BITOPRO_POLL_INTERVAL",
    ]


def test_problem_of_the_environment_does_not_hide_one_of_a_secret(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BITOPRO_POLL_INTERVAL", "often")
    (tmp_path / "a-secret").write_text("")

    assert [
        problem.rpartition(": ")[2] for problem in problems(config(f"accounts:{ACCOUNT_A}"))
    ] == [
        "a duration with its unit was expected, such as 15s, 1m30s or 500ms",
        f"{tmp_path}/a-secret is empty",
    ]


def test_settings_know_where_they_came_from(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITOPRO_POLL_INTERVAL", "20s")
    path = config(
        f"poll_interval: 30s\nstale_after: 2m\naccounts:{ACCOUNT_A}    thresholds: {{warning: 2}}\n"
    )

    settings = load_settings(path)

    assert settings.origins["poll_interval"] == "BITOPRO_POLL_INTERVAL"
    assert settings.origins["stale_after"] == f"{path}: stale_after"
    assert "hide_account_id" not in settings.origins
    origins = settings.accounts[0].origins
    assert origins["account"] == f"{path}: accounts[0].name"
    assert origins["threshold_warning"] == f"{path}: accounts[0].thresholds.warning"
    assert "threshold_critical" not in origins


def secret_file_problems(config: Callable[[str], Path], name: str) -> tuple[str, ...]:
    return problems(config("accounts:" + ACCOUNT_A.replace("a-key", name)))


def test_missing_secret_file_is_refused(config: Callable[[str], Path], tmp_path: Path) -> None:
    assert secret_file_problems(config, "none") == (
        f"{tmp_path}/config.yml: accounts[0].api_key_file: cannot read {tmp_path}/none: "
        "No such file or directory",
    )


def test_directory_as_secret_file_is_refused(config: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    assert secret_file_problems(config, "folder")[0].endswith(
        "folder is a directory, and not a regular file; name a regular file"
    )


def test_fifo_as_secret_file_is_refused_without_waiting(
    config: Callable[[str], Path], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")

    assert secret_file_problems(config, "fifo")[0].endswith(
        "fifo is a fifo, which is what <(...) makes, and not a regular file; name a regular file"
    )


def test_huge_secret_file_is_refused(config: Callable[[str], Path], tmp_path: Path) -> None:
    write_secret(tmp_path / "huge", "x" * 5000)

    assert secret_file_problems(config, "huge")[0].endswith(
        "huge is larger than 4096 bytes; is it the right file?"
    )


def test_binary_secret_file_is_refused(config: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    assert secret_file_problems(config, "binary")[0].endswith("binary is not UTF-8 text")


def test_world_readable_secret_file_is_used_with_a_warning(
    config: Callable[[str], Path], tmp_path: Path
) -> None:
    path = config(f"accounts:{ACCOUNT_A}")
    (tmp_path / "a-secret").chmod(0o644)

    assert load_settings(path).warnings == (
        f"{path}: accounts[0].api_secret_file: every user of this machine may read the file; "
        "chmod o-r it",
    )


def test_settings_do_not_show_secrets(environment: Callable[..., None]) -> None:
    environment()

    shown = repr(load_settings(None))

    assert "a-key" not in shown
    assert "a-secret" not in shown
    assert "me@example.com" not in shown


def test_accounts_at_two_exchanges_are_warned_of_and_share_no_prices(
    config: Callable[[str], Path],
) -> None:
    settings = load_settings(
        config(f"accounts:{ACCOUNT_A}{ACCOUNT_B}    base_url: http://127.0.0.1:18061/v3\n")
    )

    assert not settings.has_one_exchange
    assert settings.warnings[-1].startswith("base_url: the accounts have different ones")


def test_accounts_at_one_exchange_share_its_prices(config: Callable[[str], Path]) -> None:
    settings = load_settings(config(f"accounts:{ACCOUNT_A}{ACCOUNT_B}"))

    assert settings.has_one_exchange
    assert not [text for text in settings.warnings if "base_url" in text]


MANY_ACCOUNTS = "".join(
    ACCOUNT_A.replace("name: a", f"name: account-{number}").replace("a-key", f"key-{number}")
    for number in range(1, 41)
)


@pytest.fixture
def forty_accounts(config: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Write a file of 40 accounts with keys of their own, after other settings."""
    keys = [write_secret(tmp_path / f"key-{n}", f"demo-key-{n}") for n in range(1, 41)]
    assert len(keys) == 40
    return lambda text: config(f"{text}\naccounts:{MANY_ACCOUNTS}")


def test_shards_have_all_accounts_among_them_and_none_twice(
    forty_accounts: Callable[[str], Path],
) -> None:
    path = forty_accounts("poll_interval: 15s")

    loaded = [load_settings(path, Shard(number, 3)) for number in range(3)]

    names = [each.account.name for settings in loaded for each in settings.accounts]
    assert sorted(names) == sorted(f"account-{number}" for number in range(1, 41))
    assert [settings.shard for settings in loaded] == [Shard(0, 3), Shard(1, 3), Shard(2, 3)]


def test_budget_is_for_the_accounts_of_this_shard(forty_accounts: Callable[[str], Path]) -> None:
    path = forty_accounts("poll_interval: 15s\nrequests_per_minute: 100")

    assert problems(path) == (
        f"{path}: poll_interval: 40 accounts every 15 s exceed 100 requests a minute; use 24s or "
        "more, or several exporters on different addresses (--total-shards)",
    )
    assert load_settings(path, Shard(0, 4)).requests_per_minute == 100


def test_mistake_in_an_account_of_another_shard_is_told_by_every_shard(
    forty_accounts: Callable[[str], Path], tmp_path: Path
) -> None:
    path = forty_accounts("poll_interval: 15s")
    (tmp_path / "key-1").unlink()

    for_all = [problems_of_shard(path, number) for number in range(3)]

    assert for_all[0] == for_all[1] == for_all[2]


def problems_of_shard(path: Path, number: int) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, Shard(number, 3))
    return caught.value.problems


def test_shard_without_accounts_is_warned_of(config: Callable[[str], Path]) -> None:
    path = config(f"accounts:{ACCOUNT_A}")
    empty = Shard((shard_of("a", 2) + 1) % 2, 2)

    assert load_settings(path, empty).accounts == ()
    assert load_settings(path, empty).warnings == (
        "none of the accounts falls to this shard, so there is nothing to poll; fewer shards "
        "would do",
    )


def test_request_budget_can_be_set_by_a_variable_above_the_file(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(f"requests_per_minute: 100\naccounts:{ACCOUNT_A}")
    assert load_settings(path).requests_per_minute == 100

    monkeypatch.setenv("BITOPRO_REQUESTS_PER_MINUTE", "600")

    assert load_settings(path).requests_per_minute == 600


def test_request_budget_leaves_room_below_the_limit_by_default(
    environment: Callable[..., None],
) -> None:
    environment()

    assert load_settings(None).requests_per_minute == 540


@pytest.mark.parametrize("value", ["0", "601", "-1", "1e2", "540.0", "nan", "\u0661", "many"])
def test_request_budget_that_cannot_be_is_refused(
    environment: Callable[..., None], value: str
) -> None:
    environment(BITOPRO_REQUESTS_PER_MINUTE=value)

    assert problems() == (
        "BITOPRO_REQUESTS_PER_MINUTE: a whole number from 1 to 600 was expected, which is what the "
        "exchange allows an address",
    )


@pytest.mark.parametrize("value", ["true", "540.5", "[]"])
def test_request_budget_of_the_file_is_a_number(config: Callable[[str], Path], value: str) -> None:
    (problem,) = problems(config(f"requests_per_minute: {value}\naccounts:{ACCOUNT_A}"))

    assert "requests_per_minute: a whole number from 1 to 600 was expected" in problem


def test_name_that_no_file_can_have_is_refused_without_showing_it(
    config: Callable[[str], Path],
) -> None:
    path = config("accounts:" + ACCOUNT_A.replace("a-secret", '"s3cret\\0"'))

    assert problems(path) == (f"{path}: accounts[0].api_secret_file: is not the name of a file",)
