"""Batches that a program yields, one after another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from specc.data.batches import AHEAD, Batch
from specc.data.prefetch import Prefetch
from specc.data.rows import Array
from specc.data.source import Taken
from specc.errors import DataError

# A batch as a program wants it, and the weights of its samples for each output.
Fitted: TypeAlias = tuple[Taken, tuple[Array, ...]]


@dataclass(slots=True)
class Stream:
    """Batches of an iterable; an epoch is so many of them.

    An iterable that ends is begun again; one that cannot be begun again (a generator) goes on from
    epoch to epoch, and has to last.

    Attributes:
        source: yields batches.
        steps: batches of an epoch.
        fit: makes of what it yields what a program wants.
    """

    source: Iterable[Any]
    steps: int
    fit: Callable[[Any], Fitted]
    _open: Iterator[Any] | None = field(default=None, init=False, repr=False)

    def epoch(self, epoch: int, start: int = 0) -> Prefetch[Batch]:
        """The next batches, each prepared while its predecessor is used.

        Raises:
            DataError: `start` is not 0: a stream cannot be entered in its midst.
        """
        if start:
            raise DataError("stream: expected to begin with an epoch, which iterables must")
        return Prefetch(lambda: self._produce(epoch), AHEAD)

    def _produce(self, epoch: int) -> Iterator[Batch]:
        for step in range(self.steps):
            taken, weights = self.fit(self._next(epoch, step))
            yield Batch(step, np.arange(len(taken), dtype=np.int64), taken, weights)

    def _next(self, epoch: int, step: int) -> object:
        for _ in range(2):
            if self._open is None:
                self._open = iter(self.source)
            for item in self._open:
                return item
            if self._open is self.source:
                break
            self._open = None
        raise DataError(
            f"epoch {epoch + 1}: expected {self.steps} batches, found {step}; pass a smaller "
            "steps_per_epoch, or an iterable that can be begun again"
        )


@dataclass(frozen=True, slots=True)
class Pass:
    """Batches of an iterable, once: up to `steps` of them, or all.

    Attributes:
        source: yields batches; a generator goes on where it stood.
        steps: most batches that are taken.
        fit: makes of what it yields what a program wants.
    """

    source: Iterable[Any]
    steps: int | None
    fit: Callable[[Any], Fitted]

    def produce(self) -> Iterator[Fitted]:
        """The batches.

        Raises:
            DataError: there are none, or fewer than `steps`.
        """
        count = 0
        for item in itertools.islice(self.source, self.steps):
            yield self.fit(item)
            count += 1
        if not count or count < (self.steps or 0):
            raise DataError(
                f"batches: expected {self.steps or 'some'}, found {count}; pass fewer steps, or an "
                "iterable that can be begun again"
            )


def is_stream(value: object) -> bool:
    """Whether it yields batches, and is no array-like and no collection of arrays itself."""
    arrays = ("shape", "__array__", "to_numpy", "__getitem__")
    batches = callable(getattr(value, "__next__", None)) or not any(
        hasattr(value, name) for name in arrays
    )
    return batches and isinstance(value, Iterable)


def steps_of(source: object, steps_per_epoch: int | None) -> int:
    """How many batches of an iterable an epoch has.

    Raises:
        DataError: nobody says so.
    """
    if steps_per_epoch is not None:
        return steps_per_epoch
    try:
        return len(source)  # pyright: ignore[reportArgumentType] - asked, not known
    except TypeError:
        raise DataError("fit: expected steps_per_epoch, for the iterable has no length") from None
