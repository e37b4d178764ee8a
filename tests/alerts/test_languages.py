"""What is written on alerts says the same in English and in Chinese."""

import re
from collections.abc import Callable, Mapping

import pytest

from tests.alerts.deployment import ALERTS, CHINESE_ALERTS
from tests.alerts.names import queries
from tests.alerts.test_alerts import OF_COMPANY, SCENARIOS, Timelines
from tests.alerts.texts import Text

# What has to be the same in a text and its translation.
FINDERS: Mapping[str, Callable[[str], list[str]]] = {
    "queries": lambda text: sorted(queries({"": text})),
    "formats": lambda text: sorted(re.findall(r'printf "%[.\w]+"|humanizePercentage', text)),
    "labels": lambda text: sorted(set(re.findall(r"(?:\$labels|\.Labels)\.\w+", text))),
}


@pytest.fixture(scope="module")
def texts(timelines: Timelines) -> list[Text]:
    """What is written on alerts of all kinds."""
    names = (*SCENARIOS, "chain", "days", "company")
    texts_of = {name: timelines[name].result().texts for name in names}
    # The other account of those days is one of numbers without sense.
    news = [text for text in texts_of["days"] if text.labels.get("account") == "news"]
    # Most texts of several accounts list names, which are English.
    several = [text for text in texts_of["company"] if text.alert in OF_COMPANY]
    return [
        *news,
        *several,
        *(text for name in (*SCENARIOS, "chain") for text in texts_of[name]),
    ]


def test_both_languages_have_the_same_queries_formats_and_labels() -> None:
    wrong = [
        (rule.name, name, what)
        for rule in ALERTS.values()
        for name in ("summary", "description")
        for what, found_in in FINDERS.items()
        if found_in(rule.annotations[name]) != found_in(CHINESE_ALERTS[rule.name].annotations[name])
    ]

    assert wrong == []


def test_texts_are_seen_in_chinese_and_say_what_the_english_says(texts: list[Text]) -> None:
    faults = [(each.alert, fault) for each in texts for fault in each.faults]

    assert faults == []
    assert ALERTS.keys() - {each.alert for each in texts} == set()


def test_summary_is_one_sentence_and_a_description_at_most_three(texts: list[Text]) -> None:
    long = [
        (each.alert, name, text)
        for each in texts
        for name, most in (("summary", 1), ("description", 3))
        for text in (each.annotations[name], each.annotations[f"{name}_zh"])
        if len(re.findall(r"[.?](?= [A-Z])|[.?]$|[。？]", text)) > most
    ]

    assert long == []


def text(english: str, chinese: str) -> Text:
    """Return an alert of the account main."""
    return Text("Alert", {"account": "main"}, {"summary": english, "summary_zh": chinese})


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("main is at 1.5, below 2.", "帳戶 main 是 1.5，低於 3。"),
        ("main is at 1.5, below 2.", "帳戶 main 是 1.5。"),
        ("Account main is safe.", "帳戶 main is 安全。"),
        ("Account main is safe.", "帳戶 main 安全， 沒有負債。"),
        ("Account main is safe.", "帳戶 main 安全，。"),
        ("Account main is safe.", ""),
        ("DRILL, no real account: main is safe.", "帳戶 main 安全。"),
    ],
)
def test_chinese_that_says_something_else_is_found(english: str, chinese: str) -> None:
    (fault, *_) = text(english, chinese).faults

    assert chinese in fault


def test_nothing_is_found_in_a_translation_that_is_right() -> None:
    assert text("main is at 1.5 (2m 0s old).", "帳戶 main 是 1.5（2 分 0 秒前）。").faults == []
