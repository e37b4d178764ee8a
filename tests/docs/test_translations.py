"""A translation is looked at whenever what it translates has changed.

Each section of a translation names the English section that it follows, with a fingerprint of its
text: `<!-- Heading: 0123abcd -->`. If an English section changes, a test below shows its new
fingerprint; look at the translation, correct it, and write the new one into it.
"""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
RUNBOOK_ZH = ROOT / "docs" / "runbook.zh-TW.md"
BACKTEST = ROOT / "docs" / "backtest.md"
BACKTEST_ZH = ROOT / "docs" / "backtest.zh-TW.md"
NOTIFICATIONS = ROOT / "docs" / "notifications.md"
NOTIFICATIONS_ZH = ROOT / "docs" / "notifications.zh-TW.md"
README = ROOT / "README.md"
README_ZH = ROOT / "README.zh-TW.md"

_HEADING = re.compile(r"^#{1,3} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"^<!-- (.+): ([0-9a-f]{8}) -->$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def sections(text: str) -> list[tuple[str, str]]:
    """Return headings, each with the text up to the next one of any level."""
    # A comment in a block of code looks like a heading.
    masked = _FENCE.sub(lambda block: re.sub(r"^#", "_", block[0], flags=re.MULTILINE), text)
    starts = [found.start() for found in _HEADING.finditer(masked)]
    return [
        (found[1], text[found.end() : end])
        for found, end in zip(_HEADING.finditer(masked), [*starts[1:], None], strict=True)
    ]


def fingerprints(text: str) -> list[tuple[str, str]]:
    """Return headings, each with a fingerprint of its text however its lines are broken."""
    return [
        (heading, hashlib.sha256(" ".join(body.split()).encode()).hexdigest()[:8])
        for heading, body in sections(text)
    ]


def marks(text: str) -> list[tuple[str, str]]:
    """Return the fingerprints that a translation names."""
    return _MARK.findall(text)


def links(path: Path) -> list[tuple[Path, str]]:
    """Return the files that a document links to, each with the place in it."""
    return [
        ((path.parent / file).resolve() if file else path, place)
        for file, place in _LINK.findall(path.read_text())
    ]


def anchors(path: Path) -> set[str]:
    """Return the places in a document that links can name, as GitHub does."""
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading, _ in sections(path.read_text())
    }


@pytest.mark.parametrize(
    ("path", "translation"),
    [(RUNBOOK, RUNBOOK_ZH), (BACKTEST, BACKTEST_ZH), (NOTIFICATIONS, NOTIFICATIONS_ZH)],
    ids=["runbook", "backtest", "notifications"],
)
def test_every_section_was_looked_at_in_chinese(path: Path, translation: Path) -> None:
    assert marks(translation.read_text()) == fingerprints(path.read_text())


def test_both_backtests_tell_the_same_ratios_and_figures() -> None:
    english, chinese = (
        [re.findall(r"\d+\.\d+|\d+(?= %)", body) for _, body in sections(each.read_text())]
        for each in (BACKTEST, BACKTEST_ZH)
    )

    # Sentences may have another order.
    assert [sorted(each) for each in chinese] == [sorted(each) for each in english]
    assert commands(BACKTEST_ZH.read_text()) == commands(BACKTEST.read_text())


def test_entries_of_both_runbooks_have_the_same_headings_in_the_same_order() -> None:
    english, chinese = ([heading for heading, _ in sections(each.read_text())] for each in RUNBOOKS)

    assert chinese[1:] == english[1:]


def test_mark_of_each_entry_is_in_that_entry() -> None:
    translated = sections(RUNBOOK_ZH.read_text())[1:]

    assert [[heading] for heading, _ in translated] == [
        [name for name, _ in marks(body)] for _, body in translated
    ]


RUNBOOKS = (RUNBOOK, RUNBOOK_ZH)


def test_entries_of_both_runbooks_tell_the_same_numbers_and_names() -> None:
    english, chinese = (
        [(heading, told(body)) for heading, body in sections(each.read_text())[1:]]
        for each in RUNBOOKS
    )

    assert chinese == english


def told(body: str) -> list[str]:
    """Return numbers, words of code and links of an entry, without the marks."""
    found = re.findall(r"`[^`]+`|\]\([^)]+\)|(?<![\w.])\d+(?:\.\d+)?", _MARK.sub("", body))
    return sorted(found)


def test_points_of_an_entry_are_the_same_in_chinese() -> None:
    points = [
        re.findall(r"^- \*\*(.+?)\*\*：\S", body, re.MULTILINE)
        for _, body in sections(RUNBOOK_ZH.read_text())[1:]
    ]

    assert {tuple(each) for each in points} == {("代表", "先看", "可能原因", "處理", "忽略")}


@pytest.mark.parametrize(
    "path",
    [*RUNBOOKS, BACKTEST_ZH, NOTIFICATIONS, NOTIFICATIONS_ZH, README_ZH],
    ids=lambda path: path.name,
)
def test_links_lead_somewhere(path: Path) -> None:
    files = [file for file, _ in links(path)]

    assert [str(file) for file in files if not file.exists()] == []
    assert [
        (str(file), place)
        for file, place in links(path)
        if place and file.suffix == ".md" and place not in anchors(file)
    ] == []


@pytest.mark.parametrize(
    ("path", "other"),
    [
        (RUNBOOK, RUNBOOK_ZH),
        (RUNBOOK_ZH, RUNBOOK),
        (BACKTEST, BACKTEST_ZH),
        (BACKTEST_ZH, BACKTEST),
        (NOTIFICATIONS, NOTIFICATIONS_ZH),
        (NOTIFICATIONS_ZH, NOTIFICATIONS),
        (README, README_ZH),
        (README_ZH, README),
    ],
    ids=lambda path: path.name,
)
def test_both_languages_link_to_each_other_at_the_top(path: Path, other: Path) -> None:
    (_, top), *_ = sections(path.read_text())

    assert f"]({other.name})" in top.strip().split("\n\n", 1)[0]


def test_what_is_to_be_copied_from_both_readmes_is_the_same() -> None:
    english, chinese = (set(blocks(path.read_text())) for path in (README, README_ZH))

    assert chinese == english


def commands(text: str) -> list[str]:
    """Return the lines of shell in blocks of code, without comments."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [
        line.partition("  #")[0].strip() for block in blocks for line in block.strip().split("\n")
    ]


def test_what_is_to_be_copied_from_both_pages_on_notifications_is_the_same() -> None:
    english, chinese = (blocks(each.read_text()) for each in (NOTIFICATIONS, NOTIFICATIONS_ZH))

    assert len(english) > 10
    assert chinese == english


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the blocks of code, each with its language."""
    return re.findall(r"^ *```(\w+)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def test_change_of_a_section_changes_its_fingerprint_alone() -> None:
    before = fingerprints("# A\none\n## B\ntwo\n```\n# no heading\n```\n## C\nthree\n")
    after = fingerprints("# A\none\n## B\ntwo!\n```\n# no heading\n```\n## C\nthree\n")

    assert [heading for heading, _ in after] == ["A", "B", "C"]
    assert [now for was, now in zip(before, after, strict=True) if was != now] == [after[1]]


def test_other_breaks_of_lines_are_no_change() -> None:
    assert fingerprints("# A\none\ntwo\n") == fingerprints("# A\none two\n")
