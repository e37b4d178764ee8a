"""What is written on alerts, in both languages, as promtool renders it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from exporter.errors import REASONS
from tests.alerts.deployment import ALERTS, ALL_RULES

_QUOTED = r'(\w+)="((?:[^"\\]|\\.)*)"'
_ALERT = re.compile(r"^ +alertname: ", re.MULTILINE)
_EACH = re.compile(r"Labels:\{(.*)\}\n +Annotations:\{(.*)\}")

# Words of the series that have no other name in Chinese texts.
_NAMES = {
    *("BitoPro", "API", "NTP", "AD", "ratio", "exporter", "Prometheus", "Alertmanager", "Rules"),
    *("CDN", "accountID", "account", "exported_account", "honor_labels", "true"),
    *("ServiceMonitor", "honorLabels"),
    # Accounts of the tests, which the text on another account names.
    *("twin-1", "twin-2", "twin-3"),
    *("job", "target", "bitopro-margin", "expected-accounts.rules.yml"),
    *("BTC", "ETH", "USDT", "USDC", "TWD", "SAFETY_THRESHOLD"),
    *("NaN", "MARGIN_CALL", "web.config.file", "safe_labels"),
    *REASONS,
    *(rule.name for rule in ALL_RULES),
}
# What the exporter's log says, word for word.
_LOGGED = '"undocumented in the answer"'
_WORD = re.compile(r"[A-Za-z][\w.:/-]*")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_HAN = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"


@dataclass(frozen=True)
class Text:
    """What is written on an alert that fires. `labels` are all but its name."""

    alert: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def english(self) -> dict[str, str]:
        """Return the annotations but for the Chinese ones."""
        return {name: text for name, text in self.annotations.items() if "_zh" not in name}

    @property
    def faults(self) -> list[str]:
        """Return what is wrong with the Chinese texts, beside the English ones."""
        return [
            f"{self.alert} {dict(self.labels)}: {fault}\n  {chinese}"
            for english, chinese in (
                (self.annotations[name], self.annotations.get(f"{name}_zh", ""))
                for name in ("summary", "description")
                if name in self.annotations
            )
            for fault in _faults(self._bare(english), self._bare(chinese))
        ]

    def _bare(self, text: str) -> str:
        """Return a text without names of alerts and what the alert's labels put into it."""
        for value in [*ALERTS, *sorted(self.labels.values(), key=len, reverse=True)]:
            text = text.replace(value, "…")
        return text


def _faults(english: str, chinese: str) -> list[str]:
    numbers = [sorted(_NUMBER.findall(text)) for text in (english, chinese)]
    words = {each.rstrip(":") for each in _WORD.findall(chinese.replace(_LOGGED, ""))} - _NAMES
    found = {
        "it is missing": not re.search(_HAN, chinese),
        f"its numbers are {numbers[1]} and not {numbers[0]}": numbers[0] != numbers[1],
        f"these words are English: {sorted(words)}": bool(words),
        "it says only in one language that it is a drill": ("DRILL" in english)
        != chinese.startswith("演練，非真實帳戶："),
        "there is a gap between two characters": re.search(rf"{_HAN} +{_HAN}", chinese) is not None,
        "a template gave nothing": "<no value>" in chinese or "error" in chinese,
        "punctuation comes twice": re.search(r"[，。；：、][，。；：、]", chinese) is not None,
    }
    return [fault for fault, is_found in found.items() if is_found]


def asked_for(minutes: Iterable[int], alerts: Iterable[str] = tuple(ALERTS)) -> list[object]:
    """Return what lets promtool show alerts at these minutes: it expects what never comes."""
    never = [{"exp_labels": {"never": "expected"}}]
    return [
        {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": never}
        for minute, alert in product(minutes, alerts)
    ]


def shown(output: str) -> list[Text]:
    """Return what promtool shows of alerts."""
    return [
        Text(
            alert=each.partition(",")[0],
            labels={k: v for k, v in _pairs(labels).items() if k != "alertname"},
            annotations=_pairs(annotations),
        )
        for each in _ALERT.split(output)[1:]
        for labels, annotations in _EACH.findall(each.partition("got:[")[2])
    ]


def _pairs(text: str) -> dict[str, str]:
    # Go quotes what is here as JSON does.
    return {name: json.loads(f'"{quoted}"') for name, quoted in re.findall(_QUOTED, text)}
