"""Comma-separated values as columns of text, and columns of text as numbers."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from specc.data.rows import Array
from specc.data.table import LARGE, PART, PartedTable, Table
from specc.errors import DataError

# Cells that stand for none, by default.
MISSING = ("", "NA", "NaN", "nan", "null")
# Text is held as Python strings, some 50 bytes each: a file takes about ten times its size. Files
# to train on may be larger, for they are read in parts.
MAX_FILE_BYTES = 2**30


@dataclass(frozen=True)
class CsvTable(Table):
    """Columns of text.

    Attributes:
        names: "0", "1", ... in a file without header.
        columns: the cells.
        lines: the file's line of each row.
        missing: cells that stand for none.
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    missing: frozenset[str]

    @override
    def __len__(self) -> int:
        return len(self.lines)

    @override
    def texts(self, name: str) -> Sequence[str]:
        self.check(name)
        cells = map(str.strip, self.columns[self.names.index(name)])
        return ["" if cell in self.missing else cell for cell in cells]

    @override
    def values(self, name: str) -> Array:
        cells = self.texts(name)
        try:
            return np.array([cell or "nan" for cell in cells], dtype=np.float64)
        except ValueError:
            row = next(row for row, cell in enumerate(cells) if cell and not is_number(cell))
            raise DataError(
                f"{self.place(row)}: column {name!r}: expected a number, found {cells[row]!r}; "
                "fill it, call the column a category (`columns:`), or leave it out of `features`"
            ) from None

    @override
    def place(self, row: int) -> str:
        return f"{self.path}:{self.lines[row]}"


class LargeCsv(PartedTable):
    """A file that is larger than what may be in memory.

    Raises:
        DataError: as `read_csv`, for what the first rows tell; the rest when it is read.
    """

    def __init__(
        self, path: Path, delimiter: str, *, header: bool | None, missing: Sequence[str]
    ) -> None:
        self.path, self._delimiter = path, delimiter
        self._header, self._missing = header, missing
        self.names = next(self.parts()).names

    @override
    def parts(self) -> Iterator[CsvTable]:
        return _parts(self.path, self._delimiter, self._header, self._missing, PART)


def is_number(cell: str) -> bool:
    """Whether a cell is what NumPy reads as a number."""
    try:
        np.array((cell,), dtype=np.float64)
    except ValueError:
        return False
    return True


def open_csv(
    path: Path,
    delimiter: str = ",",
    *,
    header: bool | None = True,
    missing: Sequence[str] = ("",),
) -> Table:
    """As `read_csv`, of any size: large files are read in parts, when they are asked for."""
    if path.stat().st_size > LARGE:
        return LargeCsv(path, delimiter, header=header, missing=missing)
    return read_csv(path, delimiter, header=header, missing=missing)


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
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"{path}: expected a file of at most {MAX_FILE_BYTES:,} bytes, found {size:,}; split it"
        )
    return next(_parts(path, delimiter, header, missing, size + 1))


def _parts(
    path: Path, delimiter: str, header: bool | None, missing: Sequence[str], size: int
) -> Iterator[CsvTable]:
    """Tables of rows that take some `size` bytes, at least one table."""
    records = _records(path, delimiter)
    first = next(records, None)
    if first is not None and header is None:
        header = not all(is_number(cell) for cell in first.cells)
    following = next(records, None) if header else first
    if first is None or following is None:
        raise DataError(f"{path}: expected rows of values, found none")
    numbered = (str(i) for i in range(len(first.cells)))
    names = tuple(cell.strip() for cell in first.cells) if header else tuple(numbered)
    _check_names(path, names)
    empty = frozenset(missing)
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 0
    for record in itertools.chain([following], records):
        if len(record.cells) != len(names):
            raise DataError(
                f"{path}:{record.line}: expected {len(names)} cells, found {len(record.cells)}"
            )
        rows.append(record.cells)
        lines.append(record.line)
        if record.end - begin >= size:
            yield CsvTable(path, names, tuple(zip(*rows, strict=True)), tuple(lines), empty)
            rows, lines, begin = [], [], record.end
    if rows:
        yield CsvTable(path, names, tuple(zip(*rows, strict=True)), tuple(lines), empty)


class _Record(NamedTuple):
    """A row, the line it ends in, and how many bytes had been read then."""

    cells: list[str]
    line: int
    end: int


def _records(path: Path, delimiter: str) -> Iterator[_Record]:
    try:
        with path.open("rb") as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    yield _Record(row, reader.line_num, file.tell())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected UTF-8 text with {delimiter!r}, {error}") from error


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: expected a name for each column once, found {', '.join(twice)} again; "
            "without a header row say header: false"
        )
