"""What a receiver is sent by a real Alertmanager, in English and in Chinese."""

import json
from pathlib import Path

import httpx
import yaml

from tests.alerts.deployment import ALERTMANAGER_CONFIG, TEMPLATE, document
from tests.alerts.test_messages import switched
from tests.e2e.alerting import free_address, running_alertmanager, until
from tests.local_server import answering

ALERT = {
    "labels": {
        "alertname": "BitoproMarginRatioCritical",
        "severity": "critical",
        "account": "drill",
    },
    "annotations": {
        "summary": "DRILL, no real account: Account drill is below, at 1.2999.",
        "description": 'Repay 40,100 USDT & "act" now.',
        "runbook_url": "https://project/docs/runbook.md#bitopromarginratiocritical",
        "dashboard_url": "http://127.0.0.1:3000/d/bitopro-margin-account?var-account=drill",
    },
}
# As the Chinese rules have it.
CHINESE_ALERT = {
    **ALERT,
    "annotations": {
        "summary": "演練，非真實帳戶：帳戶 drill 已低於危險門檻，維持率為 1.2999。",
        "description": '還款 40,100 USDT，並「立刻」& "行動"。',
        "runbook_url": "https://project/docs/runbook.zh-TW.md#bitopromarginratiocritical",
    },
}
# Slack's receiver sends what the templates give, and to any address.
SLACK = {
    "title": '{{ template "bitopro-margin.title" . }}',
    "title_link": '{{ template "bitopro-margin.link" . }}',
    "text": '{{ template "bitopro-margin.text" . }}',
}


def write_config(folder: Path, template: str, receiver: str) -> Path:
    """Write the shipped configuration with another template and one receiver that listens."""
    config = document(ALERTMANAGER_CONFIG)
    config["templates"] = [str(folder / "*.tmpl")]
    for each in config["receivers"]:
        each.pop("webhook_configs", None)
    config["receivers"][0]["slack_configs"] = [{"api_url": receiver, **SLACK}]
    (folder / "shipped.tmpl").write_text(template)
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    return folder / "alertmanager.yml"


def sent(alertmanager: str, folder: Path, template: str, alert: object) -> dict[str, str]:
    """Return what a receiver is sent about an alert."""
    told: list[dict[str, str]] = []

    def keep(_: str, body: bytes) -> bytes:
        told.extend(json.loads(body)["attachments"])
        return b""

    address = free_address()
    with (
        answering(keep) as receiver,
        running_alertmanager(
            alertmanager, write_config(folder, template, receiver), folder, address
        ),
    ):
        alerts = f"http://{address}/api/v2/alerts"
        httpx.post(alerts, json=[alert], trust_env=False).raise_for_status()
        return until(lambda: told[0] if told else None, "the receiver is told", 30.0)


def test_receiver_is_told_in_english_as_shipped(alertmanager: str, tmp_path: Path) -> None:
    told = sent(alertmanager, tmp_path, TEMPLATE.read_text(), ALERT)

    assert told["title"] == (
        "[DRILL] [CRITICAL] drill: DRILL, no real account: Account drill is below, at 1.2999."
    )
    assert told["text"].startswith("This is a drill.")
    assert 'Repay 40,100 USDT & "act" now.\n' in told["text"]
    assert "docs/runbook.md#bitopromarginratiocritical\n" in told["text"]
    assert told["text"].isascii()


def test_receiver_is_told_in_chinese_by_the_chinese_rules_and_the_switch(
    alertmanager: str, tmp_path: Path
) -> None:
    told = sent(alertmanager, tmp_path, switched(TEMPLATE.read_text(), "zh-TW"), CHINESE_ALERT)

    assert told["title"] == (
        "[演練] [緊急] drill: 演練，非真實帳戶：帳戶 drill 已低於危險門檻，維持率為 1.2999。"
    )
    assert told["text"].startswith("這是演練，與任何真實帳戶無關")
    assert '\n還款 40,100 USDT，並「立刻」& "行動"。\n' in told["text"]
    assert "docs/runbook.zh-TW.md#bitopromarginratiocritical\n" in told["text"]
    assert "Repay" not in told["text"]
