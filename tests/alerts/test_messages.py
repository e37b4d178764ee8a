"""What a person is sent: what Alertmanager makes of alerts, its own words in both languages."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.deployment import TEMPLATE

Alert = dict[str, Any]


def alert(name: str, status: str, **labels: str) -> Alert:
    """Return an alert as Alertmanager hands it to templates."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {
            "summary": f"Summary of {name}.",
            "description": f"Description of {name}.",
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

    def __call__(
        self,
        template: str,
        alerts: Sequence[Alert],
        *,
        severity: str = "critical",
        account: str = "",
    ) -> str:
        """Render a template of the shipped file."""
        common = {"severity": severity, **({"account": account} if account else {})}
        is_firing = any(each["status"] == "firing" for each in alerts)
        data = {
            "receiver": "page",
            "status": "firing" if is_firing else "resolved",
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


def switched(template: str, language: str) -> str:
    """Return Alertmanager's template with another language; ValueError without such a switch."""
    before, switch, after = template.partition('{{ $language := "en" -}}')
    if not switch:
        raise ValueError("the template has no switch of its language")
    return f'{before}{{{{ $language := "{language}" -}}}}{after}'


@pytest.fixture
def renderers(amtool: str, tmp_path: Path) -> Mapping[str, Renderer]:
    """What renders one of the templates with alerts of one group, by the language switched to."""
    shipped = TEMPLATE.read_text()
    templates = {"en": shipped, **{each: switched(shipped, each) for each in ("zh-TW", "zh")}}
    renderers = {}
    for language, template in templates.items():
        (tmp_path / language).mkdir()
        renderers[language] = Renderer(amtool, tmp_path / language, template)
    return renderers


LIQUIDATION = alert("Liquidation", "firing", account="main")
UNPROVEN = alert("Unproven", "firing", account="main")
DOWN = alert("Down", "firing", instance="a:1")
OVER = alert("Critical", "resolved", account="main")
# Without description and dashboard.
OWN: Alert = {
    "status": "firing",
    "labels": {"alertname": "Own", "severity": "critical"},
    "annotations": {"summary": "My own.", "runbook_url": "https://wiki/own"},
    "startsAt": "2026-01-02T03:04:05Z",
}

# Alerts of a group and its account, and the titles of these in order.
GROUPS = [
    ([LIQUIDATION], "main"),
    ([LIQUIDATION, UNPROVEN], "main"),
    ([LIQUIDATION], "drill"),
    ([OVER, LIQUIDATION], "main"),
    ([DOWN], ""),
    ([OWN], ""),
    ([OVER], "main"),
    ([OVER, OVER], "main"),
]
TITLES = {
    "en": [
        "[CRITICAL] main: Summary of Liquidation.",
        "[CRITICAL] main: Summary of Liquidation. And 1 more.",
        "[DRILL] [CRITICAL] drill: Summary of Liquidation.",
        "[CRITICAL] main: Summary of Liquidation.",
        "[CRITICAL] Summary of Down.",
        "[CRITICAL] My own.",
        "[RESOLVED] main: Critical has ended.",
        "[RESOLVED] main: Critical has ended, and 1 more.",
    ],
    "zh-TW": [
        "[緊急] main: Summary of Liquidation.",
        "[緊急] main: Summary of Liquidation.另有 1 則。",
        "[演練] [緊急] drill: Summary of Liquidation.",
        "[緊急] main: Summary of Liquidation.",
        "[緊急] Summary of Down.",
        "[緊急] My own.",
        "[已解除] main: Critical 已解除。",
        "[已解除] main: Critical 已解除，另有 1 則。",
    ],
}


def test_titles(renderers: Mapping[str, Renderer]) -> None:
    assert {
        language: [
            renderers[language]("title", alerts, account=account).strip()
            for alerts, account in GROUPS
        ]
        for language in TITLES
    } == TITLES


def test_severity_in_chinese(renderers: Mapping[str, Renderer]) -> None:
    for severity, word in (("critical", "緊急"), ("warning", "警告"), ("info", "資訊")):
        title = renderers["zh-TW"]("title", [LIQUIDATION], severity=severity, account="main")

        assert title.startswith(f"[{word}] ")


TEXTS = {
    "en": (
        "FIRING: Summary of Liquidation.\n"
        "Description of Liquidation.\n"
        "Alert: Liquidation (critical), since 2026-01-02 03:04:05 UTC\n"
        "What to do: https://project/docs/runbook.md#Liquidation\n"
        "Dashboard: https://dashboard/Liquidation\n"
        "\n"
        "RESOLVED: Critical (critical) of account main, at 2026-01-02 04:05:06 UTC. "
        "It said: Summary of Critical."
    ),
    "zh-TW": (
        "觸發中：Summary of Liquidation.\n"
        "Description of Liquidation.\n"
        "警報：Liquidation（緊急），自 2026-01-02 03:04:05 UTC 起\n"
        "處理方式：https://project/docs/runbook.md#Liquidation\n"
        "儀表板：https://dashboard/Liquidation\n"
        "\n"
        "已解除：Critical（緊急），帳戶 main，時間 2026-01-02 04:05:06 UTC。"
        "原內容：Summary of Critical."
    ),
}


def test_text_tells_what_fires_and_what_has_ended(renderers: Mapping[str, Renderer]) -> None:
    assert {
        language: renderers[language]("text", [LIQUIDATION, OVER], account="main").strip()
        for language in TEXTS
    } == TEXTS


@pytest.mark.parametrize(
    ("language", "beginning", "end"),
    [
        (
            "en",
            "This is a drill. No real account is concerned",
            "alerts of another severity have messages of their own.",
        ),
        ("zh-TW", "這是演練，與任何真實帳戶無關", "其他嚴重程度的警報另有通知。"),
    ],
)
def test_text_says_first_that_it_is_a_drill_and_last_that_not_everything_is_over(
    renderers: Mapping[str, Renderer], language: str, beginning: str, end: str
) -> None:
    rendered = renderers[language]

    assert rendered("text", [LIQUIDATION], account="drill").startswith(beginning)
    assert rendered("text", [OVER], account="main").strip().endswith(end)


def test_link_is_the_dashboard_of_the_first_alert(renderers: Mapping[str, Renderer]) -> None:
    assert renderers["en"]("link", [LIQUIDATION]).strip() == "https://dashboard/Liquidation"


def test_alert_without_a_dashboard_has_no_line_for_it(renderers: Mapping[str, Renderer]) -> None:
    text = renderers["zh-TW"]("text", [OWN, LIQUIDATION])

    assert text.startswith("觸發中：My own.\n")
    assert "處理方式：https://wiki/own\n\n觸發中：Summary of Liquidation.\n" in text


def test_link_without_a_dashboard_is_the_runbook(renderers: Mapping[str, Renderer]) -> None:
    assert renderers["en"]("link", [OWN]).strip() == "https://wiki/own"


def test_language_that_is_not_known_is_english(renderers: Mapping[str, Renderer]) -> None:
    title = renderers["zh"]("title", [LIQUIDATION], account="main")

    assert title.strip() == "[CRITICAL] main: Summary of Liquidation."
