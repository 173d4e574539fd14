"""Tables of any format: columns to inputs, columns to targets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.data.columns import Column
from specc.data.csv_format import MISSING
from specc.data.labels import class_ids
from specc.data.preparation import stored
from specc.data.rows import Index, whole
from specc.data.source import Dataset, Names, Samples, Source
from specc.data.splits import Facts, Parts, Random, Share
from specc.data.table import Table, cells
from specc.data.table_reading import CLASSES, Maker, Reading
from specc.errors import DataError, nearest

ColumnName: TypeAlias = str | int
ColumnNames: TypeAlias = ColumnName | list[ColumnName]
NONE: Index = np.zeros(0, np.int64)


class Tabular(Source):
    """A table with one sample in a row: columns are inputs, one or more are targets.

    A table that is too large for memory is read in parts, and what the model takes is kept in a
    temporary file. Inputs are float32 (n, numbers); an input of dtype string takes the cells
    themselves, "" where one is missing. A target of whole numbers is class ids; one of text is
    too, with ids in the sorted order of the texts, which then name the classes; other numbers are
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
        reading = Reading(self, names, tables)
        targets = self._groups(self.target, "target", names.outputs, first)
        kinds = [reading.target(i, group) for i, group in enumerate(targets)]
        groups = self._features(first, targets, names)
        rows = {field: reading.kept(table, [*groups, *targets]) for field, table in tables.items()}
        y = [{field: kind.maker(field) for field in tables} for kind in kinds]
        parts = self._parts(first, rows["path"], y[0]["path"], reading, names)
        prepared = reading.prepared(groups, parts.train if parts else rows["path"])
        x = reading.inputs(groups, prepared)
        wholes: dict[str, Samples] = {}
        for field, table in tables.items():
            found = reading.columns(table, [*x, *(makers[field] for makers in y)])
            wholes[field] = Samples(tuple(found[: len(x)]), tuple(found[len(x) :]))
        held = {"test": parts.test, "validation": parts.validation} if parts else {}

        def split(field: str) -> Samples | None:
            found, index = wholes.get(field), rows.get(field)
            if found is None:
                found, index = wholes["path"], held.get(field, NONE)
                if not len(index):
                    return None
            elif field == "path" and parts:
                index = parts.train
            return found if index is None else found.rows(index)

        known = {name: each for name, each in prepared.items() if each is not None}
        learned: dict[str, Any] = stored(known) if known else {}
        classes = [kind.classes for kind in kinds]
        if any(each is not None for each in classes):
            learned[CLASSES] = [None if each is None else list(each) for each in classes]
        return Dataset(
            split("path") or wholes["path"],
            split("test"),
            split("validation"),
            classes[0] if len(classes) == 1 else None,
            learned or None,
            known,
            names.split is not None,
        )

    def _parts(
        self, table: Table, rows: Index | None, labels: Maker, reading: Reading, names: Names
    ) -> Parts | None:
        """Row numbers of the splits; None where all rows are of the training split."""
        wanted = names.split or (Random(test=self.test_split) if self.test_split else None)
        if wanted is None:
            return None
        found = whole(reading.columns(table, [labels])[0])
        used = np.arange(len(found), dtype=np.int64) if rows is None else rows
        facts = Facts(len(used), class_ids(found[used]), lambda name: cells(table, name)[used])
        parts = wanted.parts(facts)
        return Parts(used[parts.train], used[parts.validation], used[parts.test])

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
