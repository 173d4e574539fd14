"""The `data:` section: where samples come from, and how they are divided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from specc.data.balance import balanced
from specc.data.rows import Array
from specc.data.source import Dataset, Names, Samples, Source
from specc.data.splits import Facts, Split
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
        if self.split is not None and not found.divided:
            found = _divided(found, self.split)
        if self.balance is not None:
            labels = _labels(found.train)
            if labels is None:
                raise DataError("data.balance: expected one class for each sample, found others")
            rows = balanced(labels, over=self.balance == "oversample")
            found = replace(found, train=found.train.rows(rows))
        return found


def _labels(samples: Samples) -> Array | None:
    """Class ids, when the first target is them."""
    y = samples.y[0] if samples.y else None
    return y if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iu" else None


def _divided(found: Dataset, split: Split) -> Dataset:
    """The training split divided; splits that the source has itself stay."""
    parts = split.parts(Facts(len(found.train), _labels(found.train)))
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
