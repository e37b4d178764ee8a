"""What a person is sent: the texts that Alertmanager makes of alerts, in both languages."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.alerts.deployment import TEMPLATE
from tests.alerts.switch import switched


def alert(name: str, status: str, **labels: str) -> object:
    """Return an alert as Alertmanager hands it to templates."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {
            "summary": f"Summary of {name}.",
            "description": f"Description of {name}.",
            "summary_zh": f"{name}的摘要。",
            "description_zh": f"{name}的說明。",
            "runbook_url": f"https://project/docs/runbook.md#{name}",
            "dashboard_url": f"https://dashboard/{name}",
        },
        "startsAt": "2026-01-02T03:04:05Z",
        "endsAt": "2026-01-02T04:05:06Z",
    }


class Renderer:
    """Alertmanager's own templates, through its tool."""

    def __init__(self, amtool: str, folder: Path, template: str) -> None:
        self._amtool = amtool
        self._data = folder / "data.json"
        self._template = folder / TEMPLATE.name
        self._template.write_text(template)

    def __call__(self, template: str, status: str, *alerts: object, **common: str) -> str:
        """Render a template of the shipped file."""
        data = {
            "receiver": "page",
            "status": status,
            "alerts": alerts,
            "groupLabels": common,
            "commonLabels": common,
            "commonAnnotations": {},
            "externalURL": "http://alertmanager",
        }
        self._data.write_text(json.dumps(data))
        run = subprocess.run(
            [
                self._amtool,
                "template",
                "render",
                f"--template.glob={self._template}",
                f'--template.text={{{{ template "bitopro-margin.{template}" . }}}}',
                f"--template.data={self._data}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.stderr == ""
        return run.stdout


@pytest.fixture
def rendered(amtool: str, tmp_path: Path) -> Renderer:
    """What renders one of the templates with alerts of one group."""
    return Renderer(amtool, tmp_path, TEMPLATE.read_text())


@pytest.fixture
def rendered_zh(amtool: str, tmp_path: Path) -> Renderer:
    """The same, with the switch on Chinese."""
    return Renderer(amtool, tmp_path, switched(TEMPLATE.read_text(), "zh-TW"))


LIQUIDATION = alert("Liquidation", "firing", account="main")
UNPROVEN = alert("Unproven", "firing", account="main")
DOWN = alert("Down", "firing", instance="a:1")
OVER = alert("Critical", "resolved", account="main")


@pytest.mark.parametrize(
    ("status", "alerts", "account", "title"),
    [
        ("firing", [LIQUIDATION], "main", "[CRITICAL] main: Summary of Liquidation."),
        (
            "firing",
            [LIQUIDATION, UNPROVEN],
            "main",
            "[CRITICAL] main: Summary of Liquidation. And 1 more.",
        ),
        ("firing", [LIQUIDATION], "drill", "[DRILL] [CRITICAL] drill: Summary of Liquidation."),
        ("firing", [OVER, LIQUIDATION], "main", "[CRITICAL] main: Summary of Liquidation."),
        ("firing", [DOWN], "", "[CRITICAL] Summary of Down."),
        ("resolved", [OVER], "main", "[RESOLVED] main: Critical has ended."),
        ("resolved", [OVER, OVER], "main", "[RESOLVED] main: Critical has ended, and 1 more."),
    ],
)
def test_title(
    rendered: Renderer, status: str, alerts: list[object], account: str, title: str
) -> None:
    common = {"severity": "critical", **({"account": account} if account else {})}

    assert rendered("title", status, *alerts, **common).strip() == title


def test_text_tells_what_fires_and_what_has_ended(rendered: Renderer) -> None:
    text = rendered("text", "firing", LIQUIDATION, OVER, severity="critical", account="main")

    assert text.strip() == (
        "FIRING: Summary of Liquidation.\n"
        "Description of Liquidation.\n"
        "Alert: Liquidation (critical), since 2026-01-02 03:04:05 UTC\n"
        "What to do: https://project/docs/runbook.md#Liquidation\n"
        "Dashboard: https://dashboard/Liquidation\n"
        "\n"
        "RESOLVED: Critical (critical) of account main, at 2026-01-02 04:05:06 UTC. "
        "It said: Summary of Critical."
    )


def test_text_of_a_drill_says_first_that_it_is_one(rendered: Renderer) -> None:
    text = rendered("text", "firing", LIQUIDATION, severity="critical", account="drill")

    assert text.startswith("This is a drill. No real account is concerned")


def test_text_of_an_end_says_that_it_is_not_the_end_of_everything(rendered: Renderer) -> None:
    text = rendered("text", "resolved", OVER, severity="critical", account="main")

    assert text.strip().endswith("alerts of another severity have messages of their own.")


def test_link_is_the_dashboard_of_the_first_alert(rendered: Renderer) -> None:
    assert rendered("link", "firing", LIQUIDATION).strip() == "https://dashboard/Liquidation"


@pytest.mark.parametrize(
    ("status", "alerts", "account", "title"),
    [
        ("firing", [LIQUIDATION], "main", "[緊急] main: Liquidation的摘要。"),
        ("firing", [LIQUIDATION, UNPROVEN], "main", "[緊急] main: Liquidation的摘要。另有 1 則。"),
        ("firing", [LIQUIDATION], "drill", "[演練] [緊急] drill: Liquidation的摘要。"),
        ("firing", [DOWN], "", "[緊急] Down的摘要。"),
        ("resolved", [OVER], "main", "[已解除] main: Critical 已解除。"),
        ("resolved", [OVER, OVER], "main", "[已解除] main: Critical 已解除，另有 1 則。"),
    ],
)
def test_title_in_chinese(
    rendered_zh: Renderer, status: str, alerts: list[object], account: str, title: str
) -> None:
    common = {"severity": "critical", **({"account": account} if account else {})}

    assert rendered_zh("title", status, *alerts, **common).strip() == title


@pytest.mark.parametrize(
    ("severity", "word"), [("critical", "緊急"), ("warning", "警告"), ("info", "資訊")]
)
def test_severity_in_chinese(rendered_zh: Renderer, severity: str, word: str) -> None:
    title = rendered_zh("title", "firing", LIQUIDATION, severity=severity, account="main")

    assert title.startswith(f"[{word}] ")


def test_text_in_chinese_tells_what_fires_and_what_has_ended(rendered_zh: Renderer) -> None:
    text = rendered_zh("text", "firing", LIQUIDATION, OVER, severity="critical", account="main")

    assert text.strip() == (
        "觸發中：Liquidation的摘要。\n"
        "Liquidation的說明。\n"
        "警報：Liquidation（緊急），自 2026-01-02 03:04:05 UTC 起\n"
        "處理方式：https://project/docs/runbook.zh-TW.md#Liquidation\n"
        "儀表板：https://dashboard/Liquidation\n"
        "\n"
        "已解除：Critical（緊急），帳戶 main，時間 2026-01-02 04:05:06 UTC。"
        "原內容：Critical的摘要。"
    )


def test_text_of_a_drill_says_first_that_it_is_one_in_chinese(rendered_zh: Renderer) -> None:
    text = rendered_zh("text", "firing", LIQUIDATION, severity="critical", account="drill")

    assert text.startswith("這是演練，與任何真實帳戶無關")


def test_text_of_an_end_says_in_chinese_that_it_is_not_the_end_of_everything(
    rendered_zh: Renderer,
) -> None:
    text = rendered_zh("text", "resolved", OVER, severity="critical", account="main")

    assert text.strip().endswith("其他嚴重程度的警報另有通知。")


def test_alert_without_a_translation_is_told_in_english(rendered_zh: Renderer) -> None:
    own = {
        "status": "firing",
        "labels": {"alertname": "Own", "severity": "critical"},
        "annotations": {"summary": "My own.", "runbook_url": "https://wiki/own"},
        "startsAt": "2026-01-02T03:04:05Z",
    }

    assert rendered_zh("title", "firing", own, severity="critical").strip() == "[緊急] My own."
    assert "觸發中：My own.\n" in rendered_zh("text", "firing", own, severity="critical")
    assert "處理方式：https://wiki/own\n" in rendered_zh("text", "firing", own)


def test_language_that_is_not_known_is_english(amtool: str, tmp_path: Path) -> None:
    rendered = Renderer(amtool, tmp_path, switched(TEMPLATE.read_text(), "zh"))

    title = rendered("title", "firing", LIQUIDATION, severity="critical", account="main")

    assert title.strip() == "[CRITICAL] main: Summary of Liquidation."
