"""The file by which Prometheus finds a drill, in a folder of targets that it watches.

A file that outlives its drill is a target that is down, and notifies people; one that is written
through a planted link is somebody else's file. One drill at a time has the folder: the kernel's
lock on it ends with its process, however that ends, so that a leftover is known as such.
"""

import errno
import fcntl
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.errors import UnableError
from exporter.telling import complain

TARGET_FILE = "bitopro-margin-drill.json"

# A name that Prometheus does not look for, so that it never reads half a file.
_UNFINISHED = "bitopro-margin-drill.unfinished"
# Prometheus is another user, whatever our umask is.
_MODE = 0o644
_ANOTHER = "another drill uses this folder; wait for its end, or name another folder"


class DrillError(UnableError):
    """The drill cannot begin or go on; the message names the flag and the cause."""


class Announcement:
    """The target file of one drill. The context is the time in which the folder is its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / TARGET_FILE
        self._folder: int | None = None
        self._published: os.stat_result | None = None

    def __enter__(self) -> Self:
        """Take the folder, and remove what a killed drill left there. Raises DrillError."""
        try:
            self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            is_locked = self._lock(self._folder)
            self._remove_leftovers(self._folder, is_locked=is_locked)
        except OSError as error:
            self._close()
            raise self._unwritable(error) from error
        except DrillError:
            self._close()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.withdraw()
        self._close()

    def publish(self, target: str) -> None:
        """Let Prometheus find `target`, a host and a port. Raises DrillError."""
        try:
            # Never an existing file, nor where a link leads.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(_UNFINISHED, flags, _MODE, dir_fd=self._folder)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, _MODE)
                self._published = os.fstat(descriptor)
                file.write(json.dumps([{"targets": [target]}]) + "\n")
            os.rename(_UNFINISHED, TARGET_FILE, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def withdraw(self) -> None:
        """Remove what was published, and nobody else's file of that name.

        May be called at any moment, even by a handler of a signal, and more than once.
        """
        if self._folder is None or self._published is None:
            return
        for name in (_UNFINISHED, TARGET_FILE):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
                if os.path.samestat(found, self._published):
                    os.unlink(name, dir_fd=self._folder)

    def _lock(self, folder: int) -> bool:
        """Tell whether the folder is locked; some network file systems cannot do it."""
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DrillError(f"--targets-folder: {self._path.parent}: {_ANOTHER}") from error
        except OSError:
            return False
        return True

    def _remove_leftovers(self, folder: int, *, is_locked: bool) -> None:
        for name in (TARGET_FILE, _UNFINISHED):
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = self._path.with_name(name)
            if not stat.S_ISREG(found.st_mode):
                raise DrillError(
                    f"--targets-folder: {path} is not a regular file, and none that a drill "
                    "wrote; look at it, and remove it"
                )
            if not is_locked:
                raise DrillError(
                    f"--targets-folder: {path} exists: either {_ANOTHER}; "
                    "or a drill was killed, and you can remove it"
                )
            os.unlink(name, dir_fd=folder)
            complain(f"warning: removed {path}, which a drill that was killed had left behind\n")

    def _close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _unwritable(self, error: OSError) -> DrillError:
        reason = "another drill came first" if error.errno == errno.EEXIST else error.strerror
        return DrillError(
            f"--targets-folder: cannot write {self._path}: {reason}; it is the folder "
            "targets/ beside the configuration of Prometheus"
        )
