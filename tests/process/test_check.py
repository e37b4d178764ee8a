"""`check` as an operator meets it: a real process, the simulator, and what usually goes wrong."""

import os
import pty
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from anyio.from_thread import start_blocking_portal

from exporter.config.shards import shard_of
from exporter.simulator import Simulator, SimulatorConfig
from tests.process.conftest import WallClock
from tests.process.running import EXPORTER, FREE_PORT, SECRETS, Running, config_file, environment
from tests.web.protected import (
    CLIENTS_TEXT,
    TLS_TEXT,
    users_text,
    write_certificate,
    write_web_config,
)

UTF_8 = {"PYTHONIOENCODING": "utf-8"}
# Longer than that of the other tests, because it bounds the time of a call on a busy machine.
INTERVAL = {"BITOPRO_POLL_INTERVAL": "10s"}
NAMES = [f"account-{number}" for number in range(1, 9)]
STEPS = ["name", "connection", "clock", "signed call", "answer", *["optional"] * 3, "series"]


def check(variables: Mapping[str, str], *flags: str) -> tuple[int, str]:
    """Run it to its end, and give exit code and what it printed."""
    with Running([*EXPORTER, "check", *flags], {**UTF_8, **variables, **INTERVAL}) as running:
        code = running.end().code
    assert running.stderr == ""
    return code, running.stdout


def steps(printed: str, sign: str) -> list[str]:
    """Return the names of the steps with a sign."""
    return [name.strip() for name in re.findall(rf"^  {sign} (.{{11}})  ", printed, re.MULTILINE)]


def said_of_account(printed: str) -> list[str]:
    """Return what the steps of one account say; a time is N, because it differs from run to run."""
    _, _, of_account = printed.partition("step by step\n")
    said = re.findall(r"^  \S .{11}  (.*)$", of_account, re.MULTILINE)
    return [re.sub(r"[+-]?\d+\.\d+ s\b", "N s", each) for each in said]


def hint(printed: str) -> str:
    """Return the one thing to do."""
    (text,) = re.findall(r"^      → (.*)$", printed, re.MULTILINE)
    return str(text)


@contextmanager
def tls_simulator(certificate: trustme.LeafCert) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    config = SimulatorConfig(port=0, ssl_context=context)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Simulator(config)) as simulator,
    ):
        yield simulator.base_url


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path) -> Mapping[str, str]:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return {"SSL_CERT_FILE": str(path)}


def test_good_account_passes_every_step(simulator: Simulator) -> None:
    code, printed = check(environment(simulator.base_url))

    assert code == 0
    assert steps(printed, "✓") == ["settings", "web", *STEPS]
    assert "✗" not in printed
    port = simulator.base_url.rpartition(":")[2].removesuffix("/v3")
    assert said_of_account(printed) == [
        "127.0.0.1 is an address already",
        f"127.0.0.1 port {port}, without TLS, which this machine alone may have",
        "N s against the exchange's",
        "accepted, within N s",
        "complete and verified; 3 currencies, totals in USDT",
        "mark-price: answered and verified",
        "user-liquidations: answered and verified",
        "provisioning/borrow: answered and verified",
        # How many, another test compares with the page.
        said_of_account(printed)[-1],
    ]


def test_series_are_as_many_as_the_page_has_sample_lines() -> None:
    config = SimulatorConfig(port=0, scenario="documented")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Simulator(config)) as simulator,
    ):
        variables = environment(simulator.base_url)
        _, printed = check(variables)
        with Running([*EXPORTER, FREE_PORT], variables) as running:
            for endpoint in ("mark-price", "provisioning/borrow", "user-liquidations"):
                asked = f'endpoint_up{{account="default",endpoint="{endpoint}"}}'
                page = running.shows(asked, 1).text

    of_account = re.findall(r'^bitopro_margin_\w+{account="default"', page, re.MULTILINE)
    of_market = re.findall(r"^bitopro_margin_\w+{currency=", page, re.MULTILINE)
    said = re.search(r"✓ series +(\d+) of the account, (\d+) of the market\n", printed)
    assert said is not None
    assert (int(said[1]), int(said[2])) == (len(of_account), len(of_market))


def test_it_tells_where_each_setting_came_from(
    simulator: Simulator, trust: Mapping[str, str], tmp_path: Path
) -> None:
    path = config_file(tmp_path, simulator.base_url, accounts=1)

    _, printed = check(
        trust,
        f"--config.file={path}",
        "--log.level=debug",
        "--offline",
    )

    rows = {
        line.split()[0]: line.split(maxsplit=2)[2] for line in printed.splitlines() if "  " in line
    }
    assert {name: rows[name] for name in ("--log.level", "--log.format", "poll_interval")} == {
        "--log.level": "flag",
        "--log.format": "default",
        "poll_interval": "environment BITOPRO_POLL_INTERVAL",
    }
    assert rows["stale_after"] == f"file {path}: stale_after"
    assert rows["account"] == f"file {path}: accounts[0].name"
    assert rows["api_key"] == (
        f"secret file {tmp_path}/key-1, named by {path}: accounts[0].api_key_file"
    )
    assert rows["authorities"] == "environment SSL_CERT_FILE"
    assert rows["threshold_warning"] == "default: assumed, BitoPro publishes none"


def test_secrets_are_masked(simulator: Simulator) -> None:
    _, printed = check(environment(simulator.base_url))

    assert (
        re.findall(r"^  (?:api_key|api_secret|email) +(\S+)", printed, re.MULTILINE)
        == ["********"] * 3
    )
    assert [each for each in SECRETS if each in printed] == []


def test_offline_asks_nobody(simulator: Simulator) -> None:
    before = simulator.connections

    code, printed = check(environment(simulator.base_url), "--offline")

    assert (code, simulator.connections) == (0, before)
    assert steps(printed, "✓") == ["settings", "web"]


def test_every_problem_of_the_configuration_has_a_line_and_a_cross() -> None:
    code, printed = check(
        {"BITOPRO_API_KEY": "'quoted'", "BITOPRO_STALE_AFTER": "often", "BITOPRO_MAIL": "x"},
        "--web.listen-address=here",
    )

    lines = printed.splitlines()
    assert code == 78
    assert [line.split()[:2] for line in lines] == [
        ["✗", "--web.listen-address:"],
        ["✗", "BITOPRO_MAIL:"],
        ["✗", "BITOPRO_API_SECRET"],
        ["✗", "BITOPRO_EMAIL"],
        ["✗", "BITOPRO_STALE_AFTER:"],
    ]


def test_problems_of_shard_file_and_port_are_told_together(tmp_path: Path) -> None:
    accounts, web = tmp_path / "config.yml", tmp_path / "web.yml"
    accounts.write_text("accounts:\n  - name: a\n   email: b\n")
    web.write_text("basic_auth_users: {prometheus: plain}\n")

    code, printed = check(
        {},
        f"--config.file={accounts}",
        f"--web.config.file={web}",
        "--shard=7",
        "--total-shards=3",
    )

    assert code == 78
    assert [line.split(maxsplit=4)[:3] for line in printed.splitlines()] == [
        ["✗", "--shard:", "7"],
        ["✗", f"{web}:", "basic_auth_users.prometheus:"],
        ["✗", f"{accounts}:", "not"],
    ]


def test_wrong_shard_is_not_blamed_on_the_budget(tmp_path: Path) -> None:
    path = config_file(tmp_path, "http://127.0.0.1:1/v3", accounts=200)

    code, printed = check({}, f"--config.file={path}", "--shard=7", "--total-shards=3")

    assert (code, printed) == (78, "✗ --shard: 7 is none of 3, which are 0 to 2\n")


def test_shard_is_told(simulator: Simulator, tmp_path: Path) -> None:
    path = config_file(tmp_path, simulator.base_url, accounts=8)

    _, printed = check({}, f"--config.file={path}", "--offline", "--shard=1", "--total-shards=2")

    ours = [name for name in NAMES if shard_of(name, 2) == 1]
    assert re.findall(r"^Account (\S+): settings$", printed, re.MULTILINE) == ours
    assert f"can be run, with {len(ours)} accounts, as shard 1 of 0 to 1\n" in printed


def protection(address: str, *flags: str) -> list[tuple[str, str]]:
    """Return what is said of the port, sign and text, and nothing else of it."""
    variables = {"BITOPRO_API_KEY": "k", "BITOPRO_API_SECRET": "s", "BITOPRO_EMAIL": "a@b.example"}
    code, printed = check(variables, "--offline", f"--web.listen-address={address}", *flags)
    assert code == 0
    return re.findall(r"^  (.) web          (.*)$", printed, re.MULTILINE)


@pytest.mark.parametrize("address", ["127.0.0.1:10061", "[::1]:10061", "localhost:10061"])
def test_port_that_this_machine_alone_reaches_is_good(address: str) -> None:
    assert protection(address) == [("✓", f"{address} without TLS, open to this machine only")]


@pytest.mark.parametrize("address", [":10061", "0.0.0.0:10061", "exporter.example:10061"])
def test_port_that_is_open_to_other_machines_is_noted(address: str) -> None:
    text = f"{address} without TLS, and balances are open to anyone who can reach it"

    assert protection(address) == [("!", text)]


def test_users_without_tls_are_noted_where_others_may_listen(tmp_path: Path) -> None:
    flag = f"--web.config.file={write_web_config(tmp_path, users_text())}"
    text = ":10061 without TLS, so that passwords and balances can be read on the way"

    assert protection("127.0.0.1:10061", flag) == [("✓", "127.0.0.1:10061 without TLS, for 1 user")]
    assert protection(":10061", flag) == [("!", text)]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (TLS_TEXT + users_text(), ":10061 with TLS, for 1 user"),
        (CLIENTS_TEXT, ":10061 with TLS, for clients with a certificate"),
    ],
    ids=["users", "certificates"],
)
def test_users_and_certificates_with_tls_are_good(
    part: str, text: str, authority: trustme.CA, tmp_path: Path
) -> None:
    write_certificate(tmp_path, authority)

    flag = f"--web.config.file={write_web_config(tmp_path, part)}"

    assert protection(":10061", flag) == [("✓", text)]


def test_wrong_secret_leads_to_key_and_secret(simulator: Simulator) -> None:
    code, printed = check(environment(simulator.base_url, BITOPRO_API_SECRET="another"))

    assert code == 1
    assert steps(printed, "✗") == ["signed call"]
    assert steps(printed, "-") == ["answer", "optional", "series"]
    assert hint(printed).startswith("check key, secret and e-mail, of which any may be wrong")


@pytest.mark.parametrize("offset_seconds", [-3600, 3600])
def test_wrong_clock_leads_to_ntp(
    offset_seconds: int, simulator: Simulator, wall_clock: WallClock
) -> None:
    wall_clock.step(offset_seconds)

    code, printed = check({**environment(simulator.base_url), **wall_clock.variables})

    measured = re.search(r"✗ clock +([+-]\d+\.\d) s against", printed)
    assert code == 1
    assert measured is not None
    assert float(measured[1]) == pytest.approx(offset_seconds, abs=3)
    assert steps(printed, "✗") == ["clock", "signed call"]
    assert printed.count("→ set this machine's clock by NTP") == 2


def test_old_date_beside_a_200_leads_to_a_cache_and_not_to_ntp(simulator: Simulator) -> None:
    simulator.fault = "cached-date-an-hour"

    code, printed = check(environment(simulator.base_url))

    assert code == 1
    assert steps(printed, "✗") == ["clock", "answer"]
    assert "beside a 200: a copy (cache) sooner than a wrong clock" in printed
    assert printed.count("→ look for a cache, proxy or gateway on the way") == 2
    assert "NTP" not in printed


def test_stopped_exchange_leads_to_host_and_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    code, printed = check(environment(f"http://127.0.0.1:{port}/v3"))

    assert code == 1
    assert f"✗ connection   none to 127.0.0.1 port {port}: Connection refused" in printed
    assert hint(printed).startswith(f"check that 127.0.0.1 port {port} is meant")
    assert steps(printed, "-") == ["clock", "signed call", "answer", "optional", "series"]


def test_unresolvable_name_leads_to_spelling_and_resolution() -> None:
    code, printed = check(environment("https://no-such-host.invalid/v3"))

    assert code == 1
    assert steps(printed, "✗") == ["name"]
    assert hint(printed).startswith("check the spelling of the base URL, and name resolution")


def test_proxy_that_is_not_used_is_mentioned_without_its_url() -> None:
    _, printed = check(
        {
            **environment("https://no-such-host.invalid/v3"),
            "HTTPS_PROXY": "http://me:LEAKED-SECRET@proxy:3128",
        }
    )

    assert "the proxy of this environment is not used" in hint(printed)
    assert "3128" not in printed


def test_trusted_certificate_passes(authority: trustme.CA, trust: Mapping[str, str]) -> None:
    with tls_simulator(authority.issue_cert("127.0.0.1")) as base_url:
        code, printed = check({**environment(base_url), **trust})

    assert code == 0
    assert re.search(r"✓ connection .*, TLSv1\.\d, certificate valid until ", printed)


def test_unknown_authority_leads_to_interception_and_the_list(authority: trustme.CA) -> None:
    with tls_simulator(authority.issue_cert("127.0.0.1")) as base_url:
        code, printed = check(environment(base_url, SSL_CERT_FILE=""))

    assert code == 1
    assert steps(printed, "✗") == ["connection"]
    assert "not in certifi's list" in hint(printed)
    assert "SSL_CERT_FILE" in hint(printed)


def test_certificate_for_another_name_leads_to_the_base_url(
    authority: trustme.CA, trust: Mapping[str, str]
) -> None:
    with tls_simulator(authority.issue_cert("other.example")) as base_url:
        code, printed = check({**environment(base_url), **trust})

    assert code == 1
    assert hint(printed).startswith("the certificate is for another name: check the base URL")


def test_certificate_that_is_not_valid_now_leads_to_the_clock(
    authority: trustme.CA, trust: Mapping[str, str], wall_clock: WallClock
) -> None:
    wall_clock.step(-30 * 365 * 24 * 3600)
    with tls_simulator(authority.issue_cert("127.0.0.1")) as base_url:
        code, printed = check({**environment(base_url), **trust, **wall_clock.variables})

    assert code == 1
    assert "certificate is not yet valid" in printed
    assert hint(printed).startswith("compare this machine's clock with true time")


def test_port_without_tls_leads_to_host_and_port(simulator: Simulator) -> None:
    code, printed = check(environment(simulator.base_url.replace("http:", "https:")))

    assert code == 1
    assert hint(printed).startswith("check that the base URL's host and port speak TLS")


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("status-403", "not available to this key; everything else is there, but not: prices"),
        ("json-half", "json: the body is not JSON"),
    ],
)
def test_optional_endpoint_that_does_not_answer_is_noted_and_no_failure(
    fault: str, text: str, simulator: Simulator
) -> None:
    simulator.fault_endpoint = "mark-price"
    simulator.fault = fault

    code, printed = check(environment(simulator.base_url))

    assert code == 0
    assert f"  ! optional     mark-price: {text}" in printed
    assert steps(printed, "✓")[-3:] == ["optional", "optional", "series"]


@pytest.mark.parametrize(
    ("fault", "step", "text"),
    [
        ("garbage", "signed call", "look for a proxy or gateway on the way"),
        ("html", "answer", "look for a proxy or gateway on the way"),
        ("json-half", "answer", "the API has changed, or a gateway answered in its place"),
        ("status-403", "signed call", "check key, secret and e-mail, of which any may be wrong"),
        (
            "status-403-html",
            "signed call",
            "wait if it is 5xx, which usually passes; 404 is the base URL",
        ),
        (
            "status-404-html",
            "signed call",
            "wait if it is 5xx, which usually passes; 404 is the base URL",
        ),
    ],
)
def test_odd_answer_leads_to_who_gave_it(
    fault: str, step: str, text: str, simulator: Simulator
) -> None:
    simulator.fault = fault

    code, printed = check(environment(simulator.base_url))

    assert code == 1
    assert steps(printed, "✗") == [step]
    assert hint(printed).startswith(text)


def test_each_of_two_accounts_is_tried_and_the_bad_one_named(
    simulator: Simulator, tmp_path: Path
) -> None:
    path = config_file(tmp_path, simulator.base_url, accounts=2)
    (tmp_path / "key-1").write_text("unknown-key")

    code, printed = check({}, f"--config.file={path}")

    assert code == 1
    assert steps(printed, "✗") == ["signed call"]
    assert steps(printed, "✓")[-len(STEPS) :] == STEPS
    assert printed.endswith("1 of 2 accounts cannot be monitored: account-1\n")


def test_second_key_of_an_account_is_said_to_be_one(simulator: Simulator, tmp_path: Path) -> None:
    simulator.fault = "another-account"
    path = config_file(tmp_path, simulator.base_url, accounts=2)

    code, printed = check({}, f"--config.file={path}")

    assert code == 1
    assert "the answer is for the exchange's account that account-1 already watches" in printed
    assert "each needs one of its own" in printed
    assert "1 of 2 accounts cannot be monitored: account-2\n" in printed


def test_output_without_signs_is_plain_ascii(simulator: Simulator) -> None:
    code, printed = check(
        environment(simulator.base_url, PYTHONIOENCODING="ascii", BITOPRO_API_SECRET="another")
    )

    assert code == 1
    assert printed.isascii()
    assert "  ok   connection " in printed
    assert "  FAIL signed call " in printed
    assert "      -> check key, secret" in printed


def on_a_terminal(variables: Mapping[str, str]) -> str:
    """Run it offline on a pseudo-terminal, and give what appears there."""
    terminal, its_end = pty.openpty()
    with Running(
        [*EXPORTER, "check", "--offline"],
        {**UTF_8, "TERM": "xterm", "NO_COLOR": "", **variables},
        stdout=its_end,
    ) as running:
        assert running.end().code == 0
    shown = os.read(terminal, 65_536).decode()
    os.close(its_end)
    os.close(terminal)
    return shown


def test_terminal_shows_colours(simulator: Simulator) -> None:
    assert "\x1b[32m✓\x1b[0m settings" in on_a_terminal(environment(simulator.base_url))


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_declined(variables: Mapping[str, str], simulator: Simulator) -> None:
    shown = on_a_terminal({**environment(simulator.base_url), **variables})

    assert "✓ settings" in shown
    assert "\x1b" not in shown
