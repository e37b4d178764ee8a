"""The ways that docs/notifications.md offers: what Alertmanager accepts, and what it then sends."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.alerts.deployment import (
    ALERTMANAGER_CONFIG,
    CHINESE_RULE_FILES,
    EXPECTED_ACCOUNTS,
    PROMETHEUS,
    ROOT,
    TEMPLATE,
    Document,
    document,
)
from tests.alerts.test_messages import switched
from tests.e2e.alerting import free_address, running_alertmanager, until
from tests.local_server import answering

PAGE = (ROOT / "docs" / "notifications.md").read_text()
BLOCKS = [
    (language, textwrap.dedent(body))
    for language, body in re.findall(r"^ *```(\w+)\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
]
_SHARED = ("page", "ticket", "note")


def ways() -> dict[str, Document]:
    """Return receivers' parts by whom they tell: those in which one is filled in for all three."""
    read = [yaml.safe_load(body) for language, body in BLOCKS if language == "yaml"]
    (telegram,) = [each["receivers"] for each in read if "receivers" in each]
    kinds = [each for each in read if all(key.endswith("_configs") for key in each)]
    found = {"telegram": {"telegram_configs": telegram[0]["telegram_configs"]}}
    for each in kinds:
        ((kind, (settings,)),) = each.items()
        address = str(settings.get("url") or settings.get("webhook_url"))
        host = re.match(r"https?://([^/]+)", address)
        is_named = kind in ("webhook_configs", "discord_configs") and host is not None
        found[host[1] if host and is_named else kind.removesuffix("_configs")] = each
    return found


WAYS = ways()


def configured(folder: Path, way: Document) -> Path:
    """Write the shipped configuration with a way for all three, told at once."""
    config = document(ALERTMANAGER_CONFIG)
    config["templates"] = [str(TEMPLATE)]
    config["receivers"] = [
        {"name": each["name"], **way} if each["name"] in _SHARED else each
        for each in config["receivers"]
    ]
    for route in config["route"]["routes"]:
        route["group_wait"] = "0s"
    config["route"]["group_wait"] = "0s"
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_page_offers_these_ways() -> None:
    assert [*WAYS] == [
        *("telegram", "discord.com", "slack", "email", "ntfy.sh", "pushover", "pagerduty"),
        *("127.0.0.1:9000", "hc-ping.com", "nosnch.in"),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_alertmanager_accepts_the_way(way: str, amtool: str, tmp_path: Path) -> None:
    path = configured(tmp_path, WAYS[way])

    subprocess.run([amtool, "check-config", path], check=True, capture_output=True)


def test_what_is_filled_in_once_is_read_by_all_three(amtool: str, tmp_path: Path) -> None:
    (block,) = [body for language, body in BLOCKS if language == "yaml" and "&mine" in body]
    text = ALERTMANAGER_CONFIG.read_text().replace("templates/*.tmpl", str(TEMPLATE))
    path = tmp_path / "alertmanager.yml"
    path.write_text(edited(text, block, "http://127.0.0.1:1"))

    subprocess.run([amtool, "check-config", path], check=True, capture_output=True)

    receivers = {each["name"]: each for each in document(path)["receivers"]}
    (settings,) = WAYS["telegram"]["telegram_configs"]
    assert [receivers[each]["telegram_configs"] for each in _SHARED] == [
        [{**settings, "api_url": "http://127.0.0.1:1"}]
    ] * len(_SHARED)


def test_token_can_stand_in_a_file_from_the_version_that_the_page_says(
    amtool: str, tmp_path: Path
) -> None:
    ((version, setting, file),) = re.findall(
        r"# from (0\.\d+),.*: (\w+): (\S+)$", PAGE, re.MULTILINE
    )
    shown = subprocess.run([amtool, "--version"], check=True, capture_output=True, text=True)
    (installed,) = re.findall(r"version (\d+\.\d+)", f"{shown.stdout}{shown.stderr}")
    (settings,) = WAYS["telegram"]["telegram_configs"]
    in_file = {key: value for key, value in settings.items() if key != "bot_token"}
    path = configured(tmp_path, {"telegram_configs": [{**in_file, setting: file}]})

    check = subprocess.run([amtool, "check-config", path], check=False, capture_output=True)

    is_new_enough = _numbers(installed) >= _numbers(version)
    assert (check.returncode == 0) == is_new_enough, check.stderr


def _numbers(version: str) -> list[int]:
    return [int(each) for each in version.split(".")]


# By way: where it is sent instead, for a test, and where in the document its title and text are.
_DELIVERIES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "telegram": ("api_url", "", {"text": "text"}),
    "discord.com": (
        "webhook_url",
        "api/webhooks/123/your-token",
        {"title": "embeds.0.title", "text": "embeds.0.description"},
    ),
    "slack": (
        "api_url",
        "services/your/own/token",
        {"title": "attachments.0.title", "text": "attachments.0.text"},
    ),
    "pagerduty": (
        "url",
        "v2/enqueue",
        {"title": "payload.summary", "severity": "payload.severity"},
    ),
    "127.0.0.1:9000": ("webhook_url", "hooks/line", {"text": "embeds.0.description"}),
    "ntfy.sh": (
        "url",
        "your-long-random-topic?template=alertmanager&priority=5",
        {"summary": "alerts.0.annotations.summary", "details": "alerts.0.annotations.description"},
    ),
}
_PATHS: Mapping[str, str] = {"telegram": "/bot123456:your-token/sendMessage"}
_SEVERITIES = ("critical", "warning", "info")
_CHAT = {"id": 123456789, "type": "private"}
# What Telegram's library waits for; the others do not mind.
_ANSWER = json.dumps({"ok": True, "result": {"message_id": 1, "date": 1, "chat": _CHAT}}).encode()


def expected(severity: str) -> dict[str, str]:
    """Return what a message says of an alert of a severity; of its text, the first lines."""
    return {
        "title": f"[{severity.upper()}] {severity}: A test, {severity}.",
        "text": f"FIRING: A test, {severity}.\nNothing is wrong.\nAlert: Test ({severity}), since ",
        "summary": f"A test, {severity}.",
        "details": "Nothing is wrong.",
        "severity": severity,
    }


@pytest.mark.parametrize("way", _DELIVERIES)
def test_an_alert_of_each_severity_arrives_with_its_title_and_text(
    way: str, alertmanager: str, tmp_path: Path
) -> None:
    setting, path, places = _DELIVERIES[way]
    ((kind, (settings,)),) = WAYS[way].items()
    # The page's own address leads to the same path.
    assert str(settings.get(setting, path)).endswith(path)

    told = delivered(kind, {**settings, setting: path}, setting, alertmanager, tmp_path)

    assert {each for each, _ in told} == {_PATHS.get(way, f"/{path}")}
    said = [{part: value(body, place) for part, place in places.items()} for _, body in told]
    for severity in _SEVERITIES:
        wanted = {part: expected(severity)[part] for part in places}
        assert any(
            each.keys() == wanted.keys()
            and all(each[part].startswith(text) for part, text in wanted.items())
            for each in said
        ), said


def value(document: Any, place: str) -> str:  # noqa: ANN401 - JSON
    """Return what stands at a place such as `alerts.0.status`, as the program webhook reads it."""
    for part in place.split("."):
        document = document[int(part)] if part.isdigit() else document[part]
    return str(document)


def delivered(
    kind: str, settings: Document, setting: str, alertmanager: str, folder: Path
) -> list[tuple[str, Any]]:
    """Return the path and the document of each message about three alerts.

    Of the way's settings, the one named `setting` is a path on this machine.
    """
    told: list[tuple[str, Any]] = []

    def keep(path: str, body: bytes) -> bytes:
        # Without a body it was no POST.
        told.append((path, json.loads(body)))
        return _ANSWER

    address = free_address()
    with answering(keep, content_type="application/json") as url:
        here = {kind: [{**settings, setting: f"{url}{settings[setting]}".removesuffix("/")}]}
        with (
            running_alertmanager(alertmanager, configured(folder, here), folder, address),
            httpx.Client(base_url=f"http://{address}", trust_env=False) as client,
        ):
            alerts = [
                {
                    "labels": {"alertname": "Test", "severity": each, "account": each},
                    "annotations": {
                        "summary": f"A test, {each}.",
                        "description": "Nothing is wrong.",
                    },
                }
                for each in _SEVERITIES
            ]
            client.post("/api/v2/alerts", json=alerts).raise_for_status()
            until(lambda: len(told) >= len(_SEVERITIES) or None, f"messages by {kind}", 30.0)
    return told


def test_line_is_sent_what_the_block_for_alertmanager_carries() -> None:
    ((hook,),) = [json.loads(body) for language, body in BLOCKS if language == "json"]
    arguments = hook["pass-arguments-to-command"]
    (settings,) = WAYS["127.0.0.1:9000"]["discord_configs"]
    (apprise,) = [
        yaml.safe_load(body)["urls"]
        for language, body in BLOCKS
        if language == "yaml" and body.startswith("urls:")
    ]

    assert [each["name"] for each in arguments if each["source"] == "payload"] == [
        _DELIVERIES["127.0.0.1:9000"][2]["text"]
    ]
    assert settings["webhook_url"].endswith(f"/hooks/{hook['id']}")
    # Otherwise a message that LINE refuses would count as delivered.
    assert hook["include-command-output-in-response"] is True
    assert [each.partition("://")[0] for each in apprise] == ["line"]
    assert f"--config={_only(r'install .* (/etc/apprise.*)$')}" in {
        each["name"] for each in arguments
    }
    assert f"Write `{_only(r'-hooks (.*)$')}`" in PAGE


def _only(pattern: str) -> str:
    (found,) = re.findall(pattern, PAGE, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("way", ["hc-ping.com", "nosnch.in"])
def test_watchdog_reaches_the_service_outside(way: str, alertmanager: str, tmp_path: Path) -> None:
    (settings,) = WAYS[way]["webhook_configs"]
    path = str(settings["url"]).partition(way)[2]
    told: list[tuple[str, str]] = []

    def keep(at: str, body: bytes) -> bytes:
        told.append((at, value(json.loads(body), "alerts.0.labels.alertname")))
        return b""

    config, address = document(ALERTMANAGER_CONFIG), free_address()
    config["templates"] = [str(TEMPLATE)]
    (heartbeat,) = [each for each in config["receivers"] if each["name"] == "heartbeat"]
    with answering(keep) as url:
        here = {**settings, "url": url.removesuffix("/") + path}
        heartbeat["webhook_configs"] = [here]
        (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))
        with running_alertmanager(alertmanager, tmp_path / "alertmanager.yml", tmp_path, address):
            labels = {"alertname": "BitoproMarginWatchdog", "severity": "none"}
            httpx.post(
                f"http://{address}/api/v2/alerts", json=[{"labels": labels}], trust_env=False
            ).raise_for_status()
            until(lambda: told or None, f"the heartbeat at {way}", 30.0)

    assert set(told) == {(path, "BitoproMarginWatchdog")}


def test_rules_and_template_can_be_switched_to_chinese_as_the_page_says(
    promtool: str, tmp_path: Path
) -> None:
    (block,) = [body for language, body in BLOCKS if body.startswith("rule_files:")]
    (line,) = re.findall(r"^\{\{- define .*$", PAGE, re.MULTILINE)
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "prometheus.yml"
    text, count = re.subn(
        r"^rule_files:\n(?:  - .*\n)+", block, path.read_text(), flags=re.MULTILINE
    )
    path.write_text(text)

    check = subprocess.run([promtool, "check", "config", path], check=False, capture_output=True)

    assert (count, check.returncode, check.stderr) == (1, 0, b"")
    loaded = {
        each for pattern in yaml.safe_load(block)["rule_files"] for each in PROMETHEUS.glob(pattern)
    }
    assert loaded == {EXPECTED_ACCOUNTS, *CHINESE_RULE_FILES}
    assert line in switched(TEMPLATE.read_text(), "zh-TW").splitlines()


class Follower:
    """The reader of the ten steps on this machine: /etc/prometheus is a folder, sudo is nothing."""

    def __init__(self, folder: Path, telegram: str, alertmanager: str) -> None:
        self.etc = folder / "etc"
        self.etc.mkdir()
        self._folder = folder
        self._instead = {
            "sudo ": "",
            "/etc/prometheus": str(self.etc),
            "root:prometheus": f"{os.getuid()}:{os.getgid()}",
            "https://api.telegram.org/": telegram,
            "http://127.0.0.1:9093": f"http://{alertmanager}",
            "systemctl restart prometheus prometheus-alertmanager": "true",
        }

    def runs(self, commands: str, typed: str = "") -> str:
        """Run commands as they are written but for names of this machine; return the output."""
        for written, here in self._instead.items():
            commands = commands.replace(written, here)
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-e", "-c", commands],
            cwd=self._folder,
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_PROXY": "*"},
            input=typed.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stderr.decode()}"
        return done.stdout.decode()


def test_ten_steps_end_with_a_message(
    alertmanager: str, amtool: str, promtool: str, tmp_path: Path
) -> None:
    assert (amtool, promtool) == (shutil.which("amtool"), shutil.which("promtool"))
    part = PAGE.partition("## Telegram in ten steps")[2].partition("\nTwo things are left.")[0]
    steps = re.split(r"^\d+\. ", part, flags=re.MULTILINE)[1:]
    blocks = {
        number: textwrap.dedent(body)
        for number, step in enumerate(steps, start=1)
        for body in re.findall(r"^ *```\w+\n(.*?)^ *```$", step, re.MULTILINE | re.DOTALL)
    }
    (assets,) = re.findall(r"`(bitopro-margin-exporter assets .*?)`", steps[1])
    told: list[tuple[str, bytes]] = []

    def telegram(path: str, body: bytes) -> bytes:
        told.append((path, body))
        if path.endswith("/getUpdates"):
            return json.dumps(
                {"ok": True, "result": [{"message": {"chat": _CHAT}}]}, separators=(",", ":")
            ).encode()
        return _ANSWER

    address = free_address()
    with answering(telegram, content_type="application/json") as url:
        follower = Follower(tmp_path, url, address)
        config = follower.etc / "alertmanager.yml"
        follower.runs(assets)
        follower.runs(blocks[3])
        mode = config.stat().st_mode & 0o777
        chat = follower.runs(blocks[6], typed="123456:your-token\n")
        config.write_text(edited(config.read_text(), blocks[7], url))
        follower.runs(blocks[8])
        with running_alertmanager(alertmanager, config, tmp_path, address):
            follower.runs(blocks[9])
            until(lambda: len(told) > 1 or None, "the message", 30.0)

    assert len(steps) == 10
    assert mode == 0o640
    assert chat == f'"chat":{{"id":{_CHAT["id"]}\n'
    (asked, _), (sent, body), *_ = told
    assert asked == "/bot123456:your-token/getUpdates"
    assert sent == "/bot123456:your-token/sendMessage"
    message = json.loads(body)
    assert str(message["chat_id"]) == str(_CHAT["id"])
    assert message["text"].startswith("FIRING: This is a test.\n")


def edited(config: str, receivers: str, telegram: str) -> str:
    """Return a configuration after step 7, with another server in the place of Telegram's."""
    before, _, after = config.partition("receivers:\n")
    rest = after[after.index("  # A dead man's switch") :]
    here = receivers.replace("chat_id:", f"api_url: {telegram.removesuffix('/')}\n        chat_id:")
    return f"{before}{here}\n{rest}"
