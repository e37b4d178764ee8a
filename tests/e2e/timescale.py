"""The shipped rules and configurations with every time divided by one factor.

Nothing else is changed but addresses. Whatever is not understood is an error: a rule that kept its
own pace would be tested as something that no one runs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.alerts.deployment import (
    ALERTMANAGER_CONFIG,
    PROMETHEUS_CONFIG,
    RULE_FILES,
    TEMPLATE,
    Document,
)

_RULE_KEYS = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
_ROUTE_KEYS = {"receiver", "matchers", "group_by", "continue", "routes"}
_ROUTE_TIMES = {"group_wait", "group_interval", "repeat_interval"}
_WEBHOOKS = "http://127.0.0.1:9095/"
_NOWHERE = "http://127.0.0.1:9/"

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_RANGE = re.compile(r"\[([^\[\]]*)\]")
_OFFSET = re.compile(r"\boffset ([^\s)]+)")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
# Seconds that are written into expressions: what stands before the number, and the number.
_LITERALS = (
    ("bitopro_margin_stale_after_seconds + ", 60),
    ("bitopro_margin_last_change_timestamp_seconds) > ", 1800),
    ("4 * ", 3600),
    ("0.25 * ", 3600),
    # The age of a liquidation.
    (") < ", 3600),
    ("bitopro_margin_endpoint_last_success_timestamp_seconds < ", 900),
)
# What is no time, although it is not small: of a ratio, and to round to decimals.
_NO_TIMES = ("bitopro_margin_ad_ratio:exact < 100",)
# Seconds that stay: how old an optional answer may be. The exporter asks each of them at its own
# interval, of five minutes for one, too.
_OWN_PACE = (") > 900",)
# A smaller number in an expression is a share, a count, or seconds between two clocks.
_SMALLEST_LITERAL = 10


class HurryError(Exception):
    """What is shipped does not look as expected; timescale.py has to learn it."""


def duration(text: str, factor: float) -> str:
    """Divide a duration of Prometheus."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise HurryError(f"{text!r} is not a duration such as 5m")
    return f"{int(found[1]) * _UNITS_MS[found[2]] / factor:.0f}ms"


def rules(text: str, factor: float) -> str:
    """Divide every time in a file of rules."""
    document = yaml.safe_load(text)
    for group in document["groups"]:
        _require(group, {"name", "rules"})
        for rule in group["rules"]:
            _require(rule, _RULE_KEYS)
            for key in {"for", "keep_firing_for"} & rule.keys():
                rule[key] = duration(rule[key], factor)
            rule["expr"] = expression(rule["expr"], factor)
            annotations = rule.get("annotations", {})
            rule["annotations"] = {
                name: _selectors(each, factor) for name, each in annotations.items()
            }
    return _dumped(document)


def expression(text: str, factor: float) -> str:
    """Divide every time in an expression: ranges, offsets, and seconds that are written out."""
    bare = _OFFSET.sub("", _RANGE.sub("", _TEXT.sub("", text)))
    for before, seconds in _LITERALS:
        text = re.sub(rf"{re.escape(before)}{seconds}\b", f"{before}{seconds / factor:g}", text)
        bare = re.sub(rf"{re.escape(before)}{seconds}\b", "", bare)
    for each in (*_NO_TIMES, *_OWN_PACE):
        bare = bare.replace(each, "")
    unknown = [each for each in _NUMBER.findall(bare) if float(each) >= _SMALLEST_LITERAL]
    if unknown:
        raise HurryError(f"{', '.join(unknown)} may be seconds in {text}")
    return _selectors(text, factor)


def prometheus_config(
    *,
    exporters: Sequence[str],
    prometheus: str,
    alertmanager: str | None,
    interval: str = "1s",
) -> str:
    """Return the shipped configuration with these addresses (`host:port`), looking each second.

    `interval` may be another one, for scrapes of exporters and for rules.
    """
    document = _shipped(PROMETHEUS_CONFIG)
    _replace(document["global"], "scrape_interval", "5s", interval)
    _replace(document["global"], "scrape_timeout", "5s", interval)
    _replace(document["global"], "evaluation_interval", "5s", interval)
    targets = document["alerting"]["alertmanagers"][0]["static_configs"][0]
    _replace(targets, "targets", ["127.0.0.1:9093"], [alertmanager] if alertmanager else [])
    jobs = {job["job_name"]: job for job in document["scrape_configs"]}
    if jobs.keys() != {"bitopro-margin", "bitopro-margin-drill", "prometheus", "alertmanager"}:
        raise HurryError(f"unknown jobs: {', '.join(jobs)}")
    drill = jobs["bitopro-margin-drill"]
    _replace(drill, "scrape_interval", "5s", "1s")
    _replace(drill, "scrape_timeout", "5s", "1s")
    _replace(drill["file_sd_configs"][0], "refresh_interval", "15s", "1s")
    of_exporter = jobs["bitopro-margin"]["static_configs"][0]
    _replace(of_exporter, "targets", ["127.0.0.1:10061"], list(exporters))
    of_itself = jobs["prometheus"]["static_configs"][0]
    _replace(of_itself, "targets", ["127.0.0.1:9090"], [prometheus])
    of_alertmanager = jobs["alertmanager"]["static_configs"][0]
    _replace(of_alertmanager, "targets", ["127.0.0.1:9093"], [alertmanager] if alertmanager else [])
    return _dumped(document)


def alertmanager_config(webhooks: str, factor: float, dead: str = "") -> str:
    """Return the shipped configuration, its webhooks beginning with another URL.

    That of the receiver `dead` leads nowhere.
    """
    document = _shipped(ALERTMANAGER_CONFIG)
    for route in _routes(document["route"]):
        for key in _ROUTE_TIMES & route.keys():
            route[key] = duration(route[key], factor)
    for receiver in document["receivers"]:
        _require(receiver, {"name", "webhook_configs"})
        for webhook in receiver.get("webhook_configs", []):
            _require(webhook, {"url", "send_resolved"})
            name = receiver["name"]
            beginning = _NOWHERE if name == dead else webhooks
            _replace(webhook, "url", f"{_WEBHOOKS}{name}", beginning + name)
    return _dumped(document)


def write_all(  # noqa: PLR0913 - the addresses of everything that takes part
    folder: Path,
    factor: float,
    *,
    exporters: Sequence[str],
    prometheus: str,
    alertmanager: str | None,
    webhooks: str,
    dead: str = "",
) -> None:
    """Lay out `folder` as deploy/ is, with shorter times: prometheus/ and alertmanager/."""
    found = [before for path in RULE_FILES for before in _literals_in(path.read_text())]
    if missing := [before for before, _ in _LITERALS if before not in found]:
        raise HurryError(f"no rule holds {', '.join(missing)} any more")
    (folder / "prometheus" / "rules").mkdir(parents=True)
    (folder / "prometheus" / "targets").mkdir()
    (folder / "alertmanager" / "templates").mkdir(parents=True)
    for path in RULE_FILES:
        (folder / "prometheus" / "rules" / path.name).write_text(rules(path.read_text(), factor))
    (folder / "alertmanager" / "templates" / TEMPLATE.name).write_text(TEMPLATE.read_text())
    (folder / "prometheus" / "prometheus.yml").write_text(
        prometheus_config(
            exporters=exporters,
            prometheus=prometheus,
            alertmanager=alertmanager,
            # Without a hurry all of it is as shipped.
            interval="1s" if factor > 1.0 else "5s",
        )
    )
    (folder / "alertmanager" / "alertmanager.yml").write_text(
        alertmanager_config(webhooks, factor, dead)
    )


def _literals_in(text: str) -> list[str]:
    return [before for before, seconds in _LITERALS if f"{before}{seconds}" in text]


def _selectors(text: str, factor: float) -> str:
    text = _RANGE.sub(lambda found: f"[{duration(found[1], factor)}]", text)
    return _OFFSET.sub(lambda found: f"offset {duration(found[1], factor)}", text)


def _routes(route: Document) -> Iterator[Document]:
    _require(route, _ROUTE_KEYS | _ROUTE_TIMES)
    yield route
    for each in route.get("routes", []):
        yield from _routes(each)


def _require(mapping: Mapping[str, object], keys: set[str]) -> None:
    if unknown := mapping.keys() - keys:
        raise HurryError(f"unknown: {', '.join(unknown)}")


def _replace(mapping: Document, key: str, shipped: object, hurried: object) -> None:
    if mapping.get(key) != shipped:
        raise HurryError(f"{key} is {mapping.get(key)!r} and not {shipped!r}")
    mapping[key] = hurried


def _shipped(path: Path) -> Document:
    document: Document = yaml.safe_load(path.read_text())
    return document


def _dumped(document: Any) -> str:  # noqa: ANN401 - YAML of any shape
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000_000)
