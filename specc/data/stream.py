"""Batches that a program yields, one after another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from typing_extensions import override

from specc.data.batches import AHEAD, Batch
from specc.data.prefetch import Prefetch
from specc.data.rows import Array
from specc.data.source import Taken
from specc.errors import DataError

# What arrays, frames and tensors have.
ARRAYS = ("shape", "__array__", "to_numpy", "buffer_info")
# What objects of Keras are told; at the end of an epoch they shuffle.
BEGIN, END = "on_epoch_begin", "on_epoch_end"
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
        tell(self.source, BEGIN)
        return Prefetch(lambda: self._produce(epoch), AHEAD)

    def epoch_end(self) -> None:
        """Every batch of an epoch has been used; what comes next is not read yet."""
        tell(self.source, END)

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
        tell(self.source, BEGIN)
        for item in itertools.islice(self.source, self.steps):
            yield self.fit(item)
            count += 1
        if not count or count < (self.steps or 0):
            raise DataError(
                f"batches: expected {self.steps or 'some'}, found {count}; pass fewer steps, or an "
                "iterable that can be begun again"
            )
        tell(self.source, END)


def tell(source: object, hook: str) -> None:
    """Call a hook of an object that gives batches, if it has it.

    Source: `on_epoch_begin` and `on_epoch_end` of keras/src/trainers/epoch_iterator.py (3.15.1), of
    training, evaluation and prediction: the first before the first batch, the second after the
    last one has been used, and before a validation.
    """
    given = source.given if isinstance(source, Peeked | Indexed) else source
    if given is not source:
        tell(given, hook)
    elif callable(found := getattr(source, hook, None)):
        found()


class Peeked(Iterable[Any]):
    """An iterable of which the first item is known; it is not read again for that.

    Attributes:
        given: the iterable.
        first: its first item until it is read; None where there is none.
    """

    def __init__(self, source: Iterable[Any]) -> None:
        self.given = source
        self._open: Iterator[Any] | None = iter(source)
        self.first: Any = next(self._open, None)

    @override
    def __iter__(self) -> Iterator[Any]:
        begun, self._open = self._open, None
        first, self.first = self.first, None
        return iter(self.given) if begun is None else itertools.chain([first], begun)

    def __len__(self) -> int:
        return len(self.given)  # pyright: ignore[reportArgumentType] - a TypeError where unknown


def is_stream(value: object) -> bool:
    """Whether it yields batches, and is no array-like and no collection of arrays itself."""
    if isinstance(value, Indexed):
        return True
    batches = callable(getattr(value, "__next__", None)) or not any(
        hasattr(value, name) for name in (*ARRAYS, "__getitem__")
    )
    return batches and isinstance(value, Iterable)


class Indexed(Iterable[Any]):
    """Batches of an object that gives them by number, such as Keras' `PyDataset`.

    Attributes:
        given: the object.
    """

    def __init__(self, source: object) -> None:
        self.given: Any = source

    @staticmethod
    def of(value: Any) -> Any:  # noqa: ANN401 - what users pass
        """The value itself, unless it is such an object.

        These are no arrays: NumPy would ask them for items until there is an `IndexError`, which
        may never come.
        """
        if isinstance(value, Sequence | Mapping) or not hasattr(value, "__getitem__"):
            return cast("Any", value)
        found = hasattr(value, "__len__") or hasattr(value, "__iter__")
        return Indexed(value) if found and not any(hasattr(value, n) for n in ARRAYS) else value

    @override
    def __iter__(self) -> Iterator[Any]:
        if hasattr(self.given, "__iter__"):
            yield from self.given
        else:
            for number in range(len(self)):
                yield self.given[number]

    def __len__(self) -> int:
        return len(self.given)


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
