"""Tables of the library pyarrow: Parquet files, Feather and Arrow files, dataset folders."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from typing_extensions import override

from specc.data.location import check_bytes
from specc.data.rows import Array
from specc.data.table import Table
from specc.errors import DataError, cut


class ArrowTable(Table):
    """Columns of an Arrow table."""

    def __init__(self, path: Path, table: Any, missing: Sequence[str] = ("",)) -> None:  # noqa: ANN401
        self.path = path
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
        return f"{self.path}: row {row}"

    def _class_names(self, name: str) -> Sequence[str] | None:
        """Names of the classes that the library `datasets` stores beside ids."""
        metadata = cast("dict[bytes, bytes]", self._table.schema.metadata or {})
        try:
            info = json.loads(metadata.get(b"huggingface", b"{}"))
            names = info["info"]["features"][name]["names"]
        except (ValueError, KeyError, TypeError):
            return None
        return cast("list[str]", names)


def read_parquet(path: Path, missing: Sequence[str]) -> ArrowTable:
    """A table from a Parquet file, all of it in memory.

    Raises:
        DataError: pyarrow is missing, or the file is none of its, or too large.
    """
    library = _library("parquet")
    try:
        file = library.ParquetFile(path)
        groups = range(int(file.metadata.num_row_groups))
        size = sum(int(file.metadata.row_group(i).total_byte_size) for i in groups)
        check_bytes(path, size, "a table")
        return ArrowTable(path, file.read(), missing)
    except _errors() as error:
        raise DataError(f"{path}: expected a Parquet file, {error}") from error


def read_arrow(path: Path, missing: Sequence[str]) -> ArrowTable:
    """A table from an Arrow or Feather file, or from a folder of `data-*.arrow`; not copied.

    Raises:
        DataError: pyarrow is missing, or there is no such table.
    """
    pa = _library()
    ipc = _library("ipc")
    files = sorted(path.glob("*.arrow")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: expected .arrow files, found none")
    parts: list[Any] = []
    for each in files:
        try:
            source = pa.memory_map(str(each))
            try:
                parts.append(ipc.open_file(source).read_all())
            except _errors():
                source.seek(0)
                parts.append(ipc.open_stream(source).read_all())
        except _errors() as error:
            raise DataError(f"{each}: expected an Arrow file, {error}") from error
    return ArrowTable(path, pa.concat_tables(parts), missing)


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
