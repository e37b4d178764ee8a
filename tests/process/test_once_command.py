"""`once` as a user starts it, against the simulator, in all its forms."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.simulator import Simulator
from tests.process.conftest import Starter
from tests.process.running import (
    EXPORTER,
    ROOT,
    SECRETS,
    Running,
    config_file,
    environment,
    until,
)

Once = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def once(simulator: Simulator) -> Once:
    """What runs it to its end."""

    def run(*flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EXPORTER, "once", *flags],
            cwd=ROOT,
            env={**os.environ, **(variables or environment(simulator.base_url))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def families(page: str) -> list[str]:
    """Return the lines that introduce the families of accounts and of the market."""
    lines = re.findall(r"^# .*$", page, re.MULTILINE)
    return [line for line in lines if re.match(r"# \w+ bitopro_margin_(?!exporter_)", line)]


def on_a_terminal(variables: Mapping[str, str]) -> str:
    """Run it with standard output on a terminal, and give what that shows."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [*EXPORTER, "once"],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm", **variables},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        ):
            os.close(theirs)
            return "".join(chunks(ours))
    finally:
        os.close(ours)


def chunks(terminal: int) -> Iterator[str]:
    # Linux says so when the other side is closed.
    with suppress(OSError):
        while chunk := os.read(terminal, 4096):
            yield chunk.decode()


def test_table_is_printed_without_colour_into_a_pipe(once: Once) -> None:
    ended = once()

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert re.match(
        r"default: safe: not below 1.5 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", ended.stdout
    )
    assert re.search(r"^  all together +falls by 3\d\.\d %$", ended.stdout, re.MULTILINE)
    assert "\x1b" not in ended.stdout


def test_colour_is_for_terminals_whose_user_does_not_mind(simulator: Simulator) -> None:
    variables = environment(simulator.base_url)

    assert "\x1b[32msafe: not below 1.5\x1b[0m" in on_a_terminal(variables)
    assert "\x1b" not in on_a_terminal({**variables, "NO_COLOR": "1"})
    assert "\x1b" not in on_a_terminal({**variables, "TERM": "dumb"})


def test_json_has_every_account(simulator: Simulator, once: Once, tmp_path: Path) -> None:
    path = config_file(tmp_path, simulator.base_url, 3)
    before = simulator.requests

    ended = once(f"--config.file={path}", "--output=json", UNUSED="1")

    # Three balances, and what is the same for all accounts.
    assert simulator.requests == before + 5
    accounts = json.loads(ended.stdout)["accounts"]
    assert ended.returncode == 0
    assert [each["account"] for each in accounts] == ["account-1", "account-2", "account-3"]
    assert [each["snapshot"]["account_id"] for each in accounts] == [
        "5411716255",
        "5411716256",
        "5411716257",
    ]
    assert [sorted(each["mark_prices"]) for each in accounts] == [["BTC", "ETH", "USDT"]] * 3
    assert [each["annual_interest_ratios"]["USDT"] for each in accounts] == ["0.05"] * 3
    assert [each["risk"]["missing_prices"] for each in accounts] == [[], [], []]


def test_prom_is_the_page_of_the_account_for_a_textfile(
    once: Once, start: Starter, promtool: str
) -> None:
    ended = once("--output=prom")

    check = subprocess.run(
        [promtool, "check", "metrics"],
        input=ended.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
    assert families(ended.stdout) == re.findall(r"^# .*$", ended.stdout, re.MULTILINE)
    assert families(ended.stdout) == families(start().page().text)
    assert re.search(r'^bitopro_margin_up\{account="default"\} 1.0$', ended.stdout, re.MULTILINE)
    assert re.search(
        r'^bitopro_margin_mark_price\{currency="BTC",unit="USDT"\} \d', ended.stdout, re.MULTILINE
    )


def test_failing_account_costs_no_other_and_is_told(
    simulator: Simulator, once: Once, tmp_path: Path
) -> None:
    path = config_file(tmp_path, simulator.base_url, 2)
    (tmp_path / "key-1").write_text("unheard-of")

    ended = once(f"--config.file={path}", UNUSED="1")

    assert ended.returncode == 1
    assert [line for line in ended.stderr.splitlines() if "warning: " not in line] == [
        "error: account account-1: no answer: auth: 401: the exchange does not accept this key, "
        "secret and e-mail together; check key, secret and e-mail, of which any may be wrong; the "
        "key's right to read; and its list of allowed addresses; changed files are read again "
        "within a minute"
    ]
    assert re.search(r"^account-1: NOT KNOWN  ", ended.stdout, re.MULTILINE)
    assert re.search(r"^account-2: safe: not below 1.5  ", ended.stdout, re.MULTILINE)


def test_two_accounts_that_are_one_are_not_both_known(
    simulator: Simulator, once: Once, tmp_path: Path
) -> None:
    simulator.fault = "another-account"

    ended = once(f"--config.file={config_file(tmp_path, simulator.base_url, 2)}", UNUSED="1")

    assert ended.returncode == 1
    assert len(re.findall(r"^account-[12]: NOT KNOWN  ", ended.stdout, re.MULTILINE)) == 1
    assert re.search(
        r"wrong_account: the answer is for the exchange's account that account-[12] already "
        r"watches",
        ended.stderr,
    )


@pytest.mark.parametrize(
    ("fault", "asked"), [("status-403", 3), ("status-500", 1)], ids=["of the key", "of all"]
)
def test_another_key_is_tried_where_one_may_not_ask(
    fault: str, asked: int, simulator: Simulator, once: Once, tmp_path: Path
) -> None:
    path = config_file(tmp_path, simulator.base_url, 3)
    simulator.fault_endpoint, simulator.fault = "mark-price", fault
    simulator.paths.clear()

    once(f"--config.file={path}", UNUSED="1")

    assert simulator.paths.count(("GET", "/v3/margin/mark-price")) == asked
    assert simulator.paths.count(("GET", "/v3/margin/provisioning/borrow")) == 1


def test_exchange_that_is_not_there_is_told(once: Once) -> None:
    ended = once(**environment("http://127.0.0.1:9/v3"))

    assert ended.returncode == 1
    assert "error: account default: no answer: network: " in ended.stderr
    assert ended.stderr.endswith(
        "; check the base URL, name resolution, routes, and that a firewall lets this machine out\n"
    )
    assert ended.stdout.startswith("default: NOT KNOWN  ")


def test_wrong_configuration_is_told_by_its_own_exit_code(once: Once) -> None:
    ended = once(BITOPRO_API_KEY="a-key")

    assert ended.returncode == 78
    assert "BITOPRO_API_SECRET is not set" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("fault", [None, "status-401"])
def test_secrets_are_never_shown(fault: str | None, simulator: Simulator, once: Once) -> None:
    simulator.fault = fault

    ended = once("--output=json", "--log.level=debug")

    assert [secret for secret in SECRETS if secret in ended.stdout + ended.stderr] == []


def test_signal_ends_it_and_nothing_is_taken_for_an_answer(simulator: Simulator) -> None:
    simulator.fault = "stall-in-body"
    before = simulator.requests

    with Running([*EXPORTER, "once"], environment(simulator.base_url)) as running:
        until(lambda: simulator.requests > before, "a request")
        code, seconds = running.end_by(signal.SIGINT)

    assert code == 1
    assert seconds < 3
    assert running.stdout == ""
    assert running.stderr == "error: stopped before every account was asked\n"
