"""What an alert consists of, and the files that Prometheus reads, made of such records."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import yaml

PREFIX = "BitoproMargin"
DEFAULT_JOB = "bitopro-margin"

Language = Literal["en", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-TW")
Severity = Literal["critical", "warning", "info", "none"]

_DOCS = "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter/blob/main/docs"
_RUNBOOKS: Mapping[Language, str] = {
    "en": f"{_DOCS}/runbook.md",
    "zh-TW": f"{_DOCS}/runbook.zh-TW.md",
}
# Nothing else is said of an account that does not exist.
_DRILL: Mapping[Language, str] = {"en": "DRILL, no real account: ", "zh-TW": "演練，非真實帳戶："}
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Text:
    """A template of Prometheus in both languages."""

    en: str
    zh: str

    def __add__(self, other: "Text") -> "Text":
        return Text(self.en + other.en, self.zh + other.zh)

    def or_else(self, other: "Text") -> "Text":
        """Return this text, a range over a query's answer, with another where that is empty."""
        return Text(_or_else(self.en, other.en), _or_else(self.zh, other.zh))

    def __getitem__(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


def _or_else(loop: str, instead: str) -> str:
    return f"{loop.removesuffix('{{ end }}')}{{{{ else }}}}{instead}{{{{ end }}}}"


class About(Enum):
    """What an alert is about: the dashboard that shows it, and its label that says of which."""

    ACCOUNT = ("bitopro-margin-account", "account")
    POLLS = ("bitopro-exporter-health", "account")
    EXPORTER = ("bitopro-exporter-health", "instance")
    CHAIN = ("bitopro-exporter-health", "")

    @property
    def page(self) -> str:
        """Return the dashboard's path at Grafana, with the label's value filled in."""
        dashboard, label = self.value
        return f"/d/{dashboard}" + (f"?var-{label}={{{{ $labels.{label} }}}}" if label else "")


@dataclass(frozen=True, slots=True)
class Links:
    """Where alerts lead, and the job that scrapes the exporter.

    `runbook_url` is a page with a heading per alert, "" for the project's own in the language of
    the texts. `dashboard_url` is Grafana's address, "" for no link: one that is dead on a phone
    would be worse.
    """

    runbook_url: str = ""
    dashboard_url: str = ""
    job: str = DEFAULT_JOB


DEFAULT_LINKS = Links()


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule. `why` is the comment above its expression."""

    name: str
    expression: str
    why: str = ""

    def rule(self, links: Links) -> Mapping[str, object]:
        """Return it as Prometheus reads it."""
        return {"record": self.name, "expr": _expression(self.expression, links)}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule, by its name without the prefix. Times are Prometheus' durations, "" for none.

    The summary is one sentence, the description at most three: all that fits a phone.
    """

    name: str
    severity: Severity
    about: About
    expression: str
    summary: Text
    description: Text
    waits: str = ""
    keeps_firing: str = ""
    why: str = ""

    @property
    def full_name(self) -> str:
        """Return the name that Prometheus, runbook and silences know."""
        return PREFIX + self.name

    def runbook(self, links: Links, language: Language) -> str:
        """Return the address of the alert's entry in the runbook."""
        return f"{links.runbook_url or _RUNBOOKS[language]}#{self.full_name.lower()}"

    def told(self, language: Language) -> str:
        """Return the summary, which begins with a warning if it is about a drill."""
        if self.about.value[1] != "account" or self.severity == "none":
            return self.summary[language]
        drill = f'{{{{ if eq $labels.account "drill" }}}}{_DRILL[language]}{{{{ end }}}}'
        return drill + self.summary[language]

    def rule(self, links: Links, language: Language) -> Mapping[str, object]:
        """Return it as Prometheus reads it."""
        return {
            "alert": self.full_name,
            "expr": _expression(self.expression, links),
            **({"for": self.waits} if self.waits else {}),
            **({"keep_firing_for": self.keeps_firing} if self.keeps_firing else {}),
            "labels": _OneLine(severity=self.severity),
            "annotations": self.annotations(links, language),
        }

    def annotations(self, links: Links, language: Language) -> Mapping[str, str]:
        """Return summary, description and links."""
        page = {"dashboard_url": links.dashboard_url + self.about.page}
        return {
            "summary": self.told(language),
            "description": self.description[language],
            "runbook_url": self.runbook(links, language),
            **(page if links.dashboard_url else {}),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that Prometheus evaluates together, in order."""

    name: str
    rules: Sequence[Recording | Alert]
    why: str = ""

    @property
    def alerts(self) -> Sequence[Alert]:
        """Return the alerts among its rules."""
        return [rule for rule in self.rules if isinstance(rule, Alert)]


def rules_file(header: str, groups: Sequence[Group], links: Links, language: Language) -> str:
    """Return a file of rules, with the records' comments."""
    return "".join([_comment(header), "\ngroups:\n", *_grouped(groups, links, language)])


def _grouped(groups: Sequence[Group], links: Links, language: Language) -> Iterator[str]:
    for number, group in enumerate(groups):
        yield "\n" if number else ""
        yield textwrap.indent(f"{_comment(group.why)}- name: {group.name}\n  rules:\n", "  ")
        for rule in group.rules:
            shape = rule.rule(links) if isinstance(rule, Recording) else rule.rule(links, language)
            yield textwrap.indent(_comment(rule.why) + _dumped([shape]), " " * 6)


def _comment(text: str) -> str:
    wrapped = textwrap.wrap(" ".join(text.split()), _WIDTH - 2) if text else []
    return "".join(f"# {line}\n" for line in wrapped)


def _expression(text: str, links: Links) -> str:
    clean = textwrap.dedent(text).strip()
    named = clean.replace(f'job="{DEFAULT_JOB}"', f'job="{links.job}"')
    return _Literal(f"{named}\n") if "\n" in named else named


class _Literal(str):
    """An expression of several lines, written as a block."""

    __slots__ = ()


class _OneLine(dict[str, str]):
    """A mapping that is written in one line."""


class _Dumper(yaml.SafeDumper):
    """Writes each value in the style that its class asks for."""


_Dumper.add_representer(
    _Literal, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|")
)
_Dumper.add_representer(
    _OneLine,
    lambda dumper, labels: dumper.represent_mapping(
        "tag:yaml.org,2002:map", labels, flow_style=True
    ),
)


def _dumped(document: object) -> str:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text
