"""`Source`: where samples come from; `Dataset`: what it yields."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.family import Member

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Names:
    """What the model calls its inputs and outputs: sources of named arrays choose by them."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs and targets, in the order of the model's inputs and outputs; equal first axes.

    Targets are as stored: class ids stay integers here, and become one-hot rows when the loss
    wants them (`specc/data/targets.py`).
    """

    x: tuple[Array, ...]
    y: tuple[Array, ...]

    def __len__(self) -> int:
        return len(self.x[0])

    def rows(self, index: npt.NDArray[np.int64]) -> Samples:
        """The samples at `index`, copied."""
        return Samples(tuple(a[index] for a in self.x), tuple(a[index] for a in self.y))


@dataclass(frozen=True, slots=True)
class Dataset:
    """The splits of a source. `classes` names the classes, when it knows them."""

    train: Samples
    test: Samples | None = None
    validation: Samples | None = None
    classes: Sequence[str] | None = None


class Source(Member):
    """A kind of dataset."""

    family_name: ClassVar[str] = "dataset"

    @abstractmethod
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        """Read it. `folder` is what `--data` named; `names` are the model's inputs and outputs.

        Raises:
            DataError: missing or malformed; the message says which files to put where.
        """
