"""Tables of any format: columns to inputs, columns to targets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, cast

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.data.columns import Column, Columns, Numeric
from specc.data.csv_format import MISSING, is_number
from specc.data.learned import texts
from specc.data.preparation import preparations, stored
from specc.data.rows import Array, Index
from specc.data.source import Dataset, Names, Samples, Source
from specc.data.splits import Facts, Parts, Random, Share
from specc.data.table import Table
from specc.errors import DataError, RunError, cut, nearest

ColumnName: TypeAlias = str | int
ColumnNames: TypeAlias = ColumnName | list[ColumnName]
CLASSES = "classes"


class Tabular(Source):
    """A table with one sample in a row: columns are inputs, one or more are targets.

    Inputs are float32 (n, numbers); an input of dtype string takes the cells themselves, "" where
    one is missing. A target of whole numbers is class ids; one of text is too,
    with ids in the sorted order of the texts, which then name the classes; other numbers are
    float32. Several target columns make float32 (n, columns).
    """

    abstract: ClassVar[bool] = True

    path: str
    """The file, in the folder of `--data`."""

    target: ColumnNames | dict[str, ColumnNames]
    """The target's column by name or number (from 0); a list; or a mapping from output to them."""

    features: ColumnNames | dict[str, ColumnNames] | None = None
    """The inputs' columns, likewise. All that are not targets by default."""

    columns: dict[str, Column] = Field(default_factory=dict[str, Column])
    """What columns mean: `numeric`, `category`, `text`. An input with such columns is prepared
    by the model that is served, which takes the cells as they are; columns that are not named
    are numbers that nothing is done to."""

    missing: Literal["error", "drop"] = "error"
    """Whether rows with a missing cell are refused or left out, where `columns` do not say more."""

    missing_values: tuple[str, ...] = MISSING
    """Cells that stand for none."""

    test: str | None = None
    """A file with the test split."""

    validation: str | None = None
    """A file with the validation split."""

    test_split: Share = Field(default=0.0)
    """Share of the rows that becomes the test split: random ones, the same in every run."""

    @abstractmethod
    def read(self, name: str, folder: Path | None, field: str) -> Table:
        """The table in a file; `field` is the place for messages.

        Raises:
            DataError: it is missing or malformed.
        """

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        names = names or Names()
        ways = [self.test is not None, bool(self.test_split), names.split is not None]
        if sum(ways) > 1:
            raise DataError(
                f"data.{self.key}: expected one of test, test_split and split, found more; leave"
                " one"
            )
        files = {"path": self.path, "test": self.test, "validation": self.validation}
        tables = {
            field: self.read(name, folder, f"data.{self.key}.{field}")
            for field, name in files.items()
            if name is not None
        }
        first = tables["path"]
        load = _Load(self, names, tables)
        targets = self._groups(self.target, "target", names.outputs, first)
        classes = load.classes(targets)
        groups = self._features(first, targets, names)
        rows = {field: load.kept(table, [*groups, *targets]) for field, table in tables.items()}
        labels = load.target(first, targets[0], classes[0])
        parts = self._parts(first, rows["path"], labels, names)
        prepared = load.prepared(groups, rows["path"][parts.train])
        wholes = {
            field: load.samples(table, groups, prepared, targets, classes)
            for field, table in tables.items()
        }

        def others(field: str, part: Index) -> Samples | None:
            if field in wholes:
                return wholes[field].rows(rows[field])
            return wholes["path"].rows(rows["path"][part]) if len(part) else None

        known = {name: each for name, each in prepared.items() if each is not None}
        learned: dict[str, Any] = stored(known) if known else {}
        if any(each is not None for each in classes):
            learned[CLASSES] = [None if each is None else list(each) for each in classes]
        return Dataset(
            wholes["path"].rows(rows["path"][parts.train]),
            others("test", parts.test),
            others("validation", parts.validation),
            classes[0] if len(classes) == 1 else None,
            learned or None,
            known,
            names.split is not None,
        )

    def _parts(self, table: Table, rows: Index, labels: Array, names: Names) -> Parts:
        def column(name: str) -> Array:
            table.check(name)
            cells = np.array(table.texts(name), np.str_)[rows]
            return cells.astype(np.float64) if all(map(is_number, cells)) else cells

        split = names.split or Random(test=self.test_split)
        ids = labels[rows] if labels.ndim == 1 and labels.dtype.kind == "i" else None
        return split.parts(Facts(len(rows), ids, column))

    def _features(
        self, table: Table, targets: Sequence[Sequence[str]], names: Names
    ) -> list[list[str]]:
        """The columns of each input."""
        if self.features is not None:
            groups = self._groups(self.features, "features", names.inputs, table)
        else:
            taken = {name for group in targets for name in group}
            groups = [[name for name in table.names if name not in taken]]
            if not groups[0]:
                raise DataError(f"{table.path}: expected columns beside the target, found none")
        read = {name for group in groups for name in group}
        for name in self.columns:
            table.check(name)
            if name not in read:
                raise DataError(
                    f"data.{self.key}.columns: expected columns of the inputs, found {name!r};"
                    f"{nearest(name, read)}"
                )
        return groups

    def _groups(
        self,
        wanted: ColumnNames | dict[str, ColumnNames],
        field: str,
        names: Sequence[str],
        table: Table,
    ) -> list[list[str]]:
        """Column names for each input or output, in the model's order."""
        if not isinstance(wanted, dict):
            return [_names(wanted, table)]
        place = f"data.{self.key}.{field}"
        for name in wanted:
            if names and name not in names:
                raise DataError(
                    f"{place}: expected a name of the model's, found {name!r};"
                    f"{nearest(name, names)}"
                )
        for name in names:
            if name not in wanted:
                raise DataError(f"{place}: expected columns for {name!r}, found none")
        return [_names(wanted[name], table) for name in names or wanted]


class _Load:
    """One reading of a source: its tables, and what was learned from them or before."""

    def __init__(self, source: Tabular, names: Names, tables: Mapping[str, Table]) -> None:
        self._source, self._names, self._tables = source, names, tables

    def classes(self, targets: Sequence[Sequence[str]]) -> list[Sequence[str] | None]:
        """For each target the sorted texts of a single text column, over all files; else None."""
        learned = (self._names.learned or {}).get(CLASSES)
        if learned is not None:
            items = cast("list[object]", learned if isinstance(learned, list) else [learned])
            if len(items) != len(targets):
                raise RunError(
                    f"{CLASSES}: expected {len(targets)} lists, one for each target, found another"
                )
            return [None if each is None else texts(each, CLASSES) for each in items]
        if self._names.learned is not None:
            return [None] * len(targets)
        return [self._texts(group) for group in targets]

    def _texts(self, group: Sequence[str]) -> Sequence[str] | None:
        if len(group) != 1:
            return None
        cells = {cell for table in self._tables.values() for cell in table.texts(group[0])}
        if all(is_number(cell) or not cell for cell in cells):
            return None
        return sorted(cells - {""})

    def kept(self, table: Table, groups: Sequence[Sequence[str]]) -> Index:
        """The rows that are used: all, or those that miss nothing that must be there."""
        if self._source.missing == "error":
            return np.arange(len(table), dtype=np.int64)
        keep = np.ones(len(table), np.bool_)
        for name in dict.fromkeys(name for group in groups for name in group):
            kind = self._source.columns.get(name)
            if kind is None or getattr(kind, "missing", None) == "error":
                keep &= np.array([cell != "" for cell in table.texts(name)])
        return np.flatnonzero(keep)

    def prepared(self, groups: Sequence[Sequence[str]], rows: Index) -> dict[str, Columns | None]:
        """For each input what prepares its columns, learned from `rows`; None for plain numbers."""
        source = self._source
        known = preparations(self._names.learned)
        table = self._tables["path"]
        found: dict[str, Columns | None] = {}
        inputs = self._names.inputs or [str(i) for i in range(len(groups))]
        for name, group in zip(inputs, groups, strict=False):
            stored_one = known.get(name)
            if isinstance(stored_one, Columns):
                found[name] = stored_one
            elif not any(column in source.columns for column in group):
                found[name] = None
            elif self._names.dtypes.get(name) == "string":
                raise DataError(
                    f"data.{source.key}.columns: expected none of {', '.join(group)}, for the input"
                    f" {name!r} takes texts as they are"
                )
            else:
                plain = Numeric(scale="none")
                kinds = {
                    each: source.columns.get(each, plain).learn(table, each, rows) for each in group
                }
                whole = all(kind.whole for kind in kinds.values())
                found[name] = Columns(columns=kinds, dtype="int32" if whole else "float32")
                self._check_width(name, found[name])
        return found

    def _check_width(self, name: str, prepared: Columns | None) -> None:
        shape = self._names.shapes.get(name)
        if prepared is None or shape is None or shape[1:] == (prepared.width,):
            return
        raise DataError(
            f"{self._tables['path'].path}: the columns make {prepared.width} numbers "
            f"({prepared.widths}), but the input {name!r} takes {shape[1:]}; "
            f"write inputs: {{{name}: [{prepared.width}]}}"
        )

    def samples(
        self,
        table: Table,
        groups: Sequence[Sequence[str]],
        prepared: Mapping[str, Columns | None],
        targets: Sequence[Sequence[str]],
        classes: Sequence[Sequence[str] | None],
    ) -> Samples:
        """All rows of a table. Rows that are left out later may hold NaN."""
        x: list[Array] = []
        for group, (input_name, columns) in zip(groups, prepared.items(), strict=True):
            if columns is None and self._names.dtypes.get(input_name) == "string":
                cells = [np.array(table.texts(name), np.object_) for name in group]
                x.append(np.stack(cells, axis=1))
            elif columns is None:
                x.append(self._matrix(table, group))
            else:
                cells = [kind.read(table, name) for name, kind in columns.columns.items()]
                x.append(columns.apply(cells))
        both = zip(targets, classes, strict=True)
        return Samples(tuple(x), tuple(self.target(table, group, known) for group, known in both))

    def _matrix(self, table: Table, group: Sequence[str]) -> Array:
        if self._source.missing == "error":
            return table.matrix(group)
        columns = [table.values(name) for name in group]
        return np.stack(columns, axis=1).astype(np.float32)

    def target(self, table: Table, group: Sequence[str], classes: Sequence[str] | None) -> Array:
        """The targets of all rows; what is missing is -1 or NaN, and refused unless left out."""
        if classes is not None:
            return self._ids(table, group[0], classes)
        if len(group) > 1:
            return self._matrix(table, group)
        strict = self._source.missing == "error"
        values = table.numbers(group[0]) if strict else table.values(group[0])
        there = values[~np.isnan(values)]
        if np.isfinite(there).all() and (there == np.trunc(there)).all():
            return np.nan_to_num(values, nan=-1).astype(np.int64)
        return values.astype(np.float32)

    def _ids(self, table: Table, name: str, classes: Sequence[str]) -> Array:
        ids = {text: i for i, text in enumerate(classes)}
        cells = table.texts(name)
        found = np.array([ids.get(cell, -1) for cell in cells], np.int64)
        if self._source.missing == "error":
            table.present(name, np.array([cell != "" for cell in cells]))
        strange = [row for row in np.flatnonzero(found < 0).tolist() if cells[row]]
        if strange:
            row = strange[0]
            raise DataError(
                f"{table.place(row)}: column {name!r}: expected a class that the model was trained"
                f" with, found {cut(cells[row])!r};{nearest(cells[row], classes)}"
            )
        return found


def _names(columns: ColumnNames, table: Table) -> list[str]:
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
            table.check(column)
            out.append(column)
    return out
