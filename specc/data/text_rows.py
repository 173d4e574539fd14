"""Rows of texts in a file, each with the places where its cells begin and end."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from typing_extensions import override

from specc.data.file_rows import File
from specc.data.rows import Array, Column, Index, Rows

# Bytes that a text takes in memory beside its characters: the object, and its place in an array.
OBJECT = 57


def held_bytes(texts: Array) -> int:
    """About how many bytes an array of texts takes in memory."""
    return OBJECT * texts.size + sum(map(len, texts.ravel().tolist()))


def packed(texts: Array, begin: int) -> tuple[bytes, Array]:
    """Texts (n, ...) one after another, and where they are when they begin at byte `begin`.

    Returns:
        The bytes, and (n, cells + 1): where each cell of a row begins, and where the last ends.
    """
    cells: list[bytes] = [cell.encode("utf-8", "surrogatepass") for cell in texts.ravel().tolist()]
    count, width = len(texts), math.prod(texts.shape[1:])
    lengths = np.fromiter(map(len, cells), np.int64, len(cells)).reshape(count, width)
    ends = np.cumsum(lengths).reshape(count, width) + begin
    return b"".join(cells), np.concatenate([ends[:, :1] - lengths[:, :1], ends], axis=1)


class TextRows(Rows):
    """Texts that are read when they are asked for.

    Args:
        file: holds them as UTF-8, as `packed` lays them out.
        places: of their cells, (n, cells + 1).
        sample: the shape of a row.
    """

    def __init__(self, file: File, places: Column, sample: Sequence[int]) -> None:
        self._file, self._places = file, places
        self.shape, self.dtype = (len(places), *sample), np.dtype(np.object_)

    @override
    def take(self, rows: Index) -> Array:
        places: Array = self._places[rows]
        found = np.empty((len(rows), places.shape[1] - 1), np.object_)
        begins, lengths = places[:, 0], places[:, -1] - places[:, 0]
        content = bytearray(int(lengths.sum()))
        # Where each row stands in `content`; neighbours of the file are read at once.
        at = np.cumsum(lengths) - lengths
        firsts = np.flatnonzero(begins[1:] != places[:-1, -1]) + 1
        firsts = np.concatenate([[0], firsts]) if len(rows) else firsts
        ends = [*at[firsts[1:]].tolist(), len(content)]
        parts = [memoryview(content)[a:b] for a, b in zip(at[firsts].tolist(), ends, strict=False)]
        self._file.read(begins[firsts].tolist(), parts)
        for row, cells in enumerate((places - begins[:, np.newaxis] + at[:, np.newaxis]).tolist()):
            for column in range(found.shape[1]):
                cell = content[cells[column] : cells[column + 1]]
                found[row, column] = cell.decode("utf-8", "surrogatepass")
        return found.reshape(len(rows), *self.shape[1:])
