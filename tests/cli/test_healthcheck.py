"""What a container engine is told about a running exporter, over real sockets."""

import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from threading import Thread

import pytest
import trustme

from exporter.cli.healthcheck import UnhealthyError, check_health, tls_context
from tests.machine import slowdown
from tests.process.running import EXPORTER, ROOT, Running

HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhealthy\n"
MOMENT_SECONDS = 0.2

Answering = Callable[[socket.socket], None]
Served = Callable[..., AbstractContextManager[int]]


def answers(answer: bytes) -> Answering:
    """Read a request, answer it and close."""

    def answer_it(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(answer)

    return answer_it


def is_silent(client: socket.socket) -> None:
    """Read until the client goes away."""
    while client.recv(4096):
        pass


def dribbles(client: socket.socket) -> None:
    """Send a byte whenever one more fits, without an end that fits into any limit but time."""
    client.settimeout(0.02)
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        with suppress(TimeoutError):
            client.recv(4096)
            client.sendall(b"x")


@contextmanager
def served(
    serve: Answering, host: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve one client on a port of its own, and give the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:

        def serve_one() -> None:
            with (
                suppress(OSError),
                listening.accept()[0] as client,
                context.wrap_socket(client, server_side=True) if context else client as each,
            ):
                serve(each)

        thread = Thread(target=serve_one)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def server_context() -> ssl.SSLContext:
    """A certificate that no one trusts, for a name that is not this machine's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("exporter.example.com").configure_cert(context)
    return context


def healthcheck(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [*EXPORTER, "healthcheck", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_running_exporter_is_healthy_until_it_ends() -> None:
    with Running([*EXPORTER, "demo", "--web.listen-address=127.0.0.1:0"], {}) as running:
        address = running.printed(r"status   http://(\S+)/")[1]
        alive = healthcheck(f"--web.listen-address={address}")
        running.end_by(signal.SIGTERM)

    dead = healthcheck(f"--web.listen-address={address}")

    assert (alive.returncode, alive.stdout, alive.stderr) == (0, "healthy\n", "")
    assert (dead.returncode, dead.stdout) == (1, "")
    assert dead.stderr.startswith(f"error: {address} cannot be asked: Connection refused; is it")
    assert dead.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("listening", "asked"),
    [
        ("127.0.0.1", ""),
        ("::1", ""),
        ("127.0.0.1", "0.0.0.0"),  # noqa: S104 - asked, not bound
        ("::1", "::"),
        ("::1", "::1"),
        ("127.0.0.1", "localhost"),
    ],
)
def test_wildcard_is_asked_over_loopback(listening: str, asked: str) -> None:
    with served(answers(HEALTHY), listening) as port:
        check_health(asked, port, is_tls=False)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 503 Busy\r\n\r\nhealthy\n", "answers with status 503"),
        (b"HTTP/1.1 401 No\r\n\r\n", "answers with status 401"),
        (b"HTTP/1.1 200 OK\r\n\r\nwelcome\n", "is not the exporter"),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000, "is not the exporter"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP here; is --tls right?"),
        (b"", "does not speak HTTP here; is --tls right?"),
    ],
    ids=["503", "401", "another server", "endless head", "another protocol", "nothing"],
)
def test_any_other_answer_is_unhealthy(answer: bytes, sentence: str) -> None:
    with served(answers(answer)) as port, pytest.raises(UnhealthyError) as raised:
        check_health("127.0.0.1", port, is_tls=False)

    assert str(raised.value) == f"127.0.0.1:{port} {sentence}"


@pytest.mark.parametrize("serve", [is_silent, dribbles])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_one_deadline_covers_everything(serve: Answering, is_tls: bool) -> None:  # noqa: FBT001 - a case
    with served(serve) as port, pytest.raises(UnhealthyError) as raised:
        check_health("127.0.0.1", port, is_tls=is_tls, deadline_seconds=MOMENT_SECONDS)

    assert str(raised.value) in {
        f"127.0.0.1:{port} did not answer within 0.2 s",
        # What dribbles is no handshake.
        f"127.0.0.1:{port}: TLS: wrong version number; is --tls right?",
    }


def test_hung_exporter_is_unhealthy_within_the_engines_five_seconds() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as hung:
        address = f"127.0.0.1:{hung.getsockname()[1]}"
        started = time.monotonic()
        with Running([*EXPORTER, "healthcheck", f"--web.listen-address={address}"], {}) as running:
            ended = running.end()

    assert ended.code == 1
    assert running.stderr == f"error: {address} did not answer within 3 s\n"
    assert ended.at - started < 5 * slowdown()


def test_tls_on_loopback_is_asked_whatever_the_certificate(
    server_context: ssl.SSLContext,
) -> None:
    with served(answers(HEALTHY), context=server_context) as port:
        check_health("", port, is_tls=True)


def test_plain_question_to_tls_is_unhealthy(server_context: ssl.SSLContext) -> None:
    with served(answers(HEALTHY), context=server_context) as port, pytest.raises(UnhealthyError):
        check_health("127.0.0.1", port, is_tls=False)


def test_tls_question_to_plain_is_unhealthy() -> None:
    with (
        served(answers(HEALTHY)) as port,
        pytest.raises(UnhealthyError, match="TLS: wrong version number"),
    ):
        check_health("127.0.0.1", port, is_tls=True)


@pytest.mark.parametrize("host", ["exporter.example.com", "192.0.2.1", "2001:db8::1"])
def test_another_machine_has_to_prove_who_it_is(host: str) -> None:
    context = tls_context(host)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("flag", ["--web.listen-address=10061", "--web.listen-address=:x", "--no"])
def test_wrong_usage_is_told_and_is_not_a_verdict(flag: str) -> None:
    wrong = healthcheck(flag)

    assert wrong.returncode == 2
    assert "error: " in wrong.stderr
