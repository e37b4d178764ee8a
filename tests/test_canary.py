"""The whole exporter with secrets unmistakable by content: none of them is shown anywhere.

What each test looks at itself is the least; the canary plugin watches everything else meanwhile.
"""

import asyncio
import json
import signal
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from exporter.cli import main
from exporter.clock import Clock
from exporter.configuration.credentials import CredentialSource, Secret
from exporter.configuration.settings import AccountSettings, Settings, load_settings
from exporter.errors import REASONS, ConfigurationError, ExporterError, NetworkError, PollError
from exporter.exchange.client import Exchange
from exporter.exchange.signing import Credentials, NonceSource
from exporter.exchange.wire import Wire
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.polling.poller import poll_once
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state.store import AccountState
from exporter.web.status_page import StatusPage
from tests.canary import EMAIL, KEY, SECRET, kinds_in, told_by
from tests.process.running import BROKEN, EXPORTER, FREE_PORT, Running, environment
from tests.states import ACCOUNT

CREDENTIALS = Credentials(KEY, SECRET, EMAIL)
SOURCE = CredentialSource(
    Secret("key", value=KEY), Secret("secret", value=SECRET), Secret("email", value=EMAIL)
)
CONFIG = SimulatorConfig(
    port=0, scenario="documented", rate_limit=1_000_000, key=KEY, secret=SECRET, email=EMAIL
)
DEADLINE_SECONDS = 0.4

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


def exchange_at(base_url: str, wire: Wire, credentials: Credentials = CREDENTIALS) -> Exchange:
    return Exchange(
        base_url=base_url,
        read_credentials=lambda: credentials,
        wire=wire,
        clock=Clock(),
        take_slot=lambda: asyncio.sleep(0),
        deadline_seconds=DEADLINE_SECONDS,
    )


def pages_of(state: AccountState) -> str:
    exposition = Exposition(Clock().monotonic)
    exposition.put(state)
    text = exposition.page(Format.TEXT) + exposition.page(Format.OPENMETRICS)
    return text.decode() + StatusPage(Clock(), "/metrics").render([state])


def test_every_reason_is_walked() -> None:
    assert sorted([*FAULT_OF_REASON, "tls"]) == sorted(REASONS)


@pytest.mark.anyio
@pytest.mark.parametrize("reason", FAULT_OF_REASON)
async def test_no_reason_of_failure_shows_a_secret(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with Simulator(CONFIG) as simulator, Wire(ssl.create_default_context()) as wire:
        exchange = exchange_at(simulator.base_url, wire)
        good, _ = await poll_once(AccountState(ACCOUNT), exchange, Clock())
        simulator.fault = FAULT_OF_REASON[reason]
        failed, error = await poll_once(good, exchange, Clock())
        again, _ = await poll_once(failed, exchange, Clock())

    assert (good.is_up, failed.reason) == (True, reason)
    assert kinds_in(pages_of(good) + pages_of(failed) + pages_of(again)) == set()
    assert kinds_in(told_by(error) + repr((good, failed, exchange, wire)) + caplog.text) == set()


@pytest.mark.anyio
async def test_failed_tls_shows_no_secret() -> None:
    async with Simulator(CONFIG) as simulator, Wire(ssl.create_default_context()) as wire:
        exchange = exchange_at(simulator.base_url.replace("http", "https"), wire)
        failed, error = await poll_once(AccountState(ACCOUNT), exchange, Clock())

    assert failed.reason == "tls"
    assert kinds_in(pages_of(failed) + told_by(error)) == set()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(Credentials(f"{KEY}-x", SECRET, EMAIL), id="key"),
        pytest.param(Credentials(KEY, f"{SECRET}-x", EMAIL), id="secret"),
        pytest.param(Credentials(KEY, SECRET, f"x-{EMAIL}"), id="e-mail"),
    ],
)
async def test_rejected_credentials_are_not_shown(wrong: Credentials) -> None:
    async with Simulator(CONFIG) as simulator, Wire(ssl.create_default_context()) as wire:
        exchange = exchange_at(simulator.base_url, wire, wrong)
        failed, error = await poll_once(AccountState(ACCOUNT), exchange, Clock())

    assert failed.reason == "auth"
    assert kinds_in(pages_of(failed) + told_by(error)) == set()


@pytest.mark.anyio
async def test_request_that_cannot_be_sent_is_not_shown() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {request.headers}")

    async with Wire(ssl.create_default_context(), httpx.MockTransport(refuse)) as wire:
        with pytest.raises(NetworkError) as caught:
            await wire.get("https://exchange.example/", {"X-BITOPRO-APIKEY": KEY})

    assert kinds_in(told_by(caught.value)) == set()


# Kind of mistake -> how it looks, with the secret itself in place of the braces.
MALFORMED = {
    "byte order mark": "\ufeff{}",
    "single quotes": "'{}'",
    "double quotes": '"{}"',
    "quote in front": '"{}',
    "newline inside": "{0}\n{0}",
    "newlines behind": "{}\n\n",
    "carriage return inside": "{0}\r{0}",
    "space": "{0} {0}",
    "tabulator": "{}\t",
    "non-ASCII": "{}\u00fc",
    "control character": "{}\x1b[31m",
    "too long": "{}" + "x" * 5000,
}
PLAIN = {"API_KEY": KEY, "API_SECRET": SECRET, "EMAIL": EMAIL}


def told_at_start(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Try to start with what is configured, and give what is told of the refusal."""
    # An address that no machine has, so that what is not refused ends as well.
    assert main([*arguments, "--web.listen-address=192.0.2.1:1"]) == 78
    return capsys.readouterr().err


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLAIN.items():
        monkeypatch.setenv(f"BITOPRO_{name}", value)


def malformed(name: str, form: str) -> str:
    return MALFORMED[form].format(PLAIN[name])


TOKENS = [
    pytest.param(name, form, id=f"{form} in {name}")
    for name in ("API_KEY", "API_SECRET")
    for form in MALFORMED
    if form != "too long"
]
EMAILS = [
    pytest.param("EMAIL", form, id=f"{form} in EMAIL")
    for form in MALFORMED
    if form not in {"double quotes", "non-ASCII"}
]


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize(("name", "form"), [*TOKENS, *EMAILS])
def test_malformed_secret_of_the_environment_is_not_shown(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The environment holds no NUL, but everything else.
    monkeypatch.setenv(f"BITOPRO_{name}", malformed(name, form))

    told = told_at_start(capsys)

    assert f"error: BITOPRO_{name}: " in told
    assert kinds_in(told) == set()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize(("name", "form"), [*TOKENS, *EMAILS])
def test_malformed_secret_of_a_file_is_not_shown(
    name: str,
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(malformed(name, form).encode())
    monkeypatch.delenv(f"BITOPRO_{name}")
    monkeypatch.setenv(f"BITOPRO_{name}_FILE", str(path))

    told = told_at_start(capsys)

    assert f"error: BITOPRO_{name}_FILE: " in told
    assert kinds_in(told) == set()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode() + b"\xff", id="not UTF-8"),
        pytest.param(lambda text: text.encode() * 500, id="huge"),
    ],
)
def test_unreadable_content_of_a_file_is_not_shown(
    name: str,
    content: Callable[[str], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content(PLAIN[name]))
    monkeypatch.delenv(f"BITOPRO_{name}")
    monkeypatch.setenv(f"BITOPRO_{name}_FILE", str(path))

    told = told_at_start(capsys)

    assert f"error: BITOPRO_{name}_FILE: " in told
    assert kinds_in(told) == set()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("name", PLAIN)
def test_secret_given_as_the_name_of_its_file_is_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(f"BITOPRO_{name}")
    monkeypatch.setenv(f"BITOPRO_{name}_FILE", PLAIN[name])

    told = told_at_start(capsys)

    assert f"error: BITOPRO_{name}_FILE: " in told
    assert kinds_in(told) == set()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("name", PLAIN)
def test_ambiguous_secret_is_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"BITOPRO_{name}_FILE", PLAIN[name])

    told = told_at_start(capsys)

    assert "are both set; which one is meant?" in told
    assert kinds_in(told) == set()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize(
    "variable",
    [
        "BITOPRO_ACCOUNT",
        "BITOPRO_BASE_URL",
        "BITOPRO_POLL_INTERVAL",
        "BITOPRO_STALE_AFTER",
        "BITOPRO_THRESHOLD_WARNING",
        "BITOPRO_HIDE_ACCOUNT_ID",
        "BITOPRO_APIKEY",
    ],
)
def test_secret_in_the_wrong_variable_is_not_shown(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)

    assert kinds_in(told_at_start(capsys)) == set()


@pytest.mark.usefixtures("_credentials")
def test_credentials_beside_a_file_of_accounts_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = told_at_start(capsys, f"--config.file={write_config(tmp_path, GOOD_CONFIG)}")

    assert "remove one of them" in told
    assert kinds_in(told) == set()


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


@pytest.mark.parametrize("place", WRONG_PLACES)
def test_secret_in_the_wrong_place_of_the_file_is_not_shown(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, WRONG_PLACES[place])

    told = told_at_start(capsys, f"--config.file={path}")

    assert f"error: {path}: " in told
    assert kinds_in(told) == set()


def test_file_of_accounts_that_is_no_text_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(SECRET.encode() + b"\xff")

    assert kinds_in(told_at_start(capsys, f"--config.file={path}")) == set()


def test_traceback_of_a_refused_configuration_shows_no_secret(tmp_path: Path) -> None:
    path = write_config(tmp_path, WRONG_PLACES["alias"])

    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)

    assert kinds_in(told_by(caught.value)) == set()


@pytest.mark.usefixtures("_credentials")
def test_settings_from_the_environment_do_not_show_secrets() -> None:
    assert kinds_in(repr(load_settings(None))) == set()


def test_settings_from_a_file_do_not_show_secrets(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path, GOOD_CONFIG))

    assert kinds_in(repr(settings)) == set()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(CREDENTIALS, id="Credentials"),
        pytest.param(Secret("key", value=KEY), id="Secret"),
        pytest.param(SOURCE, id="CredentialSource"),
        pytest.param(AccountSettings(ACCOUNT, SOURCE), id="AccountSettings"),
        pytest.param(Settings((AccountSettings(ACCOUNT, SOURCE),), ()), id="Settings"),
        pytest.param(NonceSource(lambda: 0.0), id="NonceSource"),
        pytest.param(CONFIG, id="SimulatorConfig"),
    ],
)
def test_repr_shows_no_secret(value: object) -> None:
    assert kinds_in(f"{value!r} {value}") == set()


@pytest.mark.usefixtures("_credentials")
@pytest.mark.parametrize("command", [[], ["run"], ["demo"], ["simulate"]], ids=" ".join)
def test_help_shows_no_secret(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command, "--help"])

    assert kinds_in(capsys.readouterr().out) == set()


@pytest.mark.parametrize("error", [*ExporterError.__subclasses__(), *PollError.__subclasses__()])
def test_errors_have_no_room_for_a_request(error: type[ExporterError]) -> None:
    """A request held by an error would be shown by whoever prints its attributes."""
    assert set(error.__annotations__ if "__annotations__" in vars(error) else {}) <= {
        "reason",
        "clock_skew_seconds",
    }


@pytest.fixture(scope="module")
def _simulator() -> Iterator[Simulator]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Simulator(CONFIG)) as simulator,
    ):
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    """An exchange without a fault that knows the canaries."""
    _simulator.fault = None
    return _simulator


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
