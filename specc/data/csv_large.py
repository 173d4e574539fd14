"""Comma-separated values in files that are larger than what may be in memory."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from typing_extensions import override

from specc.data.csv_block import cells
from specc.data.csv_format import (
    MAX_LINE,
    At,
    CsvTable,
    is_cut,
    parts,
    read_csv,
    rest,
    too_long,
)
from specc.data.table import LARGE, PART, PartedTable, Table


def open_csv(path: Path, delimiter: str, *, header: bool, missing: Sequence[str]) -> Table:
    """As `read_csv`, of any size: large files are read in parts, when they are asked for."""
    if path.stat().st_size > LARGE:
        return LargeCsv(path, delimiter, header=header, missing=missing)
    return read_csv(path, delimiter, header=header, missing=missing)


class LargeCsv(PartedTable):
    """A file that is larger than what may be in memory.

    Raises:
        DataError: as `read_csv`, for what the first rows tell; the rest when it is read.
    """

    def __init__(self, path: Path, delimiter: str, *, header: bool, missing: Sequence[str]) -> None:
        self.path, self._delimiter = path, delimiter
        self._header, self._missing = header, missing
        self._begin: At | None = None
        self.names = next(self.parts()).names
        self._begin = self._behind_header()

    @override
    def parts(self) -> Iterator[CsvTable]:
        at = self._begin
        if at is None:
            yield from parts(self.path, self._delimiter, self._header, self._missing, PART)
            return
        with self.path.open("rb") as file:
            file.seek(at.byte)
            while block := self._read(file, at):
                table = self._table(block, at)
                if table is None:
                    break
                at = At(at.byte + len(block), table.lines[-1])
                yield table
            else:
                return
        yield from rest(self.path, self._delimiter, self.names, self._missing, PART, at)

    def _read(self, file: IO[bytes], at: At) -> bytes:
        """The next lines, behind a place; more, where a cell in quotes goes on."""
        found = [file.read(PART)]
        found.append(self._line(file, found, at))
        is_open = sum(line.count(b'"') for line in found) % 2
        left = sum(map(len, found))
        while is_open and left > 0 and (line := self._line(file, found, at)):
            found.append(line)
            left -= len(line)
            is_open ^= line.count(b'"') % 2
        return b"".join(found)

    def _line(self, file: IO[bytes], before: Sequence[bytes], at: At) -> bytes:
        """The rest of a line, behind what was read before it from a place on."""
        line = file.readline(MAX_LINE)
        if is_cut(line):
            lines = sum(part.count(b"\n") for part in before)
            raise too_long(self.path, at.lines + lines + 1)
        return line

    def _table(self, block: bytes, at: At) -> CsvTable | None:
        """The rows of a block; None where only the module `csv` can tell."""
        found = cells(block, self._delimiter, len(self.names))
        if found is None:
            return None
        lines: list[int] = (found.lines + at.lines).tolist()
        return CsvTable(self.path, self.names, found.columns, lines, frozenset(self._missing))

    def _behind_header(self) -> At | None:
        """Where the first row begins; None when only the module `csv` can tell."""
        if not self._delimiter.isascii():
            return None
        with self.path.open("rb") as file:
            mark = file.read(len(codecs.BOM_UTF8))
            byte = len(mark) if mark == codecs.BOM_UTF8 else 0
            if not self._header:
                return At(byte, 0)
            file.seek(byte)
            line = file.readline(PART)
        try:
            cells = next(csv.reader([line.decode()], delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        names = tuple(cell.strip() for cell in cells)
        return At(byte + len(line), 1) if names == self.names else None
