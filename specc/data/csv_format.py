"""Comma-separated values as columns of text, and columns of text as numbers."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from specc.data.encoding import undecoded
from specc.data.rows import Array
from specc.data.table import LARGE, Table
from specc.errors import DataError, cut

# Cells that stand for none, by default.
MISSING = ("", "NA", "NaN", "nan", "null")
# Rows that are read together, and what ends a line in a cell.
TOGETHER = 256
LINE_END = re.compile(r"\r\n|\r|\n")
# Text is held as Python strings, some 50 bytes each: a file takes about ten times its size. Files
# to train on may be larger, for they are read in parts.
MAX_FILE_BYTES = 2**30
# Bytes or characters of a line: what a file without line ends is not to take of memory. A file that
# is read at once may be one line.
MAX_LINE = LARGE


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
    columns: tuple[Sequence[str], ...]
    lines: Sequence[int]
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
        self.check(name)
        if not any(is_number(cell) for cell in self.missing - {"nan", "NaN"}):
            # All cells are numbers: most columns are read here, in a third of the time.
            with contextlib.suppress(ValueError):
                return np.array(self.columns[self.names.index(name)], np.float64)
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
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"{path}: expected a file of at most {MAX_FILE_BYTES:,} bytes, found {size:,}; split it"
        )
    return next(parts(path, delimiter, header, missing, size + 1))


def parts(
    path: Path, delimiter: str, header: bool | None, missing: Sequence[str], size: int
) -> Iterator[CsvTable]:
    """Tables of rows that take some `size` bytes, at least one table."""
    records = _records(path, delimiter, size)
    first = next(records, None)
    if first is not None and header is None:
        header = not all(is_number(cell) for cell in first.rows[0])
    if first is None:
        raise DataError(f"{path}: expected rows of values, found none")
    cells = first.rows[0]
    names = tuple(cell.strip() for cell in cells) if header else tuple(map(str, range(len(cells))))
    _check_names(path, names)
    if header:
        del first.rows[0], first.lines[0]
    found = False
    for each in itertools.chain([first], records):
        if each.rows:
            found = True
            yield _table(path, names, each, missing)
    if not found:
        raise DataError(f"{path}: expected rows of values, found none")


def rest(
    path: Path, delimiter: str, names: tuple[str, ...], missing: Sequence[str], size: int, at: At
) -> Iterator[CsvTable]:
    """As `parts`, from a place behind the header on."""
    for each in _records(path, delimiter, size, at):
        yield _table(path, names, each, missing)


def _table(
    path: Path, names: tuple[str, ...], records: _Records, missing: Sequence[str]
) -> CsvTable:
    for row, line in zip(records.rows, records.lines, strict=True):
        if len(row) != len(names):
            raise DataError(f"{path}:{line}: expected {len(names)} cells, found {len(row)}")
    columns = tuple(zip(*records.rows, strict=True))
    return CsvTable(path, names, columns, records.lines, frozenset(missing))


class At(NamedTuple):
    """A place in a file between two rows: its byte, and the lines before it."""

    byte: int = 0
    lines: int = 0


START = At()


class _Records(NamedTuple):
    """Rows that are not empty, and the line that each ends in."""

    rows: list[list[str]]
    lines: list[int]


def _records(path: Path, delimiter: str, size: int, at: At = START) -> Iterator[_Records]:
    """Rows that take some `size` bytes."""
    found = _Records([], [])
    begin, line = at
    reader = None
    try:
        with path.open("rb") as file:
            file.seek(begin)
            text = io.TextIOWrapper(file, "utf-8" if begin else "utf-8-sig", newline="")
            # To look at each line takes about a microsecond, and smaller files have no longer ones.
            lines = _lines(path, text, line) if path.stat().st_size > MAX_LINE else text
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            while read := list(itertools.islice(reader, TOGETHER)):
                end = at.lines + reader.line_num
                _append(found, read, line, plain=end - line == len(read))
                line = end
                if file.tell() - begin >= size and found.rows:
                    yield found
                    found, begin = _Records([], []), file.tell()
    except UnicodeDecodeError as error:
        raise undecoded(path, error) from error
    except (OSError, csv.Error) as error:
        place = str(path) if reader is None else f"{path}:{at.lines + reader.line_num}"
        raise DataError(
            f"{place}: expected cells with {delimiter!r} between them and quotes that close, found "
            f"{error}"
        ) from error
    if found.rows:
        yield found


def _lines(path: Path, text: io.TextIOWrapper, before: int) -> Iterator[str]:
    """The lines of a text, behind `before` others."""
    for number in itertools.count(before + 1):
        line = text.readline(MAX_LINE)
        if not line:
            return
        if is_cut(line):
            raise too_long(path, number)
        yield line


def is_cut(line: str | bytes) -> bool:
    """Whether there is more of a line of which `MAX_LINE` were asked for."""
    return len(line) == MAX_LINE and line[-1:] not in {"\n", "\r", b"\n"}


def too_long(path: Path, line: int) -> DataError:
    """What to raise at a line of which nobody knows where it ends."""
    return DataError(
        f"{path}:{line}: expected a line of at most {MAX_LINE:,} bytes, found a longer one; is it"
        " a table, and are there line ends?"
    )


def _append(found: _Records, read: list[list[str]], line: int, *, plain: bool) -> None:
    """Add the rows behind a line; `plain` when each is one line."""
    if plain and all(read):
        found.rows.extend(read)
        found.lines.extend(range(line + 1, line + 1 + len(read)))
        return
    for row in read:
        line += 1 + sum(len(LINE_END.findall(cell)) for cell in row)
        if row:
            found.rows.append(row)
            found.lines.append(line)


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: expected a name for each column once, found {', '.join(twice)} again; "
            "without a header row say header: false"
        )
