"""One process at a time in a run's folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from specc.errors import RunError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class Lock:
    """Locks a folder itself, so that nothing lies in it and a killed process leaves nothing.

    Nothing is locked on Windows, and on file systems that cannot lock folders.

    Args:
        folder: the folder.
        what: is expected there, for messages.
    """

    def __init__(self, folder: Path, what: str = "a run that nobody trains") -> None:
        self._folder, self._what = folder, what
        self._handle: int | None = None

    def take(self) -> None:
        """Lock the folder, if it exists.

        Raises:
            RunError: another process has locked it.
        """
        if fcntl is None or self._handle is not None or not self._folder.is_dir():
            return
        with suppress(OSError):
            self._handle = os.open(self._folder, os.O_RDONLY)
        if self._handle is None:
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise RunError(
                f"{self._folder}: expected {self._what}, found another process at it; "
                "wait for it or stop it, or choose another folder"
            ) from error
        except OSError:
            return

    def release(self) -> None:
        """Let others have the folder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def create(self) -> None:
        """Make the folder and lock it.

        Raises:
            RunError: it cannot be made, or another process was faster.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self._folder}: expected a place where a folder can be made for the run, found "
                f"none ({error.strerror}); choose another with -o"
            ) from error
        self.take()

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
