"""Which file a name in a spec means, and how large a file may be."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from specc.errors import DataError, MissingFileError

# One array read from a file at once, in bytes. Larger ones are read row by row, from .npy files.
MAX_BYTES = 8 * 2**30
# What relative names count from without `--data`; not the process's current folder when the data
# of a run that began in another one is read.
_current: ContextVar[Path | None] = ContextVar("_current", default=None)


@contextmanager
def counting_from(folder: Path) -> Generator[None]:
    """Within it, relative names count from `folder` where `--data` named none."""
    token = _current.set(folder)
    try:
        yield
    finally:
        _current.reset(token)


def locate(name: str, folder: Path | None, field: str) -> Path:
    """The file called `name` in `folder` (what `--data` named), else in the current folder.

    Within `counting_from` the current folder is the one that it was given. A relative name may not
    leave the folder. An absolute one is taken as written, unless `--data` was given: then it must
    lie inside.

    Args:
        name: the path in the spec.
        folder: what `--data` named.
        field: the place for messages, such as `data.npz.path`.

    Raises:
        DataError: the path leaves the folder.
        MissingFileError: there is no such file.
    """
    path = _inside(name, folder, field)
    if not path.is_file():
        raise MissingFileError(
            f"{field}: expected a file at {path}, found {'a folder' if path.is_dir() else 'none'}; "
            "put it there, or name the folder that holds it with --data"
        )
    return path


def _inside(name: str, folder: Path | None, field: str) -> Path:
    base = (_current.get() or Path.cwd()) if folder is None else folder
    path = Path(os.path.normpath(base / name))
    roots = os.path.normpath(base.absolute())
    free = folder is None and Path(name).is_absolute()
    if not free and not path.absolute().is_relative_to(roots):
        raise DataError(
            f"{field}: expected a path inside {base}, received {name!r}; "
            "name a file in that folder, or another folder with --data"
        )
    return path


def locate_folder(name: str, folder: Path | None, field: str) -> Path:
    """The folder called `name`, by the rules of `locate`.

    Raises:
        DataError: the path leaves the folder.
        MissingFileError: there is none.
    """
    path = _inside(name, folder, field)
    if not path.is_dir():
        raise MissingFileError(
            f"{field}: expected a folder at {path}, found {'a file' if path.exists() else 'none'}; "
            "put it there, or name the folder that holds it with --data"
        )
    return path


def check_bytes(path: Path, count: int, what: str = "the file") -> None:
    """Refuse what could not be held in memory, before it is allocated.

    Raises:
        DataError: `count` bytes are more than `MAX_BYTES`.
    """
    if count > MAX_BYTES:
        raise DataError(
            f"{path}: expected {what} of at most {MAX_BYTES:,} bytes, found {count:,}; "
            "split the data into smaller files"
        )
