"""Writing a file so that a crash or kill leaves the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path


def temporary(path: Path) -> Path:
    """Where the new content of `path` grows: in the same folder, hidden, one for each process."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def replace(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write `content` to `path` at once: temporary file, fsync, rename, fsync of the folder.

    On an error, also Ctrl-C, the temporary file is removed and `path` is as it was.

    Raises:
        OSError: naming `path`.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = temporary(path)
    try:
        with part.open("wb") as file:
            for chunk in (content,) if isinstance(content, bytes) else content:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:  # one of the system's
            # The user knows no temporary file.
            error.filename, error.filename2 = str(path), None
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable. Not every system can; there the rename alone has to do."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files in `folder` that processes which no longer run left behind."""
    for part in folder.glob(".*.tmp"):
        owner = part.name.removesuffix(".tmp").rpartition(".")[2]
        if owner.isdecimal() and not _alive(int(owner)):
            part.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
