"""Every relative link in the documentation leads to a file that is there and has that heading."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+?)\s*$", re.MULTILINE)


def pages() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],  # noqa: S607 - git is wherever it is
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return listed.stdout.decode().split()


def links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = [left or right for left, right in LINK.findall(text)]
    return [each for each in found if not re.match(r"[a-z]+:", each)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }


def is_broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(target)


@pytest.mark.parametrize("name", pages())
def test_every_link_resolves(name: str) -> None:
    page = ROOT / name

    assert [each for each in links(page) if is_broken(page, each)] == []


def test_broken_links_are_noticed(tmp_path: Path) -> None:
    assert is_broken(ROOT / "README.md", "docs/none.md")
    assert is_broken(ROOT / "README.md", "docs/dev/design.md#none")
    assert is_broken(ROOT / "README.md", str(tmp_path))
    assert not is_broken(ROOT / "README.md", "docs/dev/design.md#the-flow")
