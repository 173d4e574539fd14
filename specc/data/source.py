"""`Source`: where samples come from; `Dataset`: what it yields."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from specc.data.preparation import Preparation
from specc.data.rows import Array, Column, Index, chosen, part
from specc.data.splits import Split
from specc.family import Member
from specc.tensors import DType, Shape


@dataclass(frozen=True, slots=True)
class Names:
    """What the model calls its inputs and outputs, and what they look like.

    Sources of named arrays choose by the names; sources that make samples (windows of a text,
    images of one size) make them as the inputs want them.

    Attributes:
        shapes: of inputs, by name, batch axis first.
        dtypes: of inputs, by name.
        learned: what the source learned from its training split in an earlier run (vocabularies,
            means): it shall use this and not learn again.
        split: how samples are divided, for a source that learns from the training split alone;
            others leave it to `DataSpec.load`.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    dtypes: Mapping[str, DType] = field(default_factory=dict[str, DType])
    learned: Mapping[str, Any] | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs and targets, in the order of the model's inputs and outputs; equal first axes.

    Targets are as stored: class ids stay integers here, and become one-hot rows when the loss
    wants them (`specc/data/targets.py`).
    """

    x: tuple[Column, ...]
    y: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.x[0])

    def rows(self, index: Index) -> Samples:
        """The samples at `index`: copied, or read from a file when they are used."""
        return Samples(
            tuple(chosen(a, index) for a in self.x), tuple(chosen(a, index) for a in self.y)
        )

    def part(self, start: int | None, stop: int | None) -> Samples:
        """Consecutive samples, nothing copied."""
        return Samples(
            tuple(part(a, start, stop) for a in self.x), tuple(part(a, start, stop) for a in self.y)
        )

    def take(self, rows: Index | slice) -> Taken:
        """Samples in memory."""
        return Taken(tuple(a[rows] for a in self.x), tuple(a[rows] for a in self.y))


@dataclass(frozen=True, slots=True)
class Taken:
    """Samples in memory, for one step."""

    x: tuple[Array, ...]
    y: tuple[Array, ...]

    def __len__(self) -> int:
        return len(self.x[0])


@dataclass(frozen=True, slots=True)
class Dataset:
    """The splits of a source. `classes` names the classes, when it knows them.

    Attributes:
        learned: what was learned from the training split, as JSON holds it: the model is of no use
            without it, so it is stored with it.
        preparations: what stands between the files and the model's inputs, by input; it becomes a
            part of the model that is served.
        tokens: how many different ids the only input of a text has.
        divided: whether the source divided the samples as `Names.split` says.
    """

    train: Samples
    test: Samples | None = None
    validation: Samples | None = None
    classes: Sequence[str] | None = None
    learned: Mapping[str, Any] | None = None
    preparations: Mapping[str, Preparation] = field(default_factory=dict[str, Preparation])
    divided: bool = False
    tokens: int | None = None


class Source(Member):
    """A kind of dataset."""

    family_name: ClassVar[str] = "dataset"

    @abstractmethod
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        """Read it. `folder` is what `--data` named; `names` are the model's inputs and outputs.

        Raises:
            DataError: missing or malformed; the message says which files to put where.
        """
