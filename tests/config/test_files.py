"""Files that an operator names, and that are not ordinary files."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.files import Secret, path_of_content, read_regular_file, read_text_file
from exporter.errors import ConfigurationError

TERABYTE = 1 << 40


def problem(path: Path, max_bytes: int = 100) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_regular_file("--flag", path, max_bytes)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=200))
def test_content_is_read_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, max_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "content"
    path.write_bytes(content)

    if len(content) <= max_bytes:
        assert read_regular_file("--flag", path, max_bytes) == content
    else:
        assert problem(path, max_bytes) == (
            f"--flag: {path} is larger than {max_bytes} bytes; is it the right file?"
        )


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


IRREGULAR: dict[str, tuple[Callable[[Path], object], str]] = {
    "directory": (Path.mkdir, "a directory"),
    "fifo": (os.mkfifo, "a fifo, which is what <(...) makes"),
    "socket": (_socket, "a socket"),
    "endless device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "empty device": (lambda path: path.symlink_to("/dev/null"), "a device"),
}


@pytest.mark.parametrize(("make", "kind"), IRREGULAR.values(), ids=IRREGULAR)
@pytest.mark.parametrize("links", [0, 1])
def test_file_that_is_not_regular_is_refused_without_waiting(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], object],
    kind: str,
    links: int,
) -> None:
    # A socket's address is short.
    monkeypatch.chdir(tmp_path)
    make(Path("made"))
    path = Path("made")
    if links:
        path = Path("link")
        path.symlink_to("made")

    assert problem(path) == f"--flag: {path} is {kind}, and not a regular file; name a regular file"


def test_pipe_of_the_shell_is_refused(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"users")
    try:
        assert "is a fifo, which is what <(...) makes" in problem(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
        os.close(writing)
    assert list(tmp_path.iterdir()) == []


def test_links_are_followed_as_those_that_kubernetes_makes(tmp_path: Path) -> None:
    (tmp_path / "..2026_11_25").mkdir()
    (tmp_path / "..2026_11_25" / "key").write_text("a key")
    (tmp_path / "..data").symlink_to("..2026_11_25")
    (tmp_path / "key").symlink_to("..data/key")

    assert read_text_file("--flag", tmp_path / "key", 100) == "a key"


@pytest.mark.parametrize("target", ["loop", "nowhere"])
def test_link_to_nothing_is_refused_by_its_name(tmp_path: Path, target: str) -> None:
    path = tmp_path / "loop"
    path.symlink_to(target)

    assert problem(path).startswith(f"--flag: cannot read {path}: ")


def test_file_of_proc_that_claims_to_be_empty_is_read() -> None:
    assert read_regular_file("--flag", Path("/proc/self/comm"), 100) != b""


def test_endless_file_of_proc_is_refused() -> None:
    # An address that nothing is mapped at.
    assert problem(Path("/proc/self/mem")).startswith("--flag: cannot read /proc/self/mem: ")


def test_file_that_is_replaced_again_and_again_never_waits_nor_mixes(tmp_path: Path) -> None:
    """Contents, fifos and half-written files come and go at the path while it is read."""
    path, is_over = tmp_path / "file", threading.Event()
    contents = (b"a" * 5000, b"b" * 9000)

    def replace_for_ever() -> None:
        while not is_over.is_set():
            for content in contents:
                (tmp_path / "new").write_bytes(content)
                (tmp_path / "new").replace(path)
                os.mkfifo(tmp_path / "fifo")
                (tmp_path / "fifo").replace(path)

    path.write_bytes(contents[0])
    replacing = threading.Thread(target=replace_for_ever)
    replacing.start()
    read: set[bytes] = set()
    refused: set[str] = set()
    try:
        for _ in range(2000):
            try:
                read.add(read_regular_file("--flag", path, 10_000))
            except ConfigurationError as error:
                refused.add(str(error))
    finally:
        is_over.set()
        replacing.join()

    assert read <= set(contents)
    assert refused <= {
        f"--flag: {path} is a fifo, which is what <(...) makes, and not a regular file; "
        "name a regular file"
    }


def test_certificate_is_loaded_from_what_was_read(tmp_path: Path) -> None:
    with path_of_content(b"content", tmp_path / "replaced") as path:
        assert Path(path).read_bytes() == b"content"


def test_file_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        # A hole, which takes no room.
        file.truncate(TERABYTE)

    with pytest.raises(ConfigurationError, match="is larger than 4096 bytes"):
        Secret("key", file=path).read()


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "secrets" / "api-key") == (
        f"--flag: cannot read {tmp_path}/secrets/api-key: No such file or directory"
    )


@pytest.mark.parametrize("name", ["x" * 300, "0123456789abcdef", "CaNaRy", "me@example.com"])
def test_missing_file_whose_name_may_be_a_secret_is_not_shown(tmp_path: Path, name: str) -> None:
    reason = "File name too long" if len(name) > 255 else "No such file or directory"

    assert problem(tmp_path / name) == (
        f"--flag: cannot read the file that it names in {tmp_path}: {reason}"
    )


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    assert problem(tmp_path / name) == "--flag: is not the name of a file"
