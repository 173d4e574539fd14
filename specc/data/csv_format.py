"""Comma-separated values as columns of text, and columns of text as numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from typing_extensions import override

from specc.data.location import check_bytes
from specc.data.rows import Array
from specc.data.table import Table
from specc.errors import DataError, Problem, cut, not_utf8

# Cells that stand for none, by default.
MISSING = ("", "NA", "NaN", "nan", "null")
# Text is held as Python strings, some 50 bytes each: a file takes about ten times its size.
MAX_FILE_BYTES = 2**30


@dataclass(frozen=True)
class CsvTable(Table):
    """Columns of text.

    Attributes:
        names: "0", "1", ... in a file without header.
        columns: cells, those that stand for none as "".
        lines: the file's line of each row.
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    @override
    def __len__(self) -> int:
        return len(self.columns[0])

    @override
    def texts(self, name: str) -> tuple[str, ...]:
        self.check(name)
        return self.columns[self.names.index(name)]

    @override
    def values(self, name: str) -> Array:
        cells = self.texts(name)
        try:
            return np.array([cell or "nan" for cell in cells], dtype=np.float64)
        except ValueError:
            row = next(row for row, cell in enumerate(cells) if cell and not is_number(cell))
            raise DataError(
                f"{self.place(row)}: column {name!r}: expected a number, found {cut(cells[row])!r};"
                " fill it, call the column a category (`columns:`), or leave it out of `features`"
            ) from None

    @override
    def place(self, row: int) -> str:
        return f"{self.path}:{self.lines[row]}"


def is_number(cell: str) -> bool:
    """Whether a cell is what NumPy reads as a number."""
    try:
        np.array((cell,), dtype=np.float64)
    except ValueError:
        return False
    return True


def read_csv(
    path: Path,
    delimiter: str = ",",
    *,
    header: bool | None = True,
    missing: Sequence[str] = ("",),
) -> CsvTable:
    """A table from a file. Rows that are empty are skipped; quotes as Excel writes them.

    Args:
        path: the file, UTF-8 with or without byte order mark.
        delimiter: one character between cells.
        header: whether the first row has the names; None: if it is not all numbers.
        missing: cells that stand for none.

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
    except UnicodeDecodeError as error:
        raise DataError(str(_undecoded(path, error))) from error
    except (OSError, csv.Error) as error:
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
    columns = tuple(
        tuple("" if (text := cell.strip()) in missing else text for cell in column)
        for column in zip(*rows, strict=True)
    )
    return CsvTable(path, names, columns, lines)


def _undecoded(path: Path, error: UnicodeDecodeError) -> Problem:
    """The place of what is no UTF-8: `error` knows only the part that was being read."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError as whole:
        error = whole
    return not_utf8(error, str(path))


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: expected a name for each column once, found {', '.join(twice)} again; "
            "without a header row say header: false"
        )
