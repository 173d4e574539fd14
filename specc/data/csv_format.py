"""Comma-separated values as columns of text, and columns of text as numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specc.data.location import check_bytes
from specc.data.rows import Array
from specc.errors import DataError, nearest

# Text is held as Python strings, some 50 bytes each: a file takes about ten times its size.
MAX_FILE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of text, equally long.

    Attributes:
        path: where it was read from, for messages.
        names: of the columns; "0", "1", ... in a file without header.
        columns: their cells.
        lines: the file's line of each row.
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of a column.

        Raises:
            DataError: there is no such column.
        """
        if name not in self.names:
            raise DataError(f"{self.path}: expected a column {name!r};{nearest(name, self.names)}")
        return self.columns[self.names.index(name)]

    def numbers(self, name: str) -> Array:
        """A column as float64, shape (rows,).

        Raises:
            DataError: a cell is empty, no number, or beyond float32; the message has its line.
        """
        cells = self.column(name)
        try:
            values = np.array(cells, dtype=np.float64)
        except ValueError:
            row = next(row for row, cell in enumerate(cells) if not is_number(cell))
            raise DataError(
                f"{self.path}:{self.lines[row]}: column {name!r}: expected a number, "
                f"found {cells[row]!r}; fill it, or leave the column out of `features`"
            ) from None
        large = np.isfinite(values) & (abs(values) > np.finfo(np.float32).max)
        if large.any():
            row = int(large.argmax())
            raise DataError(
                f"{self.path}:{self.lines[row]}: column {name!r}: expected a number within "
                f"float32, found {cells[row]!r}; scale the column"
            )
        return values

    def matrix(self, names: Sequence[str]) -> Array:
        """Columns side by side as float32, shape (rows, columns)."""
        return np.stack([self.numbers(name) for name in names], axis=1).astype(np.float32)


def is_number(cell: str) -> bool:
    """Whether a cell is what NumPy reads as a number."""
    try:
        np.array((cell,), dtype=np.float64)
    except ValueError:
        return False
    return True


def read_csv(path: Path, delimiter: str = ",", *, header: bool | None = True) -> Table:
    """A table from a file. Rows that are empty are skipped; quotes as Excel writes them.

    Args:
        path: the file, UTF-8 with or without byte order mark.
        delimiter: one character between cells.
        header: whether the first row has the names; None: if it is not all numbers.

    Raises:
        DataError: no rows, rows of different lengths, names that repeat, not text, too large.
    """
    size = path.stat().st_size
    check_bytes(path, size)
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"{path}: expected a file of at most {MAX_FILE_BYTES:,} bytes, found {size:,}; "
            "store larger tables as .npz"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            numbered = [(row, reader.line_num) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected UTF-8 text with {delimiter!r}, {error}") from error
    if header is None:
        header = bool(numbered) and not all(is_number(cell) for cell in numbered[0][0])
    names = tuple(cell.strip() for cell in numbered.pop(0)[0]) if header and numbered else None
    if not numbered:
        raise DataError(f"{path}: expected rows of values, found none")
    rows, lines = zip(*numbered, strict=True)
    width = len(names or rows[0])
    names = names or tuple(str(i) for i in range(width))
    _check_names(path, names)
    for row, line in numbered:
        if len(row) != width:
            raise DataError(f"{path}:{line}: expected {width} cells, found {len(row)}")
    columns = tuple(tuple(cell.strip() for cell in column) for column in zip(*rows, strict=True))
    return Table(path, names, columns, lines)


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: expected a name for each column once, found {', '.join(twice)} again; "
            "without a header row say header: false"
        )
