"""Tables of the library pyarrow: Parquet files, Feather and Arrow files, dataset folders."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from typing_extensions import override

from specc.data.rows import Array
from specc.data.table import LARGE, PART, PartedTable, Table
from specc.errors import DataError, cut

# Bytes of a Parquet column that are read at once.
READ = 2**20


class ArrowTable(Table):
    """Columns of an Arrow table; its first row is number `first` of the file."""

    def __init__(
        self,
        path: Path,
        table: Any,  # noqa: ANN401 - the package has no types
        missing: Sequence[str] = ("",),
        first: int = 0,
    ) -> None:
        self.path, self._first = path, first
        self.names = tuple(str(name) for name in table.column_names)
        self._table, self._missing = table, frozenset(missing)
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice or not len(table):
            what = f"found {cut(twice[0])!r} again" if twice else "found no rows"
            raise DataError(f"{path}: expected rows, and a name for each column once, {what}")

    @override
    def __len__(self) -> int:
        return len(self._table)

    def _column(self, name: str) -> Any:  # noqa: ANN401 - the package has no types
        self.check(name)
        return self._table.column(name)

    @override
    def texts(self, name: str) -> Sequence[str]:
        column = self._column(name)
        names = self._class_names(name)
        try:
            cells: list[str | None] = column.cast("string").to_pylist()
        except _errors() as error:
            raise DataError(f"{self.path}: column {name!r}: expected texts, {error}") from error
        if names is not None:
            cells = [None if cell is None else names[int(cell)] for cell in cells]
        return ["" if cell is None or cell in self._missing else cell for cell in cells]

    @override
    def values(self, name: str) -> Array:
        column = self._column(name)
        try:
            return np.asarray(column.cast("float64").to_numpy(), np.float64)
        except _errors() as error:
            raise DataError(
                f"{self.path}: column {name!r}: expected numbers, found {column.type}; call the "
                "column a category (`columns:`), or leave it out of `features`"
            ) from error

    @override
    def place(self, row: int) -> str:
        return f"{self.path}: row {self._first + row}"

    @override
    def as_numbers(self, name: str) -> Array | None:
        column = self._column(name)
        kind = str(column.type)
        if kind == "bool" or "string" in kind or self._class_names(name) is not None:
            cells = [cell or "nan" for cell in self.texts(name)]
            try:
                return np.array(cells, np.float64)
            except ValueError:
                return None
        return super().as_numbers(name)

    def _class_names(self, name: str) -> Sequence[str] | None:
        """Names of the classes that the library `datasets` stores beside ids."""
        metadata = cast("dict[bytes, bytes]", self._table.schema.metadata or {})
        try:
            info = json.loads(metadata.get(b"huggingface", b"{}"))
            names = info["info"]["features"][name]["names"]
        except (ValueError, KeyError, TypeError):
            return None
        return cast("list[str]", names)


class LargeArrow(PartedTable):
    """Batches of Arrow rows that are read again for every pass."""

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        batches: Callable[[], Iterator[Any]],
        missing: Sequence[str],
    ) -> None:
        self.path, self.names = path, tuple(names)
        self._batches, self._missing = batches, missing

    @override
    def parts(self) -> Iterator[ArrowTable]:
        pa = _library()
        first, size = 0, 0
        waiting: list[Any] = []
        try:
            for batch in self._batches():
                waiting.append(batch)
                size += int(batch.nbytes)
                if size >= PART:
                    table = ArrowTable(
                        self.path, pa.Table.from_batches(waiting), self._missing, first
                    )
                    first += len(table)
                    waiting, size = [], 0
                    yield table
        except _errors() as error:
            raise DataError(f"{self.path}: expected Arrow's rows, {error}") from error
        if waiting:
            yield ArrowTable(self.path, pa.Table.from_batches(waiting), self._missing, first)


def open_parquet(path: Path, missing: Sequence[str]) -> Table:
    """A table from a Parquet file; a large one is read in parts.

    Raises:
        DataError: pyarrow is missing, or the file is none of its.
    """
    library = _library("parquet")

    def opened() -> Any:  # noqa: ANN401
        # Without buffering ahead, so that a large group of rows is not read at once.
        return library.ParquetFile(path, pre_buffer=False, buffer_size=READ)

    try:
        with opened() as file:
            groups = range(int(file.metadata.num_row_groups))
            size = sum(int(file.metadata.row_group(i).total_byte_size) for i in groups)
            if size <= LARGE:
                return ArrowTable(path, file.read(), missing)
            names = [str(name) for name in file.schema_arrow.names]
            rows = max(1, int(file.metadata.num_rows) * PART // size)
    except _errors() as error:
        raise DataError(f"{path}: expected a Parquet file, {error}") from error

    def batches() -> Iterator[Any]:
        with opened() as file:
            yield from file.iter_batches(batch_size=rows)

    return LargeArrow(path, names, batches, missing)


def open_arrow(path: Path, missing: Sequence[str]) -> Table:
    """A table from an Arrow or Feather file, or from a folder of `data-*.arrow`.

    Large ones are read in parts, small ones at once.

    Raises:
        DataError: pyarrow is missing, or there is no such table.
    """
    files = sorted(path.glob("*.arrow")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: expected .arrow files, found none")
    pa = _library()
    if sum(file.stat().st_size for file in files) <= LARGE:
        found = [batch for file in files for batch in _batches(file)]
        if not found:
            raise DataError(f"{path}: expected rows, found none")
        return ArrowTable(path, pa.Table.from_batches(found), missing)
    names = [str(name) for name in next(_batches(files[0])).schema.names]
    return LargeArrow(
        path, names, lambda: (batch for file in files for batch in _batches(file)), missing
    )


def _batches(path: Path) -> Iterator[Any]:
    """Batches of a file of either of Arrow's formats, each read when it is asked for."""
    pa, ipc = _library(), _library("ipc")
    try:
        with pa.OSFile(str(path)) as source:
            try:
                reader = ipc.open_file(source)
            except _errors():
                source.seek(0)
                yield from ipc.open_stream(source)
                return
            for i in range(int(reader.num_record_batches)):
                yield reader.get_batch(i)
    except _errors() as error:
        raise DataError(f"{path}: expected an Arrow file, {error}") from error


def _library(module: str = "") -> Any:  # noqa: ANN401 - the package is optional
    try:
        return importlib.import_module(f"pyarrow.{module}" if module else "pyarrow")
    except ImportError as error:
        raise DataError(
            "data: expected the package pyarrow, found it not installed; "
            "install it with the extra: pip install 'specc[parquet]'"
        ) from error


def _errors() -> tuple[type[Exception], ...]:
    return (_library().ArrowException, OSError, ValueError)
