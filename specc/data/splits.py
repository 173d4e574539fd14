"""How the samples of a source become training, validation and test split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.data.order import order
from specc.data.rows import Array, Index
from specc.data.split import set_aside, stratified
from specc.errors import DataError, cut
from specc.family import Member

Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Seed: TypeAlias = Annotated[int, Field(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers of the splits, ascending."""

    train: Index
    validation: Index
    test: Index


@dataclass(frozen=True, slots=True)
class Facts:
    """What a split may look at.

    Attributes:
        count: number of samples.
        labels: a class id for each, when there is one.
        column: the cells of a column by name: texts or numbers, (count,).
    """

    count: int
    labels: Array | None = None
    column: Callable[[str], Array] | None = None

    def cells(self, name: str, split: str) -> Array:
        """The cells of a column.

        Raises:
            DataError: the source has no columns.
        """
        if self.column is None:
            raise DataError(f"data.split.{split}: expected a source of named columns; use `random`")
        return self.column(name)


class Split(Member):
    """How samples are divided; a function of the samples and a seed, the same in every run."""

    family_name: ClassVar[str] = "split"

    @abstractmethod
    def parts(self, facts: Facts) -> Parts:
        """The rows of each split.

        Raises:
            DataError: the samples cannot be divided so.
        """


class _Shares(Split):
    """Splits of given sizes."""

    abstract: ClassVar[bool] = True

    test: Share = 0.0
    """Share of the samples that is only tested on."""

    validation: Share = 0.0
    """Share of the samples that validates."""

    def check(self) -> None:
        """Refuse shares that leave nothing.

        Raises:
            DataError: they add up to 1 or more.
        """
        if self.test + self.validation >= 1:
            raise DataError(
                f"data.split.{self.key}: expected shares that leave samples to train on, found "
                f"{self.test} and {self.validation}"
            )

    def sizes(self, count: int) -> tuple[int, int]:
        """(validation, test): how many of `count` samples."""
        self.check()
        return round(self.validation * count), round(self.test * count)


class Random(_Shares):
    """Samples drawn at random."""

    seed: Seed = 0
    """Decides which; not the seed of training, so that runs can be compared."""

    @override
    def parts(self, facts: Facts) -> Parts:
        self.check()
        keep, test = set_aside(facts.count, self.test, self.seed)
        inner, held = set_aside(len(keep), self.validation / (1 - self.test), self.seed + 1)
        return Parts(keep[inner], keep[held], test)


class Stratified(_Shares):
    """Samples drawn at random within each class: every split has the classes' shares."""

    seed: Seed = 0
    """Decides which; not the seed of training, so that runs can be compared."""

    @override
    def parts(self, facts: Facts) -> Parts:
        self.check()
        labels = facts.labels
        if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(
                "data.split.stratified: expected one class for each sample, an id or a one-hot row,"
                " found other targets; use random"
            )
        keep, test = stratified(labels, self.test, self.seed)
        inner, held = stratified(labels[keep], self.validation / (1 - self.test), self.seed + 1)
        return Parts(keep[inner], keep[held], test)


class ByColumn(Split):
    """A column says of each row where it belongs: `train`, `validation` or `test`."""

    key: ClassVar[str] = "column"

    name: str
    """The column."""

    @override
    def parts(self, facts: Facts) -> Parts:
        cells = facts.cells(self.name, "column").astype(str)
        words = ("train", "validation", "test")
        strange = sorted(set(np.unique(cells).tolist()) - set(words))
        if strange:
            raise DataError(
                f"data.split.column: expected train, validation or test in column {self.name!r}, "
                f"found {cut(strange[0])!r}"
            )
        return Parts(*(np.flatnonzero(cells == word) for word in words))


class Group(_Shares):
    """Rows with the same value in a column (a patient, a device) stay together."""

    name: str = Field(...)
    """The column."""

    seed: Seed = 0
    """Decides which groups are set aside."""

    @override
    def parts(self, facts: Facts) -> Parts:
        values, group = np.unique(facts.cells(self.name, "group").astype(str), return_inverse=True)
        shuffled = order(self.seed, 0, len(values))
        held, tested = self.sizes(facts.count)
        # Groups are set aside, first for the test, until there are enough rows.
        sizes = np.bincount(group, minlength=len(values))[shuffled]
        before = np.cumsum(sizes) - sizes
        for_test = before < tested
        enough = int(sizes[for_test].sum()) + held
        place = np.empty(len(values), np.int64)
        place[shuffled] = np.where(for_test, 2, np.where(before < enough, 1, 0))
        return Parts(*(np.flatnonzero(place[group] == part) for part in range(3)))


class Time(_Shares):
    """Rows in the order of a column: the last are tested on, those before them validate."""

    name: str = Field(...)
    """The column: numbers, or texts that sort by time (2026-11-24)."""

    @override
    def parts(self, facts: Facts) -> Parts:
        ranked = np.argsort(facts.cells(self.name, "time"), kind="stable").astype(np.int64)
        held, tested = self.sizes(facts.count)
        kept = facts.count - held - tested
        train, validation, test = np.split(ranked, [kept, kept + held])
        return Parts(np.sort(train), np.sort(validation), np.sort(test))
