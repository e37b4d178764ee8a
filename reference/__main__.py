"""`python -m reference`: write the generated pages into docs/."""

from pathlib import Path

from reference import PAGES

_DOCS = Path(__file__).parents[1] / "docs"

if __name__ == "__main__":
    for name, page in PAGES.items():
        (_DOCS / name).write_text(page(), encoding="utf-8")
