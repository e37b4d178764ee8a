"""What is written on alerts says the same in English and in Chinese."""

import re

import pytest

from tests.alerts.deployment import ALERTS, Rule
from tests.alerts.names import queries
from tests.alerts.texts import Text
from tests.alerts.worlds import Timeline

each_alert = pytest.mark.parametrize("rule", ALERTS.values(), ids=lambda rule: rule.name)


@pytest.fixture(scope="module")
def texts(  # noqa: PLR0913, PLR0917 - each world has alerts that no other has
    cases: Timeline,
    late_cases: Timeline,
    risk_cases: Timeline,
    late_risk_cases: Timeline,
    chain: Timeline,
    days: Timeline,
) -> list[Text]:
    """What is written on alerts of all kinds."""
    worlds = (cases, late_cases, risk_cases, late_risk_cases, chain)
    # The other account of those days is one of numbers without sense.
    news = [text for text in days.texts if text.labels.get("account") == "news"]
    return [*news, *(text for world in worlds for text in world.texts)]


@each_alert
@pytest.mark.parametrize("name", ["summary", "description"])
def test_both_languages_ask_for_the_same_numbers(rule: Rule, name: str) -> None:
    english, chinese = ({name: rule.annotations[key]} for key in (name, f"{name}_zh"))

    assert sorted(queries(english)) == sorted(queries(chinese))


@each_alert
@pytest.mark.parametrize("name", ["summary", "description"])
def test_both_languages_write_numbers_alike(rule: Rule, name: str) -> None:
    english, chinese = (
        sorted(re.findall(r'printf "%[.\w]+"|humanizePercentage', rule.annotations[key]))
        for key in (name, f"{name}_zh")
    )

    assert english == chinese


@each_alert
@pytest.mark.parametrize("name", ["summary", "description"])
def test_both_languages_name_the_same_labels(rule: Rule, name: str) -> None:
    english, chinese = (
        set(re.findall(r"(?:\$labels|\.Labels)\.\w+", rule.annotations[key]))
        for key in (name, f"{name}_zh")
    )

    assert english == chinese


@each_alert
def test_text_is_seen_in_chinese_and_says_what_the_english_says(
    texts: list[Text], rule: Rule
) -> None:
    seen = [text for text in texts if text.alert == rule.name]

    assert seen
    assert [fault for text in seen for fault in text.faults] == []


def text(english: str, chinese: str) -> Text:
    """Give an alert of the account main."""
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
