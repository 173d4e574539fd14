"""Columns of a table, as texts or numbers, wherever they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from typing_extensions import override

from specc.data.rows import Array
from specc.errors import DataError, nearest

# Bytes of a file from which it is read in parts, and of a part. Cells of text take about ten times
# their size in memory.
LARGE, PART = 2**26, 2**22


class Table(ABC):
    """Columns, equally long.

    Attributes:
        path: where it was read from, for messages.
        names: of the columns.
    """

    path: Path
    names: tuple[str, ...]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def texts(self, name: str) -> Sequence[str]:
        """The cells of a column; "" where one is missing.

        Raises:
            DataError: there is no such column.
        """

    @abstractmethod
    def values(self, name: str) -> Array:
        """A column as float64, shape (rows,); NaN where a cell is missing.

        Raises:
            DataError: there is no such column, or a cell is no number; the message has its place.
        """

    @abstractmethod
    def place(self, row: int) -> str:
        """Where a row stands, for messages."""

    def parts(self) -> Iterator[Table]:
        """The table from its first row to its last: as one, unless it is large."""
        yield self

    def as_numbers(self, name: str) -> Array | None:
        """As `values`; None for a column of texts."""
        self.check(name)
        try:
            return self.values(name)
        except DataError:
            return None

    def check(self, name: str) -> None:
        """Refuse the name of a column that is not there.

        Raises:
            DataError: naming the nearest.
        """
        if name not in self.names:
            raise DataError(f"{self.path}: expected a column {name!r};{nearest(name, self.names)}")

    def numbers(self, name: str) -> Array:
        """As `values`, every cell a number within float32.

        Raises:
            DataError: a cell is missing, or too large.
        """
        values = self.values(name)
        self.present(name, ~np.isnan(values))
        self.within(name, values)
        return values

    def within(self, name: str, values: Array) -> None:
        """Refuse a column with a number that float32 cannot hold, infinity among them.

        Raises:
            DataError: naming the first.
        """
        large = abs(values) > np.finfo(np.float32).max
        if large.any():
            row = int(large.argmax())
            raise DataError(
                f"{self.place(row)}: column {name!r}: expected a number within float32, found "
                f"{values[row]}; scale the column"
            )

    def present(self, name: str, there: Array) -> None:
        """Refuse a column where a cell is missing.

        Raises:
            DataError: naming the first.
        """
        if not there.all():
            raise DataError(
                f"{self.place(int(there.argmin()))}: column {name!r}: expected a value, found none;"
                " fill it, say what stands for it (`columns:`, `missing:`), or leave the column out"
            )

    def matrix(self, names: Sequence[str]) -> Array:
        """Columns side by side as float32, shape (rows, columns)."""
        return np.stack([self.numbers(name) for name in names], axis=1).astype(np.float32)


class PartedTable(Table):
    """A table that does not fit into memory: it is read part by part, again every time."""

    @abstractmethod
    @override
    def parts(self) -> Iterator[Table]: ...

    @override
    def __len__(self) -> int:
        return sum(len(part) for part in self.parts())

    @override
    def texts(self, name: str) -> Sequence[str]:
        self.check(name)
        return [cell for part in self.parts() for cell in part.texts(name)]

    @override
    def values(self, name: str) -> Array:
        self.check(name)
        return np.concatenate([part.values(name) for part in self.parts()])

    @override
    def place(self, row: int) -> str:
        return f"{self.path}: row {row}"


def cells(table: Table, name: str) -> Array:
    """The cells of a column in memory: numbers where all of them are, else texts; shape (rows,)."""
    table.check(name)
    found = [part.as_numbers(name) for part in table.parts()]
    numbers = [part for part in found if part is not None and not np.isnan(part).any()]
    if len(numbers) == len(found):
        return np.concatenate(numbers)
    return np.concatenate([np.array(part.texts(name), np.str_) for part in table.parts()])
