"""Everything generated is what `make generate` would write."""

from generate import ROOT, generated, leftovers

FILES = generated()


def test_generated_files_are_current_and_have_a_source() -> None:
    stale = [path for path, text in FILES.items() if not path.exists() or path.read_text() != text]

    assert [str(path.relative_to(ROOT)) for path in (*stale, *leftovers(FILES))] == [], (
        "run: make generate"
    )
