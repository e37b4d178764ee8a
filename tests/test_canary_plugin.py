"""The canary plugin finds every secret in every place: a run of tests that leak, one way each."""

import subprocess
import sys
from pathlib import Path

import pytest

from exporter.exchange.signing import encode_payload, sign_payload
from tests.canary import EMAIL, KEY, SECRET, kinds_in
from tests.process.running import ROOT

# Name of the leak, then its body, with what is reported of it.
LEAKS = {
    "stdout": ("print(SECRET)", "API secret in captured stdout call"),
    "stderr": ("sys.stderr.write(KEY)", "API key in captured stderr call"),
    "descriptor": ("os.write(2, EMAIL.encode())", "e-mail in captured stderr call"),
    "output_that_a_test_reads": ("print(KEY); capsys.readouterr()", "API key in stdout"),
    "log_message": ("logging.getLogger('any').debug('%s', KEY)", "API key in log of any"),
    "log_attribute": (
        "logging.getLogger('any').debug('x', extra={'any': SECRET})",
        "API secret in log of any",
    ),
    "own_error_in_a_log": (
        "logging.getLogger('any').error('x', exc_info=ConfigurationError([KEY]))",
        "API key in log of any",
    ),
    "metrics": (
        "exposition = Exposition(time.monotonic)\n"
        "    exposition.put(AccountState(replace(ACCOUNT, name=KEY)))\n"
        "    exposition.page(Format.TEXT)",
        "API key in /metrics",
    ),
    "metrics_as_they_are_served": (
        "exposition = Exposition(time.monotonic)\n"
        "    exposition.put(AccountState(replace(ACCOUNT, name=KEY)))\n"
        "    asyncio.run(exposition.plain(Format.TEXT))",
        "API key in /metrics",
    ),
    "metrics_as_they_are_served_compressed": (
        "exposition = Exposition(time.monotonic)\n"
        "    exposition.put(AccountState(replace(ACCOUNT, name=KEY)))\n"
        "    asyncio.run(exposition.compressed(Format.TEXT))",
        "API key in /metrics",
    ),
    "status_page": (
        "StatusPage(Clock(), '/metrics').render([AccountState(replace(ACCOUNT, name=EMAIL))])",
        "e-mail in /",
    ),
    "exception": ("ConfigurationError([SECRET])", "API secret in exception"),
    "cause_of_an_exception": (
        "with pytest.raises(NetworkError):\n        raise NetworkError('no') from ValueError(KEY)",
        "API key in traceback",
    ),
    "cause_of_a_failed_poll": (
        "error = NetworkError('no')\n"
        "    error.__cause__ = ValueError(KEY)\n"
        "    AccountState(ACCOUNT).after_failure(error, at(0.0))",
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
        "API key in stderr of a process",
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
from exporter.web.status_page import StatusPage
from exporter.errors import ConfigurationError, NetworkError
from exporter.metrics.page import Exposition
from exporter.metrics.negotiation import Format
from exporter.exchange.signing import encode_payload, sign_payload
from exporter.state.store import AccountState
from tests.canary import EMAIL, KEY, SECRET
from tests.process.running import Running
from tests.states import ACCOUNT, at
"""
WITH_SECRET_IN_SOURCE = f"""
def test_whose_source_alone_holds_it():
    key = {KEY!r}
    assert not key[:1]
"""


def run(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a file of tests with nothing but the plugin, and without showing what they print."""
    options = ["-p", "tests.canary", "-p", "no:cacheprovider", "--tb=no", "-rN"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={path.parent}", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Leak in every way in one run, and give what the run prints."""
    path = tmp_path_factory.mktemp("leaking") / "test_leaks.py"
    tests = [
        f"def test_{name}(capsys, tmp_path):\n    {body}\n"
        if "capsys" in body
        else f"def test_{name}(tmp_path):\n    {body}\n"
        for name, (body, _) in LEAKS.items()
    ]
    path.write_text("\n\n".join([HEAD, *tests, WITH_SECRET_IN_SOURCE]))
    return run(path).stdout


@pytest.mark.parametrize("name", LEAKS)
def test_leak_is_reported_with_test_kind_and_place(leaking: str, name: str) -> None:
    assert f"test_leaks.py::test_{name}: {LEAKS[name][1]}\n" in leaking


def test_leak_fails_a_run_whose_tests_pass(tmp_path: Path) -> None:
    path = tmp_path / "test_leak.py"
    path.write_text("from tests.canary import KEY\n\n\ndef test_it():\n    print(KEY)\n")

    ended = run(path)

    assert "1 passed" in ended.stdout
    assert "test_leak.py::test_it: API key in captured stdout call\n" in ended.stdout
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED


def test_run_without_a_leak_is_well(tmp_path: Path) -> None:
    path = tmp_path / "test_fine.py"
    path.write_text("from tests.canary import KEY\n\n\ndef test_it():\n    print(len(KEY))\n")

    assert run(path).returncode == pytest.ExitCode.OK


def test_source_of_a_failing_test_is_no_leak(leaking: str) -> None:
    assert "::test_whose_source_alone_holds_it" not in leaking


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(f"key={KEY}", "API key", id="key"),
        pytest.param(f"secret={SECRET}", "API secret", id="secret"),
        pytest.param(f"<{EMAIL}>", "e-mail", id="e-mail"),
        pytest.param(f"b'{encode_payload('any@example.com', 1)}'", "payload", id="payload"),
        pytest.param(f'"{sign_payload("any", "payload")}"', "signature", id="signature"),
    ],
)
def test_every_kind_is_known_whoever_made_it(text: str, kind: str) -> None:
    assert kinds_in(text) == {kind}


def test_other_text_is_no_secret() -> None:
    assert kinds_in("demo-key " + "0" * 64 + " " + "A" * 200) == set()
