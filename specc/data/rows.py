"""Arrays whose rows are read when they are asked for: what does not fit into memory, or need not.

A batch asks for its rows by number; everything else (shape, element type) is known without reading.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from typing_extensions import override

Array: TypeAlias = npt.NDArray[Any]
Index: TypeAlias = npt.NDArray[np.int64]


class Rows(ABC):
    """An array along its first axis.

    Attributes:
        shape: of the whole, the number of rows first.
        dtype: of the elements.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def take(self, rows: Index) -> Array:
        """The rows with these numbers, shape (len(rows), *shape[1:])."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, rows: Index | slice) -> Array:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)), dtype=np.int64)
        return self.take(rows)


# What samples consist of: an array, or one whose rows are read when they are asked for.
Column: TypeAlias = Array | Rows


class Chosen(Rows):
    """Some rows of others, in an order of their own."""

    def __init__(self, source: Rows, rows: Index) -> None:
        self._source, self._rows = source, rows
        self.shape, self.dtype = (len(rows), *source.shape[1:]), source.dtype

    @override
    def take(self, rows: Index) -> Array:
        return self._source.take(self._rows[rows])


class Stretch(Rows):
    """Consecutive rows of others."""

    def __init__(self, source: Rows, start: int, count: int) -> None:
        self._source, self._start = source, start
        self.shape, self.dtype = (count, *source.shape[1:]), source.dtype

    @override
    def take(self, rows: Index) -> Array:
        return self._source.take(rows + self._start)


class Converted(Rows):
    """Rows that a function converts when they are read.

    `convert(array, numbers)` gets rows and their numbers (for messages) and returns as many.
    The first row is converted at once, so that what does not fit is refused at once.
    """

    def __init__(self, source: Rows, convert: Callable[[Array, Index], Array]) -> None:
        self._source, self._convert = source, convert
        first = np.arange(min(1, len(source)), dtype=np.int64)
        sample = convert(source.take(first), first)
        self.shape, self.dtype = (len(source), *sample.shape[1:]), sample.dtype

    @override
    def take(self, rows: Index) -> Array:
        return self._convert(self._source.take(rows), rows)


def chosen(column: Column, rows: Index) -> Column:
    """The rows of a column at `rows`: copied from an array, looked up later otherwise."""
    return Chosen(column, rows) if isinstance(column, Rows) else column[rows]


def part(column: Column, start: int | None, stop: int | None) -> Column:
    """Consecutive rows, nothing copied."""
    if not isinstance(column, Rows):
        return column[start:stop]
    first, end, _ = slice(start, stop).indices(len(column))
    return Stretch(column, first, max(0, end - first))


def whole(column: Column) -> Array:
    """All rows, in memory."""
    return column[:] if isinstance(column, Rows) else column
