"""From the cells of tables to inputs and targets, in passes that each see a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, cast

import numpy as np

from specc.data import columns as typed
from specc.data.learned import texts
from specc.data.preparation import preparations
from specc.data.rows import Array, Column, Index
from specc.data.source import Names
from specc.data.spool import Spool
from specc.data.table import Table
from specc.errors import DataError, RunError, cut, nearest

CLASSES = "classes"
# Texts of a target that are classes: more are most likely another column.
MAX_CLASSES = 2**20
# Makes an array of a part of a table, one row for each of its rows.
Maker: TypeAlias = Callable[[Table], Array]


class Options(Protocol):
    """What the source's fields say."""

    key: ClassVar[str]

    @property
    def columns(self) -> Mapping[str, typed.Column]:
        """Typed columns by name."""
        ...

    @property
    def missing(self) -> str:
        """`error` or `drop`."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """What a target's columns hold.

    Attributes:
        names: of the columns.
        classes: the sorted texts of a single column of texts.
        whole: the tables, by field, in which a single column holds whole numbers only.
        strict: whether missing cells are refused here; else they become -1 or NaN.
    """

    names: Sequence[str]
    classes: Sequence[str] | None
    whole: frozenset[str]
    strict: bool

    def maker(self, field: str) -> Maker:
        """Makes the targets of the table of a field."""
        if self.classes is not None:
            classes = self.classes
            ids = {text: i for i, text in enumerate(classes)}
            return lambda table: _ids(table, self.names[0], classes, ids, strict=self.strict)
        if len(self.names) > 1:
            return lambda table: _matrix(table, self.names, strict=self.strict)
        whole = field in self.whole

        def numbers(table: Table) -> Array:
            read = table.numbers if self.strict else table.values
            values = read(self.names[0])
            return (
                np.nan_to_num(values, nan=-1).astype(np.int64)
                if whole
                else values.astype(np.float32)
            )

        return numbers


class Reading:
    """One reading of a source: its tables by field, and what was learned from them or before."""

    def __init__(self, options: Options, names: Names, tables: Mapping[str, Table]) -> None:
        self._typed, self._key = options.columns, options.key
        self._strict = options.missing == "error"
        self._names, self._tables = names, tables

    def columns(self, table: Table, makers: Sequence[Maker]) -> list[Column]:
        """What `makers` make of all rows, in one pass."""
        spools = [Spool() for _ in makers]
        for part in table.parts():
            for spool, make in zip(spools, makers, strict=True):
                spool.add(make(part))
        return [spool.column() for spool in spools]

    def target(self, number: int, names: Sequence[str]) -> Target:
        """What the columns of target `number` hold, over all tables."""
        learned = self._names.learned
        known = self._classes(number)
        if known is not None:
            return Target(names, known, frozenset(), self._strict)
        whole: set[str] = set()
        if len(names) == 1:
            for field, table in self._tables.items():
                kind = self._kind(table, names[0])
                if kind is None and learned is None:
                    return Target(names, self._texts(names[0]), frozenset(), self._strict)
                if kind:
                    whole.add(field)
        return Target(names, None, frozenset(whole), self._strict)

    def _classes(self, number: int) -> Sequence[str] | None:
        """The classes of target `number` that an earlier reading stored."""
        known = (self._names.learned or {}).get(CLASSES)
        if known is None:
            return None
        items = cast("list[object]", known if isinstance(known, list) else [known])
        if number >= len(items):
            raise RunError(f"{CLASSES}: expected a list for each target, found another")
        return None if items[number] is None else texts(items[number], CLASSES)

    def _kind(self, table: Table, name: str) -> bool | None:
        """Whether the numbers of a column are whole ones; None for one of texts."""
        whole = True
        for part in table.parts():
            values = part.as_numbers(name)
            if values is None:
                return None
            there = values[~np.isnan(values)]
            whole &= bool(np.isfinite(there).all() and (there == np.trunc(there)).all())
        return whole

    def _texts(self, name: str) -> Sequence[str]:
        found: set[str] = set()
        for table in self._tables.values():
            for part in table.parts():
                found.update(part.texts(name))
                if len(found) > MAX_CLASSES:
                    raise DataError(
                        f"{table.path}: column {name!r}: expected numbers, or texts of at most "
                        f"{MAX_CLASSES:,} classes, found more"
                    )
        return sorted(found - {""})

    def kept(self, table: Table, groups: Sequence[Sequence[str]]) -> Index | None:
        """The rows that are used: those that miss nothing that must be there; None for all."""
        if self._strict:
            return None
        kinds = {name: self._typed.get(name) for group in groups for name in group}
        names = [
            name
            for name, kind in kinds.items()
            if kind is None or getattr(kind, "missing", None) == "error"
        ]
        keep: list[Array] = []
        for part in table.parts():
            found = np.ones(len(part), np.bool_)
            for name in names:
                found &= np.array([cell != "" for cell in part.texts(name)])
            keep.append(found)
        return np.flatnonzero(np.concatenate(keep))

    def prepared(
        self, groups: Sequence[Sequence[str]], rows: Index | None
    ) -> dict[str, typed.Columns | None]:
        """For each input what prepares its columns, learned from `rows`; None for plain numbers."""
        known = preparations(self._names.learned)
        inputs = self._names.inputs or [str(i) for i in range(len(groups))]
        found: dict[str, typed.Columns | None] = {}
        wanted: dict[str, Sequence[str]] = {}
        for name, group in zip(inputs, groups, strict=False):
            stored = known.get(name)
            found[name] = stored if isinstance(stored, typed.Columns) else None
            if found[name] is None and any(column in self._typed for column in group):
                if self._names.dtypes.get(name) == "string":
                    raise DataError(
                        f"data.{self._key}.columns: expected none of {', '.join(group)}, for the "
                        f"input {name!r} takes texts as they are"
                    )
                wanted[name] = group
        kinds = self._learned({each for group in wanted.values() for each in group}, rows)
        for name, group in wanted.items():
            of_group = {each: kinds[each] for each in group}
            whole = all(kind.whole for kind in of_group.values())
            found[name] = typed.Columns(columns=of_group, dtype="int32" if whole else "float32")
            self._check_width(name, found[name])
        return found

    def _learned(self, names: set[str], rows: Index | None) -> dict[str, typed.Column]:
        """Typed columns with what `rows` tell, all in one pass; others are plain numbers."""
        plain = typed.Numeric(scale="none")
        learning = {name: self._typed.get(name, plain).learning(name) for name in sorted(names)}
        if learning:
            for part, index in _with_rows(self._tables["path"], rows):
                for each in learning.values():
                    each.see(part, index)
        return {name: each.done() for name, each in learning.items()}

    def _check_width(self, name: str, prepared: typed.Columns | None) -> None:
        shape = self._names.shapes.get(name)
        if prepared is None or shape is None or shape[1:] == (prepared.width,):
            return
        raise DataError(
            f"{self._tables['path'].path}: the columns make {prepared.width} numbers "
            f"({prepared.widths}), but the input {name!r} takes {shape[1:]}; "
            f"write inputs: {{{name}: [{prepared.width}]}}"
        )

    def inputs(
        self, groups: Sequence[Sequence[str]], prepared: Mapping[str, typed.Columns | None]
    ) -> list[Maker]:
        """Makers of the inputs. Rows that are left out later may hold NaN."""
        return [
            self._plain(name, group) if columns is None else _prepared(columns)
            for group, (name, columns) in zip(groups, prepared.items(), strict=True)
        ]

    def _plain(self, name: str, group: Sequence[str]) -> Maker:
        if self._names.dtypes.get(name) == "string":
            return lambda table: np.stack(
                [np.array(table.texts(each), np.object_) for each in group], axis=1
            )
        return lambda table: _matrix(table, group, strict=self._strict)


def _with_rows(table: Table, rows: Index | None) -> Iterator[tuple[Table, Index]]:
    """Parts, and which rows of each are among `rows`, ascending; None for all."""
    first = 0
    for part in table.parts():
        if rows is None:
            yield part, np.arange(len(part), dtype=np.int64)
        else:
            begin, end = np.searchsorted(rows, [first, first + len(part)])
            yield part, rows[begin:end] - first
        first += len(part)


def _prepared(columns: typed.Columns) -> Maker:
    return lambda table: columns.apply(
        [kind.read(table, name) for name, kind in columns.columns.items()]
    )


def _matrix(table: Table, names: Sequence[str], *, strict: bool) -> Array:
    if strict:
        return table.matrix(names)
    return np.stack([table.values(name) for name in names], axis=1).astype(np.float32)


def _ids(
    table: Table, name: str, classes: Sequence[str], ids: Mapping[str, int], *, strict: bool
) -> Array:
    """Numbers of classes; -1 where a cell is missing, which is refused unless left out."""
    cells = table.texts(name)
    found = np.array([ids.get(cell, -1) for cell in cells], np.int64)
    if strict:
        table.present(name, np.array([cell != "" for cell in cells]))
    strange = [row for row in np.flatnonzero(found < 0).tolist() if cells[row]]
    if strange:
        row = strange[0]
        raise DataError(
            f"{table.place(row)}: column {name!r}: expected a class that the model was trained"
            f" with, found {cut(cells[row])!r};{nearest(cells[row], classes)}"
        )
    return found
