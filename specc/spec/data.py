"""The `data:` section: where samples come from, and how they are divided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from specc.data.balance import balanced
from specc.data.labels import class_ids
from specc.data.source import Dataset, Names, Source
from specc.data.splits import Facts, Parts, Split
from specc.errors import DataError


class DataOptions(BaseModel):
    """What holds for every source."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    split: Split | None = None
    """How samples are divided: `random`, `stratified`, `group`, `time`, `column`; by default as
    the source has them."""

    balance: Literal["oversample", "undersample"] | None = None
    """Whether rare classes are repeated, or frequent ones cut, in the training split."""


class DataSpec(DataOptions):
    """Where samples come from."""

    dataset: Source
    """The source: `mnist`, `digits`, `npz: {...}`, `csv: {...}`, ..."""

    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        """Samples of every split.

        Raises:
            DataError: they are missing or malformed, or cannot be divided so.
        """
        names = names or Names()
        found = self.dataset.load(folder, replace(names, split=self.split))
        if (self.split is None and self.balance is None) or not len(found.train):
            return found
        labels = class_ids(found.train.y[0]) if found.train.y else None
        if self.split is not None and not found.divided:
            parts = self.split.parts(Facts(len(found.train), labels))
            found = _divided(found, parts)
            labels = None if labels is None else labels[parts.train]
        if self.balance is not None:
            if labels is None:
                raise DataError(
                    "data.balance: expected one class for each sample, an id or a one-hot row, "
                    "found other targets; leave it out"
                )
            rows = balanced(labels, over=self.balance == "oversample")
            found = replace(found, train=found.train.rows(rows))
        return found


def _divided(found: Dataset, parts: Parts) -> Dataset:
    """The training split divided; splits that the source has itself stay."""
    validation, test = (
        found.train.rows(rows) if len(rows) else None for rows in (parts.validation, parts.test)
    )
    for name, old, new in (
        ("validation", found.validation, validation), ("test", found.test, test),
    ):  # fmt: skip
        if old is not None and new is not None:
            raise DataError(f"data.split: the source has a {name} split of its own; leave it out")
    return replace(
        found,
        train=found.train.rows(parts.train),
        validation=found.validation or validation,
        test=found.test or test,
    )
