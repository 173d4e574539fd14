"""Batches of an epoch, in an order that is a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specc.data.order import order
from specc.data.prefetch import Prefetch
from specc.data.rows import Array, Index
from specc.data.source import Samples, Taken
from specc.errors import DataError

# Batches that wait prepared: one being handed over and one behind it hide uneven preparation.
AHEAD = 2


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
    shuffle: bool = True
    limit: int | None = None
    """Most batches of an epoch; the others are left out, in every epoch others."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise DataError(f"batch_size: expected at least 1, received {self.batch_size}")

    @property
    def steps(self) -> int:
        """Batches in an epoch: ceil(n / batch_size), or the limit."""
        whole = -(-len(self.samples) // self.batch_size)
        return whole if self.limit is None else min(whole, self.limit)

    def epoch(self, epoch: int, start: int = 0) -> Prefetch[Batch]:
        """The batches of `epoch` from step `start` on, each prepared while its predecessor is used.

        Use it in a `with`, so that its thread ends when the loop is left early.
        """
        return Prefetch(lambda: self.produce(epoch, start), AHEAD)

    def produce(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The same batches, each prepared when it is asked for."""
        n, size = len(self.samples), self.batch_size
        index = order(self.seed, epoch, n, self.shuffle)
        for step in range(start, self.steps):
            rows = index[step * size : (step + 1) * size]
            yield Batch(step, rows, self._take(rows, step * size))

    def _take(self, rows: Index, first: int) -> Taken:
        return self.samples.take(rows if self.shuffle else slice(first, first + len(rows)))
