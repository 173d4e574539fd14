"""Tables of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.data.csv_format import Table, is_number, read_csv
from specc.data.location import locate
from specc.data.rows import Array
from specc.data.source import Dataset, Names, Samples, Source
from specc.data.split import set_aside
from specc.errors import DataError, nearest

Column: TypeAlias = str | int
Columns: TypeAlias = Column | list[Column]
SPLIT_SEED = 0


class Csv(Source):
    """A table with one sample in a row: numeric columns are inputs, one or more are targets.

    Inputs are float32 (n, columns). A target of whole numbers is class ids; one of text is too,
    with ids in the sorted order of the texts, which then name the classes; other numbers are
    float32. Several target columns make float32 (n, columns).
    """

    path: str
    """The file, in the folder of `--data`."""

    target: Columns | dict[str, Columns]
    """The target's column by name or number (from 0); a list; or a mapping from output to them."""

    features: Columns | dict[str, Columns] | None = None
    """The inputs' columns, likewise. All that are not targets by default."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between cells."""

    header: bool = True
    """Whether the first row has the names."""

    test: str | None = None
    """A file with the test split."""

    test_split: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the rows that becomes the test split: random ones, the same in every run."""

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        if self.test is not None and self.test_split:
            raise DataError("data.csv: expected test or test_split, found both; leave one out")
        names = names or Names()
        table = self._read(self.path, folder, "path")
        tables = [table]
        if self.test is not None:
            tables.append(self._read(self.test, folder, "test"))
        targets = _groups(self.target, "target", names.outputs, table)
        classes = [_classes(tables, group) for group in targets]
        splits = [self._samples(each, targets, classes, names) for each in tables]
        labels = classes[0] if len(classes) == 1 else None
        if not self.test_split:
            return Dataset(splits[0], splits[1] if len(splits) > 1 else None, classes=labels)
        keep, leave = set_aside(len(table), self.test_split, SPLIT_SEED)
        return Dataset(splits[0].rows(keep), splits[0].rows(leave), classes=labels)

    def _read(self, name: str, folder: Path | None, field: str) -> Table:
        path = locate(name, folder, f"data.csv.{field}")
        return read_csv(path, self.delimiter, header=self.header)

    def _samples(
        self,
        table: Table,
        targets: Sequence[Sequence[str]],
        classes: Sequence[Sequence[str] | None],
        names: Names,
    ) -> Samples:
        if self.features is None:
            taken = {name for group in targets for name in group}
            inputs = [[name for name in table.names if name not in taken]]
            if not inputs[0]:
                raise DataError(f"{table.path}: expected columns beside the target, found none")
        else:
            inputs = _groups(self.features, "features", names.inputs, table)
        x = tuple(table.matrix(group) for group in inputs)
        y = tuple(
            _target(table, group, known) for group, known in zip(targets, classes, strict=True)
        )
        return Samples(x, y)


def _groups(
    wanted: Columns | dict[str, Columns], field: str, names: Sequence[str], table: Table
) -> list[list[str]]:
    """Column names for each input or output, in the model's order."""
    if not isinstance(wanted, dict):
        return [_names(wanted, table)]
    for name in wanted:
        if names and name not in names:
            raise DataError(
                f"data.csv.{field}: expected a name of the model's, found {name!r};"
                f"{nearest(name, names)}"
            )
    for name in names:
        if name not in wanted:
            raise DataError(f"data.csv.{field}: expected columns for {name!r}, found none")
    return [_names(wanted[name], table) for name in names or wanted]


def _names(columns: Columns, table: Table) -> list[str]:
    out: list[str] = []
    for column in columns if isinstance(columns, list) else [columns]:
        if isinstance(column, int):
            if not 0 <= column < len(table.names):
                raise DataError(
                    f"{table.path}: expected a column from 0 to {len(table.names) - 1}, "
                    f"found {column}"
                )
            out.append(table.names[column])
        else:
            table.column(column)
            out.append(column)
    return out


def _classes(tables: Sequence[Table], group: Sequence[str]) -> Sequence[str] | None:
    """The sorted texts of a single text column, over all files; None for numbers."""
    if len(group) != 1:
        return None
    cells = {cell for table in tables for cell in table.column(group[0])}
    if all(is_number(cell) or not cell for cell in cells):
        return None
    for table in tables:
        column = table.column(group[0])
        if "" in column:
            raise DataError(
                f"{table.path}:{table.lines[column.index('')]}: column {group[0]!r}: "
                "expected a class, found an empty cell"
            )
    return sorted(cells)


def _target(table: Table, group: Sequence[str], classes: Sequence[str] | None) -> Array:
    if classes is not None:
        ids = {name: i for i, name in enumerate(classes)}
        return np.array([ids[cell] for cell in table.column(group[0])], np.int64)
    if len(group) > 1:
        return table.matrix(group)
    values = table.numbers(group[0])
    if np.isfinite(values).all() and (values == np.trunc(values)).all():
        return values.astype(np.int64)
    return values.astype(np.float32)
