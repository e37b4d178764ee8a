"""Every expression can be read, and reads only what is served or recorded."""

import re
import subprocess
from pathlib import Path

import yaml

from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.market import MARKET_FAMILIES
from exporter.metrics.negotiation import Format
from tests.alerts.deployment import ALL_RULES
from tests.alerts.names import selectors
from tests.grafana.shipped import ANNOTATIONS, QUERIES

# What Prometheus adds to every target, and to itself.
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "ALERTS"}
OF_PROCESS = set(re.findall(r"^(\w+)", ExporterMetrics().text(Format.TEXT).decode(), re.MULTILINE))
OF_EXCHANGE = {family.name for family in FAMILIES} | {family.name for family in MARKET_FAMILIES}
# Of the exporter, and why no panel reads it.
NOT_SHOWN = {
    "bitopro_margin_account_info": "the exchange's number of an account is private",
    "bitopro_margin_ad_ratio": "truncated to two decimals; the quotient of the totals is not",
    "bitopro_margin_ad_ratio_label_safe": "the label itself is shown",
    "bitopro_margin_distance_threshold_ratio": "colours are the defaults",
    "bitopro_margin_last_change_timestamp_seconds": "an alert tells when it matters",
    "bitopro_margin_last_liquidation_asset_amount": "a matter for the exchange's own list",
    "bitopro_margin_last_liquidation_debt_amount": "a matter for the exchange's own list",
    "bitopro_margin_liquidation_move_together_ratio": "stress says it in ratios",
    "bitopro_margin_stable_currency": "a setting",
}
RECORDED = {rule.name for rule in ALL_RULES if not rule.is_alert}


def test_promtool_can_read_every_expression(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": "a:b:c", "labels": {"number": str(number)}, "expr": query.with_values()}
        for number, query in enumerate([*QUERIES, *ANNOTATIONS])
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    check = subprocess.run(
        [promtool, "check", "rules", path], capture_output=True, text=True, check=False
    )

    assert check.stderr == ""
    assert f"{len(rules)} rules found" in check.stdout


def test_expressions_read_what_is_served_or_recorded() -> None:
    unknown = [
        (str(query), selector.metric)
        for query in [*QUERIES, *ANNOTATIONS]
        for selector in selectors(query.expression)
        if selector.metric not in OF_EXCHANGE | OF_PROCESS | OF_PROMETHEUS | RECORDED
    ]

    assert unknown == []


def test_panels_need_rules_for_what_was_last_known_and_is_expected_alone() -> None:
    read = {selector.metric for query in QUERIES for selector in selectors(query.expression)}

    assert read & RECORDED == {
        "account:bitopro_margin_ad_ratio:last_known",
        "account:bitopro_margin_expected:any",
    }


def test_what_the_exporter_serves_of_an_account_is_shown_but_for_what_is_named_here() -> None:
    shown = {selector.metric for query in QUERIES for selector in selectors(query.expression)}

    assert OF_EXCHANGE - shown == NOT_SHOWN.keys()
