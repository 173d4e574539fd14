"""Rows that are made part by part: in memory while they are few, in a file of their own beyond."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO

import numpy as np

from specc.data.file_rows import File, FileRows
from specc.data.rows import Array, Column
from specc.data.text_rows import TextRows, held_bytes, packed
from specc.errors import DataError

# Bytes up to which rows stay in memory.
HELD = 2**27
# Where POSIX systems keep temporary files that may be large; /tmp is often held in memory.
LARGE_FILES = Path("/var/tmp")


class Spool:
    """Collects arrays with equal rows of numbers, or of texts (objects).

    The file has no name and vanishes with the process.
    """

    def __init__(self) -> None:
        self._parts: list[Array] = []
        self._count = self._waiting = 0
        self._file: IO[bytes] | None = None
        self._folder = _folder()
        # Of texts: how many bytes are in the file, and where in it the cells are.
        self._written = 0
        self._places: Spool | None = None

    def add(self, rows: Array) -> None:
        """Append rows of the shape and element type of the first ones.

        Raises:
            DataError: the disk is full.
        """
        self._parts.append(rows)
        self._count += len(rows)
        self._waiting += held_bytes(rows) if rows.dtype.hasobject else rows.nbytes
        if self._waiting > HELD or self._file is not None:
            self._write()

    def _write(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
            for part in self._parts:
                if part.dtype.hasobject:
                    self._file.write(self._packed(part))
                elif part.size:
                    self._file.write(np.ascontiguousarray(part).data.cast("B"))
            self._file.flush()
        except OSError as error:
            if self._file is not None:
                with contextlib.suppress(OSError):  # it would write what is left
                    self._file.close()
            raise DataError(
                f"{self._folder}: expected room for data that does not fit into memory, {error}; "
                "set TMPDIR to a folder on a larger disk"
            ) from error
        self._parts = [part[:0] for part in self._parts[:1]]
        self._waiting = 0

    def _packed(self, texts: Array) -> bytes:
        """Texts as they stand in the file; what remembers their places grows."""
        content, places = packed(texts, self._written)
        self._written += len(content)
        self._places = self._places or Spool()
        self._places.add(places)
        return content

    def column(self) -> Column:
        """All rows that were added, at least one array of them."""
        if self._file is None:
            return self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)
        sample = self._parts[0]
        file = File(Path(self._folder), self._file)
        if self._places is not None:
            return TextRows(file, self._places.column(), sample.shape[1:])
        return FileRows(file, 0, (self._count, *sample.shape[1:]), sample.dtype)


def _folder() -> str:
    if "TMPDIR" not in os.environ and LARGE_FILES.is_dir() and os.access(LARGE_FILES, os.W_OK):
        return str(LARGE_FILES)
    return tempfile.gettempdir()
