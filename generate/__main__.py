"""`python -m generate`: write every generated file, and remove those without a source."""

from generate import generated, leftovers

if __name__ == "__main__":
    files = generated()
    for path in leftovers(files):
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
