"""NumPy's .npy and .npz files, without pickles, sizes compared before anything is allocated."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from specc.data.file_rows import File, FileRows
from specc.data.idx_format import DEFLATE_LIMIT
from specc.data.location import check_bytes
from specc.data.rows import Array, Column, Rows
from specc.errors import DataError, nearest

# Bytes of a zip entry that holds nothing: what a tiny archive may exceed deflate's limit by.
SLACK = 4096
# Bytes from which an array that is not packed is read row by row.
LARGE = 2**28
# What reading a damaged, encrypted or exotically packed entry raises.
UNREADABLE = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


def read_npy(path: Path) -> Array:
    """The array of a .npy file.

    Raises:
        DataError: not a .npy file, holds Python objects, truncated, or too large.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size, path, "")
    except OSError as error:
        raise DataError(f"{path}: expected a readable file, {error}") from error


def open_npy(path: Path) -> Rows:
    """The array of a .npy file of any size, whose rows are read when they are asked for.

    Raises:
        DataError: not a .npy file, holds Python objects, truncated, or has no rows one after
            another.
    """
    try:
        with path.open("rb") as file:
            return _rows(file, path, "", path.stat().st_size)
    except OSError as error:
        raise DataError(f"{path}: expected a readable file, {error}") from error


def _rows(file: IO[bytes], path: Path, what: str, end: int) -> Rows:
    """The array that begins where `file` stands and ends at the place `end`."""
    shape, fortran, dtype = _header(file, path, what)
    start = file.tell()
    _check_size(path, what, shape, math.prod(shape) * dtype.itemsize, end - start)
    if not shape or (fortran and len(shape) > 1):
        raise DataError(f"{path}: {what}expected rows one after another; save it with order C")
    return FileRows(File(path), start, shape, dtype)


class Npz:
    """The arrays of a .npz file by name, read when asked for. Use it in a `with`.

    Raises:
        DataError: not a .npz file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path}: expected a .npz file, {error}; write one with numpy.savez"
            ) from error
        self._entries = {
            info.filename.removesuffix(".npy"): info
            for info in self._zip.infolist()
            if info.filename.endswith(".npy")
        }

    def __enter__(self) -> Npz:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return tuple(self._entries)

    def _entry(self, name: str) -> zipfile.ZipInfo:
        info = self._entries.get(name)
        if info is None:
            raise DataError(
                f"{self.path}: expected an array called {name!r};{nearest(name, self._entries)}"
            )
        return info

    def column(self, name: str) -> Column:
        """The array called `name`; a large one that is not packed is read row by row.

        Raises:
            DataError: there is none, or it is not an array of plain numbers.
        """
        info = self._entry(name)
        if info.compress_type != zipfile.ZIP_STORED or info.file_size < LARGE:
            return self.read(name)
        with self.path.open("rb") as file:
            # Before the content stand 30 bytes, the name, and a field whose length is only here.
            file.seek(info.header_offset + 26)
            lengths = int.from_bytes(file.read(2), "little"), int.from_bytes(file.read(2), "little")
            file.seek(info.header_offset + 30 + sum(lengths))
            begin = file.tell()
            try:
                return _rows(file, self.path, f"array {name!r}: ", begin + info.file_size)
            except DataError:  # columns one after another; or it is damaged, which reading tells
                return self.read(name)

    def read(self, name: str) -> Array:
        """The array called `name`, in memory.

        Raises:
            DataError: there is none, or it is not an array of plain numbers within the limits.
        """
        info = self._entry(name)
        if info.file_size > info.compress_size * DEFLATE_LIMIT + SLACK:
            raise DataError(f"{self.path}: array {name!r}: found a size that nothing packs to")
        try:
            with self._zip.open(info) as file:
                return _read(file, info.file_size, self.path, f"array {name!r}: ")
        except (
            OSError,
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise DataError(
                f"{self.path}: array {name!r}: expected a readable entry, {error}"
            ) from error


def _read(file: IO[bytes], size: int, path: Path, what: str) -> Array:
    """The array at the start of `file`, whose `size` in bytes must be header and elements exactly.

    Source: the .npy format, versions 1.0 and 2.0 (numpy.lib.format).
    """
    shape, fortran, dtype = _header(file, path, what)
    wanted = math.prod(shape) * dtype.itemsize
    check_bytes(path, wanted, "an array")
    found = size - file.tell()
    _check_size(path, what, shape, wanted, found)
    # Raises when the file is shorter than it says, which a zip entry's checksum also shows.
    array = np.frombuffer(file.read(wanted), dtype, count=math.prod(shape))
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _check_size(path: Path, what: str, shape: tuple[int, ...], wanted: int, found: int) -> None:
    if wanted != found:
        raise DataError(
            f"{path}: {what}expected {wanted:,} bytes for shape {shape}, found {found:,}; "
            "save it again"
        )


def _header(file: IO[bytes], path: Path, what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, whether columns come first, element type); `file` then stands at the elements."""
    try:
        version = np.lib.format.read_magic(file)
        # Version 3.0 differs only for names of structured types, which are refused anyway.
        first = version == (1, 0)
        header = (
            np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = header(file)
    except (ValueError, SyntaxError, EOFError, tokenize.TokenError) as error:
        raise DataError(f"{path}: {what}expected the .npy format, {error}") from error
    if dtype.hasobject or dtype.kind not in "biufSU":
        raise DataError(
            f"{path}: {what}expected numbers, found {dtype}; Python objects are never unpickled: "
            "save an array of numbers"
        )
    return shape, fortran, dtype
