"""The ways that docs/notifications.md offers: what Alertmanager accepts, and what it then sends."""

import json
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.alerts.deployment import ALERTMANAGER_CONFIG, ROOT, TEMPLATE, Document, document
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
    kinds = [each for each in read if "receivers" not in each]
    found = {"telegram": {"telegram_configs": telegram[0]["telegram_configs"]}}
    for each in kinds:
        ((kind, (settings,)),) = each.items()
        host = re.match(r"https?://([^/]+)", str(settings.get("url", "")))
        found[host[1] if host else kind.removesuffix("_configs")] = each
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
        *("telegram", "discord", "slack", "email", "ntfy.sh", "pushover", "pagerduty"),
        *("127.0.0.1:9000", "hc-ping.com"),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_alertmanager_accepts_the_way(way: str, amtool: str, tmp_path: Path) -> None:
    path = configured(tmp_path, WAYS[way])

    subprocess.run([amtool, "check-config", path], check=True, capture_output=True)


def test_what_is_filled_in_once_is_read_by_all_three(amtool: str, tmp_path: Path) -> None:
    (block,) = [body for language, body in BLOCKS if language == "yaml" and "&mine" in body]
    text = ALERTMANAGER_CONFIG.read_text().replace("templates/*.tmpl", str(TEMPLATE))
    before, _, after = text.partition("receivers:\n")
    rest = after[after.index("  # A dead man's switch") :]
    path = tmp_path / "alertmanager.yml"
    path.write_text(f"{before}{block}\n{rest}")

    subprocess.run([amtool, "check-config", path], check=True, capture_output=True)

    receivers = {each["name"]: each for each in document(path)["receivers"]}
    assert {str(receivers[each]["telegram_configs"]) for each in _SHARED} == {
        str(WAYS["telegram"]["telegram_configs"])
    }


# Where a way is sent instead, for a test: by the setting that says where.
_ADDRESSES: Mapping[str, tuple[str, str]] = {
    "telegram": ("api_url", ""),
    "discord": ("webhook_url", "api/webhooks/123/your-token"),
    "slack": ("api_url", "services/your/own/token"),
    "pagerduty": ("url", "v2/enqueue"),
    "127.0.0.1:9000": ("url", "hooks/line"),
    "ntfy.sh": ("url", "your-long-random-topic?template=alertmanager&priority=5"),
}
_PATHS: Mapping[str, str] = {"telegram": "/bot123456:your-token/sendMessage"}
_SEVERITIES = ("critical", "warning", "info")
# What Telegram's library waits for; the others do not mind.
_ANSWER = (
    b'{"ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}}'
)


@pytest.mark.parametrize("way", _ADDRESSES)
def test_an_alert_of_each_severity_arrives_with_its_sentence(
    way: str, alertmanager: str, tmp_path: Path
) -> None:
    told = delivered(way, alertmanager, tmp_path)

    setting, path = _ADDRESSES[way]
    assert {each for each, _ in told} == {_PATHS.get(way, f"/{path}")}, setting
    for severity in _SEVERITIES:
        assert any(f"A test, {severity}." in json.dumps(body) for _, body in told), severity


def delivered(way: str, alertmanager: str, folder: Path) -> list[tuple[str, Any]]:
    """Return the path and the document of each message about three alerts."""
    told: list[tuple[str, Any]] = []

    def keep(path: str, body: bytes) -> bytes:
        told.append((path, json.loads(body)))
        return _ANSWER

    ((kind, (settings,)),) = WAYS[way].items()
    name, path = _ADDRESSES[way]
    address = free_address()
    with answering(keep, content_type="application/json") as url:
        way_here = {kind: [{**settings, name: f"{url}{path}".removesuffix("/")}]}
        with (
            running_alertmanager(alertmanager, configured(folder, way_here), folder, address),
            httpx.Client(base_url=f"http://{address}", trust_env=False) as client,
        ):
            alerts = [
                {
                    "labels": {"alertname": "Test", "severity": each, "account": each},
                    "annotations": {"summary": f"A test, {each}.", "description": "Nothing."},
                }
                for each in _SEVERITIES
            ]
            client.post("/api/v2/alerts", json=alerts).raise_for_status()
            until(lambda: len(told) >= len(_SEVERITIES) or None, f"messages by {way}", 30.0)
    return told


def test_line_is_told_what_alertmanager_sends(alertmanager: str, tmp_path: Path) -> None:
    ((hook,),) = [json.loads(body) for language, body in BLOCKS if language == "json"]
    (place,) = [
        each["name"] for each in hook["pass-arguments-to-command"] if each["source"] == "payload"
    ]

    (_, sent), *_ = delivered("127.0.0.1:9000", alertmanager, tmp_path)

    value: Any = sent
    for part in place.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    assert value in {f"A test, {each}." for each in _SEVERITIES}
    assert WAYS["127.0.0.1:9000"]["webhook_configs"][0]["url"].endswith(f"/hooks/{hook['id']}")
