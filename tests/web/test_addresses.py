"""How addresses are written on the command line, and what is said of those that are not."""

import random
import re
import socket

import pytest

from exporter.addresses import host_and_port
from exporter.cli.main import main
from exporter.errors import ConfigurationError
from exporter.web.listening import ListenError, open_sockets
from tests.process.running import environment

HINT = "is not host:port, such as 127.0.0.1:10061, [::1]:10061 or :10061: it "
HOSTS = (
    *("http://localhost", "https://[::1]", "tcp://10.0.0.1", "*", "**", "a b", " localhost"),
    *("local\thost", "localhost\n", "-a", "a-", "a..b", ".a", ".", "a" * 64, "a." * 127 + "a"),
    *("z" * 300, "256.0.0.1", "1.2.3", "1.2.3.4.5", "127.1", "2130706433", "[127.0.0.1]"),
    *("[localhost]", "[::1", "::1]", "::1", "::", "fe80::1%eth0", "[]", "[[::1]]", "[:::1]"),
    *("[1::2::3]", "[::g]", "幣.example", "localhost\N{FULLWIDTH COLON}1", "me:secret@host"),
    *("me@host", "host/path", "host?x", "host#x", "host\\x", "%6cocalhost", "a,b", "$HOST"),
    *("{host}", "\N{ZERO WIDTH SPACE}", "\udcff"),
)
PORTS = (
    *("", "x", "-1", "+1", " 1", "1 ", "65536", "99999999999999999999", "9" * 5000, "1e3"),
    *("0x10", "1_0", "1.0", "http", "\N{ARABIC-INDIC DIGIT ONE}", "\N{SUPERSCRIPT TWO}", "1/"),
    *("1\n", "\udc80"),
)
ODD = [
    *(f"{host}:10061" for host in HOSTS),
    *(f"{host}:{port}" for host in ("", "127.0.0.1", "[::1]", "localhost") for port in PORTS),
    *(f"{host}:{port}" for host in HOSTS[:20] for port in PORTS),
    *("", "here", "10061", "127.0.0.1", "::1", "[::1]", "localhost", ":", "::", ":::"),
]
URLS = (
    *("", "127.0.0.1:9090", "localhost", "ftp://a", "http:", "http://", "http:///"),
    *("http://:9090", "http:// a", "http://a b", "http://a\n", "http://a:x", "http://a:99999"),
    *("http://a:-1", "http://256.0.0.1", "http://xn--a", "http://-a", "http://a..b"),
    *("http://[::g]", "http://[::1", "http://::1", "http://" + "a" * 64),
    *("http://" + "a" * 70_000, "http://a?x=1", "http://a#x", "http://\udcff"),
    *("http://\N{ZERO WIDTH SPACE}", "//a", "file:///etc/passwd"),
)


def code_of(*arguments: str) -> int:
    """Return the exit code of a command in this process."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def junk(count: int) -> list[str]:
    """Return so many texts that are no address, the same each time."""
    chosen = random.Random(22)  # noqa: S311 - the same each time
    letters = ":[]./%*@#?-_ 019afx\N{SUPERSCRIPT TWO}幣\x7f\udcff"
    return ["=" + "".join(chosen.choices(letters, k=chosen.randint(1, 12))) for _ in range(count)]


def test_odd_address_is_a_problem_and_never_a_bug() -> None:
    for address in (*ODD, *junk(200)):
        with pytest.raises(ValueError, match=re.escape(HINT)):
            host_and_port(address)


@pytest.mark.parametrize(
    "flag", ["healthcheck --web.listen-address", "simulate --listen-address", "drill --target"]
)
def test_odd_address_is_wrong_usage(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, _, name = flag.partition(" ")
    for address in (*ODD[::13], "a:\udc80", *junk(5)):
        assert code_of(command, f"{name}={address}") == 2, address
        told = capsys.readouterr().err
        assert f"error: argument {name}: " in told, address
        assert HINT in told, address


@pytest.mark.parametrize("flag", ["--prometheus.url", "--alertmanager.url"])
def test_odd_url_is_wrong_usage_and_never_a_bug(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (*URLS, *junk(50)):
        assert code_of("drill", f"{flag}={url}") == 2, url
        assert capsys.readouterr().err.endswith(
            f"error: argument {flag}: a URL such as http://127.0.0.1:9090 was expected\n"
        )


@pytest.mark.parametrize("command", ["run", "check", "check --offline", "demo"])
def test_odd_address_of_our_own_is_a_problem_of_the_configuration(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment("http://127.0.0.1:9/v3").items():
        monkeypatch.setenv(name, value)
    for address in ("http://127.0.0.1:10061", "*:10061", "256.0.0.1:1", ":70000", "::1:10061"):
        assert code_of(*command.split(), f"--web.listen-address={address}") == 78, address
        told = "".join(capsys.readouterr())
        assert f"--web.listen-address: {address} {HINT}" in told


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://127.0.0.1:10061", "is a URL"),
        ("*:10061", "has a host that is not understood; every address is :10061"),
        ("127.0.0.1", "has no port"),
        ("[::1]", "has no port"),
        ("127.0.0.1:65536", "has no port from 0 to 65535"),
        ("256.0.0.1:1", "has a host that is neither a name nor an address"),
        ("::1:10061", "has an IPv6 address without brackets"),
        ("[a]:1", "has no IPv6 address between its brackets"),
        ("a:b:1", "has several colons"),
    ],
)
def test_problem_of_an_address_is_named(address: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{address} {HINT}{problem}")):
        host_and_port(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":10061", ("", 10061)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),  # noqa: S104 - not bound
        ("[::]:65535", ("::", 65535)),
        ("[fe80::1%eth0]:1", ("fe80::1%eth0", 1)),
        ("my_container-1.internal.:080", ("my_container-1.internal.", 80)),
    ],
)
def test_address_is_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert host_and_port(address) == expected


def test_name_without_an_address_is_said_so_by_check_but_is_not_looked_up_offline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment("http://127.0.0.1:9/v3").items():
        monkeypatch.setenv(name, value)
    address = "--web.listen-address=localhst.invalid:10061"

    assert code_of("check", address) == 78
    told = capsys.readouterr().out
    assert told.startswith("✗ --web.listen-address: cannot listen on localhst.invalid:10061: ")
    assert "write an address of this machine, such as 127.0.0.1:10061" in told
    assert code_of("check", "--offline", address) == 0
    assert code_of("run", address) == 1
    ran = capsys.readouterr().err
    assert "--web.listen-address: cannot listen on localhst.invalid:10061: " in ran
    assert "Unknown error" not in ran


@pytest.mark.parametrize("address", [":0", "[::]:0", "[0:0::0]:0"])
def test_every_address_is_of_both_families(address: str) -> None:
    (listening,) = open_sockets([address])
    with listening:
        port = listening.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=5.0).close()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])  # noqa: S104 - what is tested
def test_address_beside_every_address_is_refused_with_the_reason(host: str) -> None:
    (taken,) = open_sockets(["[::]:0"])
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match="have every address already"):
            open_sockets([f"{host}:{port}"])


def test_no_socket_is_opened_where_one_of_the_addresses_is_malformed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_sockets(["127.0.0.1:0", "*:1", "here"])

    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("name", ["a.example:1", "http://a.example", "a b", "", "*.example"])
def test_allowed_name_is_a_name_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("run", f"--web.allowed-hosts={name}") == 2
    assert "without scheme and port, or *" in capsys.readouterr().err
