"""IDX files, plain or gzip: a big-endian header (element code, rank, lengths), then the elements.

Source: "The IDX file format", Y. LeCun, C. Cortes, C. Burges, The MNIST database.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np

from specc.data.location import check_bytes
from specc.data.rows import Array
from specc.errors import DataError

ELEMENTS: dict[int, str] = {
    0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8",
}  # fmt: skip
# No deflate stream expands further (zlib's documentation: 1032:1); more is a broken header.
DEFLATE_LIMIT = 1032
MAX_RANK = 8


def read_idx(path: Path) -> Array:
    """The array in an IDX file, in the machine's byte order.

    The header is compared with the file's size before anything of the array's size is allocated.

    Raises:
        DataError: not IDX, truncated, too long, or too large.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        size = path.stat().st_size
        if packed:
            with gzip.open(path, "rb") as file:
                return _read(cast("IO[bytes]", file), path, size * DEFLATE_LIMIT, exact=False)
        with path.open("rb") as file:
            return _read(file, path, size, exact=True)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a readable IDX file, {error}; get it again") from error


def _read(file: IO[bytes], path: Path, available: int, *, exact: bool) -> Array:
    """The array; `available` is the file's size, or what a packed file can expand to."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in ELEMENTS:  # noqa: PLR2004
        raise DataError(
            f"{path}: expected an IDX file (it starts with 0, 0, an element code and the rank), "
            f"found {magic.hex(' ') or 'nothing'}"
        )
    dtype, rank = np.dtype(ELEMENTS[magic[2]]), magic[3]
    lengths = file.read(4 * rank)
    if rank > MAX_RANK or len(lengths) < 4 * rank:
        raise DataError(f"{path}: expected an IDX header of at most {MAX_RANK} axes, found {rank}")
    shape = struct.unpack(f">{rank}I", lengths)
    wanted = math.prod(shape) * dtype.itemsize
    check_bytes(path, wanted, "an array")
    found = available - 4 - len(lengths)
    if wanted > found or (exact and wanted != found):
        raise DataError(
            f"{path}: expected {wanted:,} bytes for shape {shape}, "
            f"found {'at most ' if not exact else ''}{found:,}; get the file again"
        )
    data = file.read(wanted)
    if len(data) < wanted or file.read(1):
        raise DataError(
            f"{path}: expected {wanted:,} bytes for shape {shape}, "
            f"found {'fewer' if len(data) < wanted else 'more'}; get the file again"
        )
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
