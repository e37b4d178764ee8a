"""What is printed arrives, or its absence is told: full disks, readers that leave, encodings."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.simulator import Simulator
from tests.process.running import EXPORTER, ROOT, environment

FULL_DISK = "error: standard output: cannot be written: No space left on device\n"
# Each way in which a command prints and ends; the parser writes all helps alike.
LISTINGS = (
    "--help",
    "--version",
    "drill --help",
    "simulate --fault-list",
    "check --offline",
    "check",
    "once",
    "once --output=json",
    "once --output=prom",
)
SERVERS = ("demo --web.listen-address=127.0.0.1:0", "simulate --listen-address=127.0.0.1:0")


def printed(
    arguments: str,
    simulator: Simulator,
    variables: Mapping[str, str],
    stdout: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, for an account of the simulator."""
    # One key in one process at a time: they follow one another.
    return subprocess.run(
        [*EXPORTER, *arguments.split()],
        cwd=ROOT,
        env={**os.environ, **environment(simulator.base_url), **variables},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


def test_full_disk_is_told_and_is_no_success(simulator: Simulator, tmp_path: Path) -> None:
    wrong = {}
    drill = f"drill --web.listen-address=127.0.0.1:0 --targets-folder={tmp_path}"
    with Path("/dev/full").open("wb") as full:
        for each in (*LISTINGS, *SERVERS, drill):
            ended = printed(each, simulator, {}, full.fileno())
            if (ended.returncode, ended.stderr.decode()) != (1, FULL_DISK):
                wrong[each] = (ended.returncode, ended.stderr.decode())

    assert wrong == {}
    assert list(tmp_path.iterdir()) == []


def test_reader_that_left_is_no_error(simulator: Simulator) -> None:
    wrong = {}
    reader, writer = os.pipe()
    os.close(reader)
    try:
        for each in LISTINGS:
            ended = printed(each, simulator, {}, writer)
            if (ended.returncode, ended.stderr) != (0, b""):
                wrong[each] = (ended.returncode, ended.stderr.decode())
    finally:
        os.close(writer)

    assert wrong == {}


@pytest.mark.parametrize(
    ("variables", "encoding"),
    [
        ({"PYTHONIOENCODING": "cp950"}, "cp950"),
        ({"PYTHONIOENCODING": "ascii"}, "ascii"),
        ({"LC_ALL": "C"}, "utf-8"),
    ],
    ids=["cp950", "ascii", "C"],
)
def test_what_an_encoding_lacks_is_escaped(
    variables: Mapping[str, str], encoding: str, simulator: Simulator
) -> None:
    wrong = {}
    for each in LISTINGS:
        ended = printed(each, simulator, variables)
        if ended.returncode or ended.stderr or not ended.stdout.decode(encoding):
            wrong[each] = (ended.returncode, ended.stderr.decode(encoding))

    assert wrong == {}


def test_list_of_faults_shows_what_cp950_lacks_as_an_escape(simulator: Simulator) -> None:
    plain = printed("simulate --fault-list", simulator, {"PYTHONIOENCODING": "utf-8"})
    ended = printed("simulate --fault-list", simulator, {"PYTHONIOENCODING": "cp950"})

    expected = plain.stdout.decode().encode("cp950", "backslashreplace")
    assert expected != plain.stdout
    assert ended.stdout == expected
