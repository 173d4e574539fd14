"""Typed columns of a table: what is learned from them, and how their cells become numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.data.preparation import Preparation, Raw
from specc.data.rows import Array
from specc.data.statistics import Counts, Learning, Moments
from specc.data.table import Table
from specc.family import Member
from specc.primitives import Tensor
from specc.tensors import DType

# Below this a deviation is none: keras/src/layers/preprocessing/normalization.py (3.15.1).
EPSILON = 1e-7
# Stands where a text has fewer words than wanted; the character that draws "nothing".
FILLER = "\u2400"


class Column(Member):
    """What the cells of a column mean. One that has `learned` holds what the training rows told."""

    family_name: ClassVar[str] = "column"
    cells: ClassVar[DType] = "string"
    """Element type of the raw cells: `string`, "" where one is missing, or `float32` and NaN."""

    @abstractmethod
    def learning(self, name: str) -> Learning[Column]:
        """What learns this from the table's column called `name`."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers for one cell."""

    @property
    def whole(self) -> bool:
        """Whether the numbers are whole ones."""
        return False

    @abstractmethod
    def encode(self, cells: Array) -> Array:
        """Cells (n, 1) as numbers (n, width)."""

    @abstractmethod
    def lower(self, cells: Tensor) -> Tensor:
        """As `encode`, in the words of primitives."""

    @abstractmethod
    def told(self, numbers: Array) -> str:
        """The cell that became these numbers, (width,), for people; `?` where it was unknown."""

    def read(self, table: Table, name: str) -> Array:
        """The raw cells of a table's column, (n, 1)."""
        if self.cells == "string":
            return np.array(table.texts(name), np.object_)[:, np.newaxis]
        values = table.values(name)
        with np.errstate(over="ignore"):
            return values.astype(np.float32)[:, np.newaxis]


class Numeric(Column):
    """A number, scaled by what the training rows tell."""

    cells: ClassVar[DType] = "float32"

    scale: Literal["zscore", "minmax", "none"] = "zscore"
    """zscore: (x - mean) / deviation; minmax: from 0 to 1; none: as it is."""

    missing: Literal["error", "mean"] | float = "error"
    """What stands for a missing number: the mean of the training rows, or this number."""

    learned: tuple[float, float, float] | None = None
    """(what is subtracted, what is divided by, what stands for a missing number)."""

    @override
    def learning(self, name: str) -> Learning[Column]:
        moments = Moments(name, complete=self.missing == "error")
        return Learning(moments.see, lambda: self._learned(moments))

    def _learned(self, moments: Moments) -> Column:
        moments.check()
        low, step = 0.0, 1.0
        if self.scale == "zscore":
            low, step = moments.mean, max(moments.deviation, EPSILON)
        elif self.scale == "minmax":
            low, step = moments.low, (moments.high - moments.low) or 1.0
        fill = self.missing if isinstance(self.missing, float) else moments.mean
        return self.model_copy(update={"learned": (low, step, fill)})

    @property
    @override
    def width(self) -> int:
        return 1

    def _constants(self) -> Array:
        """What `learned` says, in the precision of the graph."""
        return np.array(self.learned or (0.0, 1.0, 0.0), np.float32)

    @override
    def encode(self, cells: Array) -> Array:
        low, step, fill = self._constants()
        return (np.where(cells == cells, cells, fill) - low) / step  # noqa: PLR0124  NaN is not

    @override
    def lower(self, cells: Tensor) -> Tensor:
        low, step, fill = self._constants().tolist()
        return (ops.where(ops.equal(cells, cells), cells, fill) - low) / step

    @override
    def told(self, numbers: Array) -> str:
        low, step, _ = self._constants().tolist()
        return f"{float(numbers[0]) * step + low:.4g}"


class Category(Column):
    """One of several values, compared as texts."""

    encoding: Literal["one_hot", "index"] = "one_hot"
    """one_hot: a number for each value, all 0 where it is unknown; index: 1, 2, ..., 0 unknown."""

    vocabulary: PositiveInt | None = None
    """Most values that are told apart, the frequent ones first; rarer ones are unknown."""

    missing: Literal["error", "unknown", "value"] = "error"
    """Whether a missing cell is refused, unknown, or a value of its own."""

    learned: tuple[str, ...] | None = None
    """The values that are told apart."""

    @override
    def learning(self, name: str) -> Learning[Column]:
        counts = Counts(name, lambda cell: (cell,), complete=self.missing == "error")
        return Learning(counts.see, lambda: self._learned(counts))

    def _learned(self, counts: Counts) -> Column:
        ranked = counts.ranked(*([] if self.missing == "value" else [""]))
        return self.model_copy(update={"learned": tuple(sorted(ranked[: self.vocabulary]))})

    @property
    @override
    def width(self) -> int:
        return len(self.learned or ()) if self.encoding == "one_hot" else 1

    @property
    @override
    def whole(self) -> bool:
        return self.encoding == "index"

    @override
    def encode(self, cells: Array) -> Array:
        known = {value: i + 1 for i, value in enumerate(self.learned or ())}
        ids = np.array([known.get(cell, 0) for cell in cells[:, 0].tolist()], np.int64)
        if self.encoding == "index":
            return ids[:, np.newaxis]
        return (ids[:, np.newaxis] == np.arange(1, len(known) + 1)).astype(np.float32)

    @override
    def lower(self, cells: Tensor) -> Tensor:
        found = ops.is_text(cells, self.learned or ())
        if self.encoding == "one_hot":
            return ops.cast(found, cells.trace.floatx)
        return _number(found, 1)

    @override
    def told(self, numbers: Array) -> str:
        one_hot = self.encoding == "one_hot"
        number = int(numbers.argmax()) + 1 if one_hot and numbers.any() else int(numbers[0])
        return (self.learned or ())[number - 1] if number else "?"


class Words(Column):
    """The first words of a text, as numbers: 0 none, 1 unknown, from 2 on the frequent ones.

    Words stand between single spaces; nothing between two spaces is a 0.
    """

    key: ClassVar[str] = "text"

    length: PositiveInt = 32
    """Words that are kept; shorter texts end in 0."""

    vocabulary: Annotated[int, Field(ge=1)] = 10000
    """Most words that are told apart."""

    learned: tuple[str, ...] | None = None
    """The words that are told apart."""

    @override
    def learning(self, name: str) -> Learning[Column]:
        counts = Counts(name, lambda cell: cell.split(" "), complete=False)
        return Learning(counts.see, lambda: self._learned(counts))

    def _learned(self, counts: Counts) -> Column:
        return self.model_copy(update={"learned": tuple(counts.ranked("")[: self.vocabulary])})

    @property
    @override
    def width(self) -> int:
        return self.length

    @property
    @override
    def whole(self) -> bool:
        return True

    @override
    def encode(self, cells: Array) -> Array:
        known = {word: i + 2 for i, word in enumerate(self.learned or ())}
        ids = np.zeros((len(cells), self.length), np.int64)
        for row, cell in zip(ids, cells[:, 0].tolist(), strict=True):
            found = [known.get(word, 1) if word else 0 for word in cell.split(" ", self.length)]
            found = found[: self.length]
            row[: len(found)] = found
        return ids

    @override
    def lower(self, cells: Tensor) -> Tensor:
        words = ops.expand_dims(ops.first_words(cells, self.length, FILLER), -1)
        none = ops.cast(ops.is_text(words, (FILLER, "")), "int32")
        there = 1 - ops.cast(ops.reduce_max(none, (-1,)), "int64")
        number = _number(ops.is_text(words, self.learned or ("",)), 2)
        return ops.where(ops.equal(number, 0), there, number)

    @override
    def told(self, numbers: Array) -> str:
        known = ("", "?", *(self.learned or ()))
        return " ".join(known[int(number)] for number in numbers).strip()


def _number(found: Tensor, first: int) -> Tensor:
    """The place of the only True of each row, counted from `first`; 0 where there is none."""
    hits = ops.cast(found, "int32")
    place = ops.argmax(hits, -1) + first
    one = ops.cast(ops.reduce_max(hits, (-1,)), "int64")
    number = place * one
    return number if found.rank > 2 else ops.expand_dims(number, -1)  # noqa: PLR2004


class Columns(Preparation):
    """Cells of typed columns side by side: one raw input (n, 1) for each column."""

    columns: dict[str, Column]
    """The columns in their order, with what they learned."""

    dtype: str = "float32"
    """Element type of the model's input."""

    @override
    def raw(self, name: str) -> tuple[Raw, ...]:
        return tuple(Raw(each, (None, 1), kind.cells) for each, kind in self.columns.items())

    @override
    def apply(self, raws: Sequence[Array]) -> Array:
        parts = [kind.encode(x) for kind, x in zip(self.columns.values(), raws, strict=True)]
        return np.concatenate([part.astype(self.dtype) for part in parts], axis=1)

    @override
    def lower(self, raws: Sequence[Tensor]) -> Tensor:
        parts = [kind.lower(x) for kind, x in zip(self.columns.values(), raws, strict=True)]
        dtype: DType = "float32" if self.dtype == "float32" else "int32"
        return ops.concat([ops.cast(part, dtype) for part in parts], 1)

    @property
    def width(self) -> int:
        """Numbers for one row."""
        return sum(kind.width for kind in self.columns.values())

    def told(self, numbers: Array) -> list[tuple[str, str]]:
        """(column, cell) of what became these numbers, (width,), for people."""
        found: list[tuple[str, str]] = []
        start = 0
        for name, kind in self.columns.items():
            found.append((name, kind.told(numbers[start : start + kind.width])))
            start += kind.width
        return found

    @property
    def widths(self) -> str:
        """Where they come from, for messages."""
        return ", ".join(f"{name} {kind.width}" for name, kind in self.columns.items())
