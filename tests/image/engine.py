"""Building and running the image without a daemon: buildah, podman and runc.

No published base image is needed: Debian's own Python, bootstrapped once, stands in under the name
in FROM. Everything is kept in one folder below build/, the containers' storage included.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.process.running import until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "image-test"
TOOLS = ("buildah", "podman", "runc", "debootstrap")
IMAGE = "bitopro-margin-exporter:test"
BASE = re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]

# What a hardened deployment gives, and more: not even a shell is there.
HARDENED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--security-opt=mask=/usr/bin/dash:/usr/bin/bash",
)
# Inside of a container without the right to raise limits, podman's own would be refused.
_LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
# Where systemd is not in charge, podman cannot plan health checks; they are run by hand.
_QUIRKS = ("--log-level=fatal", "--cgroup-manager=cgroupfs", "--runtime=runc")
_STORAGE = (f"--root={FOLDER}/root", f"--runroot={FOLDER}/run", "--storage-driver=vfs")
_DEBIAN = "bookworm"
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
PATIENCE_SECONDS = 30.0


def run(*command: str | Path) -> str:
    """Run a command and give its output; fail the test if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def podman(*arguments: str) -> str:
    """Run podman on our storage, and give its output."""
    return run("podman", *_QUIRKS, *_STORAGE, *arguments).strip()


def build() -> None:
    """Build the image as the Dockerfile says, on the stand-in, from downloaded wheels alone."""
    wheels, pip_config = FOLDER / "wheels", FOLDER / "pip.conf"
    _import_base(FOLDER / "base")
    for lock in ("requirements/build.txt", "requirements/auth.txt"):
        run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes"),
            *("--only-binary", ":all:", "--dest", wheels, "--requirement", lock),
        )
    # However this machine's pip finds packages, the one in the build finds these.
    pip_config.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    run(
        *("buildah", *_STORAGE, "bud", "--isolation=chroot", "--pull-never", "--network=host"),
        *("--format=docker", f"--volume={wheels}:/wheels:ro"),
        *(f"--volume={pip_config}:/etc/pip.conf:ro", "--build-arg=VERSION=1.2.3"),
        *("--build-arg=REVISION=0123456", f"--tag={IMAGE}", "."),
    )


def _import_base(folder: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    archive = FOLDER / "base.tar"
    if not archive.exists():
        run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _DEBIAN, folder)
        unfinished = archive.with_suffix(".unfinished")
        leave_out = ("--exclude=./var/cache/apt/archives", "--exclude=./var/lib/apt/lists")
        run("tar", "-C", folder, *leave_out, "-cf", unfinished, ".")
        unfinished.rename(archive)
    podman("import", str(archive), BASE)
    # What earlier runs have left.
    podman("image", "prune", "--force")


def podman_log(container: str) -> str:
    """Return everything that a container has printed."""
    command = ["podman", *_QUIRKS, *_STORAGE, "logs", container]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def megabytes(image: str) -> float:
    """Return the size of an image with all its layers, not compressed."""
    return int(podman("image", "inspect", "--format={{.Size}}", image)) / 1e6


@dataclass(frozen=True)
class Stopped:
    """How a container ended after SIGTERM."""

    code: int
    seconds: float


class Container:
    """A hardened container without any network but its own loopback."""

    def __init__(self, *arguments: str) -> None:
        self._id = podman(
            *("run", "--detach", "--network=none", *HARDENED, *_LIMITS, IMAGE, *arguments)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        podman("rm", "--force", "--time=0", self._id)

    def python(self, code: str) -> str:
        """Run a line of Python inside, and give what it prints."""
        return podman("exec", self._id, "/opt/exporter/bin/python", "-c", code)

    def page(self) -> str:
        """Scrape it from inside, because it cannot be reached from outside."""
        url = "http://127.0.0.1:10061/metrics"
        return self.python(f"import urllib.request as u; print(u.urlopen('{url}').read().decode())")

    def is_healthy(self) -> bool:
        """Run the image's own HEALTHCHECK."""
        command = ["podman", *_QUIRKS, *_STORAGE, "healthcheck", "run", self._id]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def becomes_healthy(self) -> None:
        """Wait until it is."""
        until(self.is_healthy, "a healthy container", PATIENCE_SECONDS)

    def stop(self) -> Stopped:
        """Send SIGTERM to its first process, and wait for the end."""
        started = time.monotonic()
        podman("stop", "--time=20", self._id)
        seconds = time.monotonic() - started
        return Stopped(int(podman("inspect", "--format={{.State.ExitCode}}", self._id)), seconds)

    def ended(self) -> tuple[str, int]:
        """Wait until it ends by itself, and give its log and its exit code."""
        code = int(podman("wait", self._id))
        return podman_log(self._id), code
