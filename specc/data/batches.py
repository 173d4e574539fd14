"""Batches of an epoch, in an order that is a pure function of (seed, epoch)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from specc.data.order import AT_ONCE, Order
from specc.data.prefetch import Prefetch
from specc.data.rows import Array, Index
from specc.data.source import Samples, Taken
from specc.errors import DataError

# Batches that wait prepared: one being handed over and one behind it hide uneven preparation. More,
# where they take few bytes: slow sources get ahead while the graph is loaded and warms up.
AHEAD, MOST_AHEAD = 2, 32
AHEAD_BYTES = 2**22
# Whether an epoch has an order of its own: of samples, of none, or of batches.
Shuffle: TypeAlias = bool | Literal["batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive places of an epoch's order.

    Attributes:
        step: number of the batch in its epoch, from 0.
        index: which samples, shape (batch,).
        samples: their inputs and targets.
        weights: of each in every output's loss; None where those of all samples are at hand.
    """

    step: int
    index: Index
    samples: Taken
    weights: tuple[Array, ...] | None = None


@dataclass(frozen=True, slots=True)
class Batches:
    """Samples cut into batches of `batch_size`; the last one of an epoch may be smaller.

    Raises:
        DataError: batches of less than one sample.
    """

    samples: Samples
    batch_size: int
    seed: int = 0
    shuffle: Shuffle = True
    """`batch`: batches of neighbours in a new order, the smaller one last.

    Source: keras/src/trainers/data_adapters/array_data_adapter.py (3.15.1).
    """
    limit: int | None = None
    """Most batches of an epoch; the next epoch goes on where it ended, as in Keras."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise DataError(f"batch_size: expected at least 1, received {self.batch_size}")

    @property
    def _whole(self) -> int:
        """Batches of all samples: ceil(n / batch_size)."""
        return -(-len(self.samples) // self.batch_size)

    @property
    def steps(self) -> int:
        """Batches in an epoch: all, or the limit."""
        return self._whole if self.limit is None else min(self._whole, self.limit)

    def epoch(self, epoch: int, start: int = 0) -> Prefetch[Batch]:
        """The batches of `epoch` from step `start` on, each prepared while its predecessor is used.

        Use it in a `with`, so that its thread ends when the loop is left early.
        """
        columns = (*self.samples.x, *self.samples.y)
        row = sum(math.prod(c.shape[1:]) * c.dtype.itemsize for c in columns)
        fit = AHEAD_BYTES // max(1, row * self.batch_size)
        # Nobody knows how long texts are before they are read.
        known = not any(c.dtype.hasobject for c in columns)
        ahead = min(max(AHEAD, fit), MOST_AHEAD) if known else AHEAD
        return Prefetch(lambda: self.produce(epoch, start), ahead, max(1, ahead // 2))

    def produce(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The same batches, each prepared when it is asked for."""
        step = start
        while step < self.steps:
            # A pass over all samples has one order, wherever epochs begin and end in it.
            number, begin = divmod(epoch * self.steps + step, self._whole)
            for rows in self._rows(number, begin, min(self._whole, begin + self.steps - step)):
                # Neighbours are a view of an array, not a copy.
                part = rows if self.shuffle is True else slice(int(rows[0]), int(rows[-1]) + 1)
                yield Batch(step, rows, self.samples.take(part))
                step += 1

    def _rows(self, number: int, begin: int, end: int) -> Iterator[Index]:
        """The numbers of the samples of batches `begin` to `end` of a pass."""
        n, size = len(self.samples), self.batch_size
        if self.shuffle == "batch":
            blocks = Order(self.seed, number, n // size)
            for step in range(begin, end):
                block = int(blocks[step : step + 1][0]) if step < n // size else step
                yield np.arange(block * size, min(n, (block + 1) * size), dtype=np.int64)
            return
        index = Order(self.seed, number, n, self.shuffle)
        together = max(1, AT_ONCE // size)
        for first in range(begin, end, together):
            part = index[first * size : min(first + together, end) * size]
            for at in range(0, len(part), size):
                yield part[at : at + size]
