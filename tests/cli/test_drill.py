"""What a drill refuses, what it tells, and that it leaves nothing behind."""

import json
import os
import signal
from collections.abc import Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from exporter.cli.drill_watchers import EXPECTED_ALERTS, STAGES, Deliveries, Finding, verdict
from exporter.metrics.market import MARKET_FAMILIES
from tests.alerts.deployment import ALERTS
from tests.process.running import EXPORTER, FREE_PORT, Running, scrape, until

TARGET_FILE = "bitopro-margin-drill.json"
_WHOLE = [Finding(stage, 1.0, 2.0) for stage in STAGES]

# What a Prometheus answers that is set up well and sees nothing.
_ANSWERS: dict[str, Any] = {
    "/api/v1/rules": {"groups": [{"rules": [{"name": each} for each in EXPECTED_ALERTS]}]},
    "/api/v1/alertmanagers": {"activeAlertmanagers": [{"url": "http://127.0.0.1:9093/api"}]},
    "/api/v1/alerts": {"alerts": []},
    "/api/v1/query": {"result": []},
    "/api/v1/targets": {"activeTargets": []},
}


@pytest.fixture
def answers() -> dict[str, Any]:
    """What the fake of both servers answers, for a test to change."""
    return {
        path: {"status": "success", "data": deepcopy(data)} for path, data in _ANSWERS.items()
    } | {"/api/v2/alerts": []}


class Hanging:
    """Whether the fake hangs, and whether anybody was kept waiting."""

    def __init__(self) -> None:
        self.begins = Event()
        self.ends = Event()
        self.has_kept_waiting = Event()


@pytest.fixture
def hanging() -> Hanging:
    """The fake's hang, for a test to begin."""
    return Hanging()


@pytest.fixture
def url(answers: dict[str, Any], hanging: Hanging) -> Iterator[str]:
    """Where the fake is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hanging.begins.is_set():
                hanging.has_kept_waiting.set()
                hanging.ends.wait()
                return
            body = json.dumps(answers[self.path.partition("?")[0]]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        hanging.ends.set()
        server.shutdown()
        thread.join()


def drill(folder: Path, *flags: str) -> Running:
    """Start a drill that announces itself in a folder."""
    return Running([*EXPORTER, "drill", FREE_PORT, f"--targets-folder={folder}", *flags], {})


def test_every_expected_alert_is_shipped() -> None:
    assert set(EXPECTED_ALERTS) <= ALERTS.keys()


def test_unreachable_prometheus_is_one_line(tmp_path: Path) -> None:
    with drill(tmp_path, "--prometheus.url=http://127.0.0.1:9") as running:
        ended = running.end()

    assert ended.code == 1
    assert running.stderr == (
        "error: --prometheus.url: cannot be asked: All connection attempts failed\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["127.0.0.1:9090", "me:hush@host", "http://me:hush@host:x"])
def test_what_is_no_url_is_one_line_without_its_password(address: str, tmp_path: Path) -> None:
    with drill(tmp_path, f"--prometheus.url={address}") as running:
        ended = running.end()

    assert ended.code == 2
    assert running.stderr.endswith(
        "error: argument --prometheus.url: a URL such as http://127.0.0.1:9090 was expected\n"
    )
    assert "hush" not in running.stderr


def test_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    # Not by permissions, for root may write anywhere.
    folder = tmp_path / "missing"
    with drill(folder) as running:
        ended = running.end()

    assert ended.code == 1
    assert running.stderr == (
        f"error: --targets-folder: cannot write {folder / TARGET_FILE}: No such file or directory; "
        "it is the folder targets/ beside the configuration of Prometheus\n"
    )


def test_alertmanager_alone_is_a_problem_of_configuration(tmp_path: Path) -> None:
    with drill(tmp_path, "--alertmanager.url=http://127.0.0.1:9093") as running:
        ended = running.end()

    assert ended.code == 78
    assert running.stderr == "error: --alertmanager.url: needs --prometheus.url as well\n"


def test_missing_rule_is_named_before_anything_is_announced(
    tmp_path: Path, url: str, answers: dict[str, Any]
) -> None:
    del answers["/api/v1/rules"]["data"]["groups"][0]["rules"][3]

    with drill(tmp_path, f"--prometheus.url={url}") as running:
        ended = running.end()

    assert ended.code == 1
    assert running.stderr == (
        "error: --prometheus.url: Prometheus has loaded no rule BitoproMarginRatioLiquidation; "
        "see its page Rules, and the rule_files of its configuration\n"
    )
    assert running.stdout == ""


def test_prometheus_without_alertmanager_is_told(
    tmp_path: Path, url: str, answers: dict[str, Any]
) -> None:
    answers["/api/v1/alertmanagers"]["data"]["activeAlertmanagers"].clear()

    with drill(tmp_path, f"--prometheus.url={url}", f"--alertmanager.url={url}") as running:
        ended = running.end()

    assert ended.code == 1
    assert "Prometheus sends alerts to no Alertmanager" in running.stderr


def test_another_server_is_not_taken_for_prometheus(
    tmp_path: Path, url: str, answers: dict[str, Any]
) -> None:
    answers["/api/v1/rules"] = ["hello"]

    with drill(tmp_path, f"--prometheus.url={url}") as running:
        ended = running.end()

    assert ended.code == 1
    assert running.stderr == (
        "error: --prometheus.url: the answer is not Prometheus'; check the URL\n"
    )


def test_prometheus_that_does_not_read_the_folder_is_told(tmp_path: Path, url: str) -> None:
    with drill(tmp_path, f"--prometheus.url={url}", "--patience=1s") as running:
        ended = running.end()

    assert ended.code == 1
    assert "Prometheus has no such target." in running.stdout
    assert "Not seen in time: calm (no alert)." in running.stdout
    assert "warning      BitoproMarginRatioWarning         not run" in running.stdout
    assert list(tmp_path.iterdir()) == []


def test_prometheus_that_cannot_reach_us_is_told(
    tmp_path: Path, url: str, answers: dict[str, Any]
) -> None:
    answers["/api/v1/targets"]["data"]["activeTargets"].append(
        {
            "labels": {"account": "drill"},
            "health": "down",
            "lastError": "connection refused",
            "scrapeUrl": "http://10.0.0.9:10062/metrics",
        }
    )

    with drill(tmp_path, f"--prometheus.url={url}", "--patience=1s") as running:
        ended = running.end()

    assert ended.code == 1
    assert (
        "Prometheus cannot scrape http://10.0.0.9:10062/metrics: connection refused."
        in running.stdout
    )


def test_alert_that_does_not_reach_alertmanager_is_told(
    tmp_path: Path, url: str, answers: dict[str, Any]
) -> None:
    answers["/api/v1/query"]["data"]["result"].append("up")
    labels = {"alertname": "BitoproMarginRatioWarning", "account": "drill"}
    flags = [f"--prometheus.url={url}", f"--alertmanager.url={url}", "--patience=3s"]

    with drill(tmp_path, *flags) as running:
        running.printed("warning: ")
        answers["/api/v1/alerts"]["data"]["alerts"].append({"state": "firing", "labels": labels})
        ended = running.end()

    assert ended.code == 1
    assert "Prometheus sends alerts to http://127.0.0.1:9093/api: is --alertmanager.url that" in (
        running.stdout
    )
    assert "Not seen in time: warning (BitoproMarginRatioWarning)." in running.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signal_in_the_middle_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with drill(tmp_path) as running:
        until((tmp_path / TARGET_FILE).exists, "the announcement")
        code, seconds = running.end_by(number)

    assert code == 1
    assert seconds < 3
    assert "Stopped before its end, so nothing is proven." in running.stdout
    assert list(tmp_path.iterdir()) == []


def test_signal_while_prometheus_hangs_leaves_nothing_behind(
    tmp_path: Path, url: str, hanging: Hanging
) -> None:
    with drill(tmp_path, f"--prometheus.url={url}") as running:
        until((tmp_path / TARGET_FILE).exists, "the announcement")
        hanging.begins.set()
        until(hanging.has_kept_waiting.is_set, "a question without an answer")
        code, seconds = running.end_by(signal.SIGTERM)

    assert code == 1
    assert seconds < 3
    assert list(tmp_path.iterdir()) == []


def test_drill_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    command = ["nohup", *EXPORTER, "drill", FREE_PORT, f"--targets-folder={tmp_path}"]
    with Running(command, {}) as running:
        until((tmp_path / TARGET_FILE).exists, "the announcement")
        running.send(signal.SIGHUP)
        code, _ = running.end_by(signal.SIGTERM)

    assert code == 1
    assert "Stopped before its end" in running.stdout
    assert list(tmp_path.iterdir()) == []


def test_drill_whose_reader_leaves_ends_and_leaves_nothing_behind(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*EXPORTER, "drill", FREE_PORT, f"--targets-folder={tmp_path}"]
    try:
        with Running(command, {}, stdout=writer) as running:
            ended = running.end()
    finally:
        os.close(writer)

    assert ended.code == 1
    assert running.stderr == ("error: standard output: its reader has left; the drill was ended\n")
    assert list(tmp_path.iterdir()) == []


def test_second_drill_is_refused_and_leaves_the_first_ones_target(tmp_path: Path) -> None:
    path = tmp_path / TARGET_FILE
    with drill(tmp_path) as first:
        until(path.exists, "the announcement")
        announced = path.read_text()
        with drill(tmp_path) as second:
            ended = second.end()
        left = path.read_text()
        first.end_by(signal.SIGTERM)

    assert ended.code == 1
    assert second.stderr == (
        f"error: --targets-folder: {tmp_path}: another drill uses this folder; "
        "wait for its end, or name another folder\n"
    )
    assert left == announced
    assert list(tmp_path.iterdir()) == []


def test_target_of_a_killed_drill_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / TARGET_FILE
    with drill(tmp_path) as killed:
        until(path.exists, "the announcement")
        assert killed.end_by(signal.SIGKILL)[0] == -signal.SIGKILL
    assert path.exists()

    with drill(tmp_path, "--prometheus.url=http://127.0.0.1:9") as following:
        ended = following.end()

    assert ended.code == 1
    assert following.stderr.startswith(
        f"warning: removed {path}, which a drill that was killed had left behind\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [TARGET_FILE, "bitopro-margin-drill.unfinished"])
def test_drill_does_not_write_through_a_link(tmp_path: Path, name: str) -> None:
    folder, others = tmp_path / "targets", tmp_path / "others"
    folder.mkdir()
    others.write_text("precious")
    (folder / name).symlink_to(others)

    with drill(folder) as running:
        ended = running.end()

    assert ended.code == 1
    assert running.stderr == (
        f"error: --targets-folder: {folder / name} is not a regular file, and none that a drill "
        "wrote; look at it, and remove it\n"
    )
    assert others.read_text() == "precious"
    assert (folder / name).is_symlink()


def test_folder_in_the_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / TARGET_FILE).mkdir()

    with drill(tmp_path) as running:
        ended = running.end()

    assert ended.code == 1
    assert running.stderr == (
        f"error: --targets-folder: {tmp_path / TARGET_FILE} is not a regular file, and none that "
        "a drill wrote; look at it, and remove it\n"
    )


def test_file_can_be_read_by_prometheus_whatever_the_umask_is(tmp_path: Path) -> None:
    arguments = [*EXPORTER, "drill", FREE_PORT, f"--targets-folder={tmp_path}"]
    with Running(["sh", "-c", 'umask 077; exec "$@"', "sh", *arguments], {}) as running:
        until((tmp_path / TARGET_FILE).exists, "the announcement")
        mode = (tmp_path / TARGET_FILE).stat().st_mode & 0o777
        running.end_by(signal.SIGTERM)

    assert mode == 0o644


def test_announced_is_a_page_of_the_account_drill_alone(tmp_path: Path) -> None:
    with drill(tmp_path) as running:
        path = tmp_path / TARGET_FILE
        until(path.exists, "the announcement")
        ((address,),) = [each["targets"] for each in json.loads(path.read_text())]

        def polled() -> str:
            text = scrape(f"http://{address}").text
            return text if 'bitopro_margin_up{account="drill"} 1.0' in text else ""

        page = until(polled, "a poll")
        running.end_by(signal.SIGTERM)

    of_margin = [line for line in page.splitlines() if line.startswith("bitopro_margin_")]
    of_exporter = [line for line in of_margin if line.startswith("bitopro_margin_exporter_")]
    # Prices and terms are those of its simulated exchange, and of no account.
    names = tuple(f"{each.name}{{" for each in MARKET_FAMILIES)
    of_market = [line for line in of_margin if line.startswith(names)]
    others = {*of_margin} - {*of_exporter} - {*of_market}
    assert [line for line in others if 'account="drill"' not in line] == []
    assert page.count('account="') == page.count('account="drill"')


def test_whole_drill_passes() -> None:
    deliveries = Deliveries({"email": 3.0, "webhook": 12.0}, {})
    text, has_passed = verdict(_WHOLE, has_alertmanager=True, deliveries=deliveries)

    assert has_passed
    assert text == (
        "\n"
        "stage        expected                          Prometheus    Alertmanager\n"
        "calm         no alert                          after 1 s     after 2 s\n"
        "warning      BitoproMarginRatioWarning         after 1 s     after 2 s\n"
        "pace         BitoproMarginLiquidationImminent  after 1 s     after 2 s\n"
        "critical     BitoproMarginRatioCritical        after 1 s     after 2 s\n"
        "liquidation  BitoproMarginRatioLiquidation     after 1 s     after 2 s\n"
        "blindness    BitoproMarginNotProvenSafe        after 1 s     after 2 s\n"
        "recovery     no alert                          after 1 s     after 2 s\n"
        "\n"
        "Everything came, and Alertmanager delivered it: 3 by email, 12 by webhook. See that the "
        "messages reached you too.\n"
    )


@pytest.mark.parametrize(
    ("deliveries", "code", "sentence"),
    [
        (
            Deliveries({"email": 5.0, "webhook": 8.0}, {"webhook": 3.0}),
            1,
            "Alertmanager could not deliver 3 of 8 by webhook; its log names the receiver and the "
            "error. In earnest you would not have been notified.\n",
        ),
        (
            Deliveries({}, {}),
            1,
            "Alertmanager delivered nothing; see the receivers of its configuration. In earnest "
            "you would not have been notified.\n",
        ),
        (
            None,
            0,
            "Everything came to Alertmanager. Whether it delivered it, its /metrics did not tell: "
            "see that the messages reached you.\n",
        ),
    ],
    ids=["failed", "nothing", "unknown"],
)
def test_drill_says_what_alertmanager_delivered(
    deliveries: Deliveries | None, code: int, sentence: str
) -> None:
    text, has_passed = verdict(_WHOLE, has_alertmanager=True, deliveries=deliveries)

    assert (text.endswith(f"\n{sentence}"), has_passed) == (True, code == 0)


def test_deliveries_since_are_what_rose_and_all_of_what_began_anew() -> None:
    before = Deliveries({"email": 2.0, "webhook": 9.0}, {"webhook": 4.0})
    now = Deliveries({"email": 2.0, "slack": 1.0, "webhook": 5.0}, {"webhook": 4.0})

    assert now.since(before) == Deliveries({"slack": 1.0, "webhook": 5.0}, {})


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        (
            [*_WHOLE[:4], Finding(STAGES[4], 1.0, None)],
            "Not seen in time: liquidation (BitoproMarginRatioLiquidation). "
            "In earnest you would not have been notified.\n",
        ),
        (
            [*_WHOLE[:5], Finding(STAGES[5], 1.0, 2.0, was_cleared=True), _WHOLE[6]],
            "Resolved although the danger went on: BitoproMarginRatioLiquidation. "
            "In earnest you would not have been notified.\n",
        ),
        (_WHOLE[:4], "Stopped before its end, so nothing is proven.\n"),
    ],
    ids=["not seen", "cleared", "cut short"],
)
def test_drill_that_lacks_something_fails_and_says_what(
    findings: list[Finding], sentence: str
) -> None:
    text, has_passed = verdict(findings, has_alertmanager=True)

    assert not has_passed
    assert text.endswith(sentence)


def test_without_alertmanager_only_firing_is_needed() -> None:
    text, has_passed = verdict([Finding(stage, 1.0) for stage in STAGES], has_alertmanager=False)

    assert has_passed
    assert "not asked" in text
