"""What is shipped, read as data: configurations, rules, routes, runbook."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager"
PROMETHEUS_CONFIG = PROMETHEUS / "prometheus.yml"
ALERTMANAGER_CONFIG = ALERTMANAGER / "alertmanager.yml"
RULES = PROMETHEUS / "rules" / "bitopro-margin.rules.yml"
RISK_RULES = PROMETHEUS / "rules" / "bitopro-margin-risk.rules.yml"
EXPECTED_ACCOUNTS = PROMETHEUS / "rules" / "expected-accounts.rules.yml"
TEMPLATE = ALERTMANAGER / "templates" / "bitopro-margin.tmpl"
RUNBOOK = ROOT / "docs" / "runbook.md"

RULE_FILES = [RISK_RULES, RULES, EXPECTED_ACCOUNTS]
# The same alerts with texts in Chinese, to be loaded instead of the file of the same name.
CHINESE_RULE_FILES = sorted((PROMETHEUS / "rules" / "zh-TW").iterdir())

# YAML of any shape.
Document = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """A recording or alert rule."""

    name: str
    is_alert: bool
    expression: str
    labels: dict[str, str]
    annotations: dict[str, str]


def document(path: Path) -> Document:
    """Return a file of YAML."""
    loaded: Document = yaml.safe_load(path.read_text())
    return loaded


def rules_of(path: Path) -> list[Rule]:
    """Return the rules of a file, in order."""
    return [
        Rule(
            name=rule.get("alert") or rule["record"],
            is_alert="alert" in rule,
            expression=rule["expr"],
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
        )
        for group in document(path)["groups"]
        for rule in group["rules"]
    ]


ALL_RULES = [rule for path in RULE_FILES for rule in rules_of(path)]
ALERTS = {rule.name: rule for rule in ALL_RULES if rule.is_alert}
CHINESE_ALERTS = {
    rule.name: rule for path in CHINESE_RULE_FILES for rule in rules_of(path) if rule.is_alert
}


def bilingual(path: Path) -> Document:
    """Return a file of rules whose alerts have their Chinese texts too, as summary_zh and so on."""
    rules = document(path)
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                chinese = CHINESE_ALERTS[rule["alert"]].annotations
                rule["annotations"] |= {f"{name}_zh": text for name, text in chinese.items()}
    return rules
