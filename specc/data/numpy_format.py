"""NumPy's .npy and .npz files, without pickles, sizes compared before anything is allocated."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from specc.data.idx_format import DEFLATE_LIMIT
from specc.data.location import check_bytes
from specc.data.rows import Array
from specc.errors import DataError, nearest

# Bytes of a zip entry that holds nothing: what a tiny archive may exceed deflate's limit by.
SLACK = 4096
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

    def read(self, name: str) -> Array:
        """The array called `name`.

        Raises:
            DataError: there is none, or it is not an array of plain numbers within the limits.
        """
        info = self._entries.get(name)
        if info is None:
            raise DataError(
                f"{self.path}: expected an array called {name!r};{nearest(name, self._entries)}"
            )
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
    try:
        version = np.lib.format.read_magic(file)
        # Version 3.0 differs only for names of structured types, which are refused anyway.
        first = version == (1, 0)
        header = (
            np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = header(file)
    except (ValueError, SyntaxError, EOFError) as error:
        raise DataError(f"{path}: {what}expected the .npy format, {error}") from error
    if dtype.hasobject or dtype.kind not in "biufSU":
        raise DataError(
            f"{path}: {what}expected numbers, found {dtype}; Python objects are never unpickled: "
            "save an array of numbers"
        )
    wanted = math.prod(shape) * dtype.itemsize
    check_bytes(path, wanted, "an array")
    found = size - file.tell()
    if wanted != found:
        raise DataError(
            f"{path}: {what}expected {wanted:,} bytes for shape {shape}, found {found:,}; "
            "save it again"
        )
    # Raises when the file is shorter than it says, which a zip entry's checksum also shows.
    array = np.frombuffer(file.read(wanted), dtype, count=math.prod(shape))
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
