"""Secrets are shown nowhere, and the plugin that watches for them finds them everywhere."""

import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from exporter.bitopro.client import Exchange
from exporter.bitopro.endpoints import BALANCES
from exporter.bitopro.signing import Credentials, encode_payload, sign_payload
from exporter.bitopro.transport import Connection
from exporter.cli.main import main
from exporter.clock import Clock
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings, load_settings
from exporter.errors import REASONS, ExporterError, NetworkError, PollError
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.polling.session import AccountSession, log_changes
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import AccountState
from exporter.web.status_page import StatusPage
from tests.exchanges import exchange_at
from tests.process.running import BROKEN, EXPORTER, FREE_PORT, ROOT, Running, environment
from tests.secret_leaks import EMAIL, KEY, SECRET, kinds_in, told_by
from tests.states import ACCOUNT

# Name of the leak, then its body, with what is reported of it.
LEAKS = {
    "stdout": ("print(SECRET)", "API secret in captured stdout call"),
    "descriptor": ("os.write(2, EMAIL.encode())", "e-mail in captured stderr call"),
    "output_that_a_test_reads": ("print(KEY); capsys.readouterr()", "API key in output"),
    "log_message": ("logging.getLogger('any').debug('%s', KEY)", "API key in log of any"),
    "log_attribute": (
        "logging.getLogger('any').debug('x', extra={'any': SECRET})",
        "API secret in log of any",
    ),
    "error_in_a_log": (
        "logging.getLogger('any').error('x', exc_info=ConfigurationError([KEY]))",
        "API key in log of any",
    ),
    "metrics": ("exposition(KEY).page(Format.TEXT)", "API key in /metrics"),
    "metrics_as_served": ("asyncio.run(exposition(KEY).plain(Format.TEXT))", "API key in /metrics"),
    "metrics_compressed": (
        "asyncio.run(exposition(KEY).compressed(Format.TEXT))",
        "API key in /metrics",
    ),
    "status_page": ("StatusPage(Clock(), '/metrics').render([state(EMAIL)])", "e-mail in /"),
    "exception": ("ConfigurationError([SECRET])", "API secret in exception"),
    "cause_of_an_exception": (
        "with pytest.raises(NetworkError):\n        raise NetworkError('no') from ValueError(KEY)",
        "API key in traceback",
    ),
    "cause_of_a_failed_poll": (
        "error = NetworkError('no')\n"
        "    error.__cause__ = ValueError(KEY)\n"
        "    state('any').after_failure(error, at(0.0))",
        "API key in traceback",
    ),
    "failing_test": ("raise ValueError(SECRET)", "API secret in report"),
    "failing_assertion": ("assert [SECRET] == []", "API secret in report"),
    "process": (
        "subprocess.run([sys.executable, '-c', f'print({SECRET!r})'], stdout=subprocess.PIPE)",
        "API secret in output of a process",
    ),
    "process_that_is_watched": (
        "with Running([sys.executable, '-c', f'import sys; sys.exit({KEY!r})'], {}) as running:\n"
        "        running.end()",
        "API key in output of a process",
    ),
    "process_that_writes_a_file": (
        "with open(tmp_path / 'log', 'wb') as log:\n"
        "        subprocess.run([sys.executable, '-c', f'print({EMAIL!r})'], stdout=log)",
        "e-mail in output file of a process",
    ),
    "payload": ("print(encode_payload('a@b.c', 1))", "payload in captured stdout call"),
    "signature": ("print(sign_payload('a', 'b'))", "signature in captured stdout call"),
}
HEAD = """
import asyncio, logging, os, subprocess, sys, time
from dataclasses import replace

import pytest

from exporter.clock import Clock
from exporter.errors import ConfigurationError, NetworkError
from exporter.bitopro.signing import encode_payload, sign_payload
from exporter.metrics.page import Exposition
from exporter.metrics.negotiation import Format
from exporter.state import AccountState
from exporter.web.status_page import StatusPage
from tests.process.running import Running
from tests.secret_leaks import EMAIL, KEY, SECRET
from tests.states import ACCOUNT, at

def state(name):
    return AccountState(replace(ACCOUNT, name=name))

def exposition(name):
    made = Exposition(time.monotonic)
    made.put(state(name))
    return made
"""


def run_tests(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run tests with nothing but the plugin, and without showing what they print."""
    path = folder / "test_leaks.py"
    path.write_text(text)
    options = ["-p", "tests.secret_leaks", "-p", "no:cacheprovider", "--tb=no", "-rN"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_leak_is_reported_with_test_kind_and_place(tmp_path: Path) -> None:
    tests = [
        f"def test_{name}({'capsys, ' * ('capsys' in body)}tmp_path):\n    {body}\n"
        for name, (body, _) in LEAKS.items()
    ]

    printed = run_tests(tmp_path, "\n\n".join([HEAD, *tests])).stdout

    lines = [f"test_leaks.py::test_{name}: {told}\n" for name, (_, told) in LEAKS.items()]
    assert [line for line in lines if line not in printed] == []


def test_leak_fails_a_run_whose_tests_pass_and_nothing_else_does(tmp_path: Path) -> None:
    head = "from tests.secret_leaks import KEY\n\n\ndef test_it():\n    "

    assert run_tests(tmp_path, f"{head}print(KEY)\n").returncode == pytest.ExitCode.TESTS_FAILED
    assert run_tests(tmp_path, f"{head}print(len(KEY))\n").returncode == pytest.ExitCode.OK


def test_kinds_are_known_whoever_made_them_and_other_text_is_none() -> None:
    payload, signature = encode_payload("any@example.com", 1), sign_payload("any", "payload")

    assert kinds_in(f"key={KEY} <{EMAIL}>{SECRET}") == {"API key", "e-mail", "API secret"}
    assert kinds_in(f"b'{payload}' \"{signature}\"") == {"payload", "signature"}
    assert kinds_in("demo-key " + "0" * 64 + " " + "A" * 200) == set()


# The exporter itself. The plugin watches all the while.
CREDENTIALS = Credentials(KEY, SECRET, EMAIL)
SOURCE = CredentialSource(
    Secret("key", value=KEY), Secret("secret", value=SECRET), Secret("email", value=EMAIL)
)
CONFIG = SimulatorConfig(
    port=0, scenario="documented", rate_limit=1_000_000, key=KEY, secret=SECRET, email=EMAIL
)
# TLS is spoken to a port that does not; the other reasons are faults of the exchange.
FAULT_OF_REASON = {
    "auth": "status-401",
    "clock": "status-409",
    "cached": "cached-age",
    "content_type": "html",
    "framing": "garbage",
    "http_status": "status-500",
    "json": "json-half",
    "network": "reset-without-answer",
    "rate_limited": "status-429",
    "redirect": "redirect-302",
    "schema": "wrapped-in-data",
    "timeout": "stall-in-body",
    "too_large": "padded-to-2-mib",
    "wrong_account": "another-account",
}
PLAIN = {"API_KEY": KEY, "API_SECRET": SECRET, "EMAIL": EMAIL}


async def polled_from(
    state: AccountState, exchange: Exchange
) -> tuple[AccountState, PollError | None]:
    outcome = await AccountSession(state, exchange, Clock()).fetch(BALANCES)
    log_changes(state, outcome.state)
    return outcome.state, outcome.error


def pages_of(state: AccountState) -> str:
    exposition = Exposition(Clock().monotonic)
    exposition.put(state)
    text = exposition.page(Format.TEXT) + exposition.page(Format.OPENMETRICS)
    return text.decode() + StatusPage(Clock(), "/metrics").render([state])


def test_every_reason_is_walked() -> None:
    assert sorted([*FAULT_OF_REASON, "tls"]) == sorted(REASONS)


@pytest.mark.anyio
@pytest.mark.parametrize("reason", [*FAULT_OF_REASON, "tls"])
async def test_no_reason_of_failure_shows_a_secret(reason: str) -> None:
    async with (
        Simulator(CONFIG) as simulator,
        Connection(ssl.create_default_context()) as connection,
    ):
        exchange = exchange_at(simulator.base_url, connection, CREDENTIALS, 0.4)
        good, _ = await polled_from(AccountState(ACCOUNT), exchange)
        simulator.fault = FAULT_OF_REASON.get(reason)
        if reason == "tls":
            exchange = exchange_at(
                simulator.base_url.replace("http", "https"), connection, CREDENTIALS, 0.4
            )
        failed, error = await polled_from(good, exchange)

    assert (good.is_up, failed.reason) == (True, reason)
    assert kinds_in(pages_of(good) + pages_of(failed) + told_by(error)) == set()
    assert kinds_in(repr((good, failed, exchange, connection))) == set()


@pytest.mark.anyio
async def test_rejected_credentials_are_not_shown() -> None:
    wrong = [
        Credentials(f"{KEY}-x", SECRET, EMAIL),
        Credentials(KEY, f"{SECRET}-x", EMAIL),
        Credentials(KEY, SECRET, f"x-{EMAIL}"),
    ]
    async with (
        Simulator(CONFIG) as simulator,
        Connection(ssl.create_default_context()) as connection,
    ):
        for each in wrong:
            exchange = exchange_at(simulator.base_url, connection, each, 0.4)
            failed, error = await polled_from(AccountState(ACCOUNT), exchange)
            assert failed.reason == "auth"
            assert kinds_in(told_by(error)) == set()


@pytest.mark.anyio
async def test_request_that_cannot_be_sent_is_not_shown() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {request.headers}")

    async with Connection(ssl.create_default_context(), httpx.MockTransport(refuse)) as connection:
        with pytest.raises(NetworkError) as caught:
            await connection.get("https://exchange.example/", {"X-BITOPRO-APIKEY": KEY})

    assert kinds_in(told_by(caught.value)) == set()


def told_at_start(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Try to start with what is configured, and return what is told of the refusal."""
    # An address that no machine has, so that what is not refused ends as well.
    assert main([*arguments, "--web.listen-address=192.0.2.1:1"]) == 78
    return capsys.readouterr().err


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLAIN.items():
        monkeypatch.setenv(f"BITOPRO_{name}", value)


# How a mistake looks, with the secret itself in place of the braces.
MALFORMED = (
    "\ufeff{}",
    "'{}'",
    '"{}',
    "{0}\n{0}",
    "{}\n\n",
    "{0}\r{0}",
    "{0} {0}",
    "{}\t",
    "{}\x1b[31m",
)


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("name", PLAIN)
def test_malformed_secrets_of_environment_and_files_are_not_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = []
    for form in MALFORMED:
        monkeypatch.setenv(f"BITOPRO_{name}", form.format(PLAIN[name]))
        told = told_at_start(capsys)
        if f"error: BITOPRO_{name}: " not in told or kinds_in(told):
            wrong.append(("environment", form))
    monkeypatch.delenv(f"BITOPRO_{name}")
    path = tmp_path / "secret"
    monkeypatch.setenv(f"BITOPRO_{name}_FILE", str(path))
    contents = [form.format(PLAIN[name]).encode() for form in MALFORMED]
    plain = PLAIN[name]
    for content in (
        *contents,
        plain.encode("utf-16"),
        plain.encode() + b"\xff",
        plain.encode() * 500,
    ):
        path.write_bytes(content)
        told = told_at_start(capsys)
        if f"error: BITOPRO_{name}_FILE: " not in told or kinds_in(told):
            wrong.append(("file", repr(content[-20:])))

    assert wrong == []


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("name", PLAIN)
def test_secret_in_the_wrong_variable_is_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {}
    for variable in (
        "BITOPRO_ACCOUNT",
        "BITOPRO_BASE_URL",
        "BITOPRO_POLL_INTERVAL",
        "BITOPRO_THRESHOLD_WARNING",
        "BITOPRO_HIDE_ACCOUNT_ID",
        "BITOPRO_APIKEY",
        # Beside the secret, and then in its stead.
        f"BITOPRO_{name}_FILE",
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, PLAIN[name])
            told[variable] = told_at_start(capsys)
    monkeypatch.delenv(f"BITOPRO_{name}")
    monkeypatch.setenv(f"BITOPRO_{name}_FILE", PLAIN[name])
    told["as the name of its file"] = told_at_start(capsys)

    assert {variable: text for variable, text in told.items() if kinds_in(text)} == {}


GOOD_CONFIG = """
accounts:
- name: main
  api_key_file: key
  api_secret_file: secret
  email: {EMAIL}
"""


def write_config(folder: Path, text: str) -> Path:
    (folder / "key").write_text(KEY)
    (folder / "secret").write_text(SECRET)
    path = folder / "config.yml"
    path.write_text(text.format(KEY=KEY, SECRET=SECRET, EMAIL=EMAIL))
    return path


def line_of_config(line: str) -> str:
    return f"{GOOD_CONFIG}  {line}\n"


WRONG_PLACES = {
    "value under no such key": line_of_config("api_key: {KEY}"),
    "value of a list": line_of_config("api_secret: [{SECRET}]"),
    "key itself": line_of_config("{SECRET}: 1"),
    "key in braces": line_of_config("base_url: {{{SECRET}}}"),
    "key of thresholds": line_of_config("thresholds: {{{SECRET}: 1}}"),
    "value of thresholds": line_of_config("thresholds: {{warning: {SECRET}}}"),
    "thresholds": line_of_config("thresholds: {SECRET}"),
    "base URL": line_of_config("base_url: {KEY}"),
    "base URL with a user": line_of_config("base_url: https://{KEY}:{SECRET}@127.0.0.1/v3"),
    "file name": GOOD_CONFIG.replace("_file: key", "_file: {KEY}"),
    "file name in a folder": GOOD_CONFIG.replace("_file: key", "_file: /none/{KEY}"),
    "name of the account is the key": GOOD_CONFIG.replace("name: main", "name: {KEY}"),
    "name of the account is the e-mail": GOOD_CONFIG.replace("name: main", "name: {EMAIL}"),
    "names of two accounts": GOOD_CONFIG.replace("name: main", "name: {EMAIL}")
    + GOOD_CONFIG.replace("accounts:", "").replace("name: main", "name: {EMAIL}"),
    "two accounts of one key": GOOD_CONFIG
    + GOOD_CONFIG.replace("accounts:", "").replace("name: main", "name: other"),
    "no mapping": "{SECRET}",
    "list": "- {SECRET}",
    "interval": "poll_interval: {SECRET}" + GOOD_CONFIG,
    "alias": line_of_config("api_secret: *{SECRET}"),
    "anchor": line_of_config("x: &{SECRET} 1\n  y: &{SECRET} 2"),
    "tag": line_of_config("api_secret: !{SECRET} x"),
    "tag handle": line_of_config("api_secret: !{SECRET}!x y"),
    "open quote": line_of_config("api_secret: '{SECRET}"),
    "unknown escape": line_of_config('api_secret: "\\{SECRET}"'),
    "line that is none": line_of_config("{SECRET}"),
    "colon after colon": line_of_config("api_secret: {SECRET}: {SECRET}"),
    "tabulator": line_of_config("\tapi_secret: {SECRET}"),
    "control character": line_of_config("api_secret: {SECRET}\x07"),
    "date that is none": line_of_config("{SECRET}: 2024-99-99"),
    "key twice": line_of_config("{SECRET}: 1\n  {SECRET}: 2"),
    "list as a key": line_of_config("[{SECRET}]: 1"),
    "nested too deeply": "x: " + "[" * 5000 + "{SECRET}",
}


def test_secrets_in_the_wrong_place_of_the_file_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = []
    for place, text in WRONG_PLACES.items():
        path = write_config(tmp_path, text)
        told = told_at_start(capsys, f"--config.file={path}")
        if f"error: {path}: " not in told or kinds_in(told):
            wrong.append(place)

    assert wrong == []


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    values: list[object] = [
        CREDENTIALS,
        SOURCE,
        AccountSettings(ACCOUNT, SOURCE),
        Settings((AccountSettings(ACCOUNT, SOURCE),), ()),
        load_settings(write_config(tmp_path, GOOD_CONFIG)),
        CONFIG,
    ]

    assert [type(each) for each in values if kinds_in(f"{each!r} {each}")] == []


def test_errors_have_no_room_for_a_request() -> None:
    """A request held by an error would be shown by anything that prints its attributes."""
    with_room = {
        error
        for error in (*ExporterError.__subclasses__(), *PollError.__subclasses__())
        if not set(vars(error).get("__annotations__", {}))
        <= {
            "reason",
            "meaning",
            "hint",
            "clock_skew_seconds",
        }
    }

    assert with_room == set()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An exchange without a fault that knows the secrets."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Simulator(CONFIG)) as simulator,
    ):
        yield simulator


def variables_of(simulator: Simulator) -> dict[str, str]:
    return {
        **environment(simulator.base_url),
        **{f"BITOPRO_{name}": value for name, value in PLAIN.items()},
    }


@pytest.mark.parametrize("format_", ["logfmt", "json"])
def test_process_shows_no_secret_at_the_lowest_level(simulator: Simulator, format_: str) -> None:
    command = [*EXPORTER, FREE_PORT, "--log.level=debug", f"--log.format={format_}"]
    with Running(command, variables_of(simulator)) as exporter:
        exporter.logged("first poll succeeded")
        address = exporter.logged(r"http://127\.0\.0\.1:\d+")[0]
        simulator.fault = "status-401"
        exporter.logged("poll failed")
        pages = [httpx.get(f"{address}{path}").text for path in ("/", "/metrics", "/none")]
        code, _ = exporter.end_by(signal.SIGTERM)

    assert code == 0
    assert kinds_in(exporter.stdout + exporter.stderr + json.dumps(pages)) == set()


def test_dying_process_shows_no_secret(simulator: Simulator) -> None:
    simulator.fault = "label-unknown"
    command = [*BROKEN, "exception", FREE_PORT, "--log.level=debug"]
    with Running(command, variables_of(simulator)) as exporter:
        ended = exporter.end()

    assert ended.code == 70
    assert "ValueError" in exporter.stderr
    assert kinds_in(exporter.stdout + exporter.stderr) == set()
