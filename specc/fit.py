"""The loop around the step: epochs, batches, validation. It prints nothing and writes nothing."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc import feeding
from specc.arguments import check_count, is_number
from specc.callbacks.base import Monitor
from specc.compiler.bundle import Bundle
from specc.compiler.state import ITERATIONS
from specc.data.batches import Batches, Shuffle
from specc.data.source import Samples
from specc.data.stream import Pass, Stream
from specc.engine import Engine, Logs
from specc.errors import DataError
from specc.feeding import Feeds, feeds, rows_in_batch
from specc.history import History
from specc.optimizers.step import AVERAGE
from specc.progress import Progress

Array: TypeAlias = npt.NDArray[Any]
# Epochs from one to the next, or their numbers, from 1.
Frequency: TypeAlias = int | Collection[int]


class StopTraining(Exception):  # noqa: N818 - it is no error
    """Ends training after a step; what is done stays."""


class Watcher:
    """What happens between steps and epochs besides the display: checkpoints, records, stops."""

    def epoch_begin(self, epoch: int) -> None:
        """The first step of an epoch follows, or after a resume another one."""

    def epoch_logs(self, logs: Logs) -> None:
        """An epoch's logs, before they are recorded; they can be added to."""

    def step_end(self, epoch: int, step: int) -> None:
        """`step` steps of `epoch` (from 0) are done, and others follow in it."""

    def epoch_end(self, epoch: int, logs: Logs) -> bool:
        """The last step of an epoch and its validation are done; True ends training."""
        del epoch, logs
        return False


@dataclass(slots=True)
class Weighted:
    """Samples with the weight of each in every output's loss."""

    samples: Samples
    weights: tuple[Array, ...]

    def head(self, count: int) -> Weighted:
        """The first `count` samples."""
        return self._part(slice(None, count))

    def tail(self, start: int) -> Weighted:
        """The samples from `start` on."""
        return self._part(slice(start, None))

    def _part(self, rows: slice) -> Weighted:
        samples = self.samples.part(rows.start, rows.stop)
        return Weighted(samples, tuple(w[rows] for w in self.weights))


@dataclass(slots=True)
class Loop:
    """Trains an engine on samples.

    Attributes:
        first_epoch, first_step: where to begin: 0, 0, or the cursor of a checkpoint.
        validation_freq: epochs from one validation to the next, or the epochs, from 1, that have
            one.
    """

    engine: Engine
    data: Weighted | Stream
    epochs: int
    batch_size: int
    seed: int = 0
    shuffle: Shuffle = True
    validation: Weighted | Pass | None = None
    progress: Progress = field(default_factory=Progress)
    watcher: Watcher = field(default_factory=Watcher)
    first_epoch: int = 0
    first_step: int = 0
    history: History = field(default_factory=History)
    steps_per_epoch: int | None = None
    validation_freq: Frequency = 1

    def run(self) -> History:
        """Train to the last epoch, or until the watcher stops it."""
        batches = self._batches()
        self.progress.start(self.epochs, batches.steps)
        began = time.perf_counter()
        for epoch in range(self.first_epoch, self.epochs):
            start = self.first_step if epoch == self.first_epoch else 0
            self.watcher.epoch_begin(epoch)
            try:
                logs, seconds = self._epoch(batches, epoch, start)
            except StopTraining:
                break
            self.watcher.epoch_logs(logs)
            self.history.add(epoch, logs, seconds)
            self.progress.epoch_end(epoch, logs, seconds)
            if self.watcher.epoch_end(epoch, logs):
                break
        self._finish()
        elapsed = time.perf_counter() - began
        first = self.history.epoch[0] if self.history.epoch else 0
        self.progress.finish(self.history.rows, elapsed, first)
        return self.history

    def _batches(self) -> Batches | Stream:
        data = self.data
        if isinstance(data, Stream):
            return data
        return Batches(data.samples, self.batch_size, self.seed, self.shuffle, self.steps_per_epoch)

    def _epoch(self, batches: Batches | Stream, epoch: int, start: int) -> tuple[Logs, float]:
        began = time.perf_counter()
        engine = self.engine
        weights = () if isinstance(self.data, Stream) else self.data.weights
        # The first batches are prepared while the program that trains is loaded.
        with batches.epoch(epoch, start) as prepared:
            if start == 0:
                engine.reset_metrics()
            for batch in prepared:
                rows = batch.weights or [w[batch.index] for w in weights]
                engine.step(feeds(engine.bundle, batch.samples, rows))
                self.progress.step(epoch, batch.step + 1, engine.logs)
                # The logs of an epoch come from its last step, so nobody stops behind that one.
                if batch.step + 1 < batches.steps:
                    self.watcher.step_end(epoch, batch.step + 1)
        if isinstance(batches, Stream):
            batches.epoch_end()
        logs = engine.logs()
        if self.validation is not None and validates(epoch + 1, self.validation_freq):
            found = engine.evaluate(batch_feeds(engine, self.validation, self.batch_size))
            logs |= {f"val_{name}": value for name, value in found.items()}
        return logs, time.perf_counter() - began

    def _finish(self) -> None:
        """Averages kept by the optimizer become the weights, as at the end of Keras' fit."""
        engine = self.engine
        if not engine.bundle.averaged:
            return
        named = dict(engine.state())
        if not int(named[ITERATIONS]):
            return  # the averages are still at their start, zero
        for weight in engine.bundle.weights:
            average = named.get(f"{weight.name}/{AVERAGE}")
            if average is not None:
                named[weight.name] = average
        engine.replace(named)


def check_loop(
    epochs: object, first: object, shuffle: object, steps: object, held_steps: object
) -> None:
    """Check the numbers of `fit`, which callers without types may give anything for.

    Raises:
        DataError: one is of another kind.
    """
    check_count("epochs", epochs, 0)
    check_count("initial_epoch", first, 0)
    for name, given in (("steps_per_epoch", steps), ("validation_steps", held_steps)):
        if given is not None:
            check_count(name, given)
    if not isinstance(shuffle, bool | np.bool_) and shuffle != "batch":
        raise DataError(f"shuffle: expected True, False or 'batch', received {shuffle!r}")


def check_frequency(given: object) -> None:
    """Check `validation_freq`, which callers without types may give anything for.

    Raises:
        DataError: it is neither a number of at least 1 nor a list of numbers.
    """
    listed = isinstance(given, Collection)
    numbers: list[Any] = list(cast("Collection[Any]", given)) if listed else [given]
    if any(not isinstance(n, int | np.integer) or (n < 1 and not listed) for n in numbers):
        raise DataError(
            "validation_freq: expected epochs from one validation to the next, at least 1, or a"
            f" list of epochs, received {given!r}"
        )


def validates(number: int, every: Frequency) -> bool:
    """Whether the epoch with this number, from 1, has a validation.

    Source: `_should_eval` in keras/src/trainers/trainer.py (3.15.1).
    """
    return number in every if isinstance(every, Collection) else number % every == 0


def unwatched(
    callbacks: Sequence[object], epochs: range, every: Frequency, progress: Progress
) -> None:
    """Tell of callbacks that watch the validation where none of the epochs, from 0, has one.

    Keras warns at the end of every epoch instead.
    """
    if not epochs or any(validates(epoch + 1, every) for epoch in epochs):
        return
    for each in callbacks:
        if isinstance(each, Monitor) and each.monitor.startswith("val_"):
            progress.note(
                f"validation_freq {every}: no epoch to {epochs.stop} has a validation, so "
                f"{each.key} never sees {each.monitor}"
            )


def batch_feeds(engine: Engine, data: Weighted | Pass, batch_size: int) -> Iterator[Feeds]:
    """Batches in order, as a program's inputs."""
    if isinstance(data, Pass):
        yield from (feeds(engine.bundle, taken, rows) for taken, rows in data.produce())
        return
    for batch in Batches(data.samples, batch_size, shuffle=False).produce(0):
        rows = [w[batch.index] for w in data.weights]
        yield feeds(engine.bundle, batch.samples, rows)


def common_batch(
    bundle: Bundle,
    parts: Mapping[str, Weighted | Stream | Pass | None],
    wanted: int | None = None,
    steps: int | None = None,
) -> int:
    """How many samples each batch of `parts` has; of the first, an epoch has `steps` at most.

    Raises:
        DataError: the inputs have a fixed batch size that does not fit.
    """
    sizes: list[int] = []
    for i, (what, part) in enumerate(parts.items()):
        if isinstance(part, Weighted):
            limit = None if i else steps
            sizes.append(rows_in_batch(bundle, what, len(part.samples), wanted, steps=limit))
    return sizes[0] if sizes else 1


def ones(samples: Samples) -> Weighted:
    """Samples that all count the same."""
    return Weighted(samples, feeding.ones(samples.y))


def held_out(data: Weighted, share: float) -> tuple[Weighted, Weighted | None]:
    """(training, validation): the last `share` of the samples validates, as in Keras.

    Raises:
        DataError: one of them would be empty.

    Source: keras/src/trainers/data_adapters/array_slicing.py: split at floor(n (1 - share)).
    """
    if not is_number(share):
        raise DataError(f"validation_split: expected a share from 0 to below 1, received {share!r}")
    if not share:
        return data, None
    if not 0.0 < share < 1.0:
        raise DataError(f"validation_split: expected a share from 0 to below 1, received {share}")
    count = len(data.samples)
    at = int(np.floor(count * (1.0 - share)))
    if at in (0, count):
        raise DataError(
            f"validation_split {share}: leaves {at} of {count} samples to train on and"
            f" {count - at} to validate; expected at least one each, bring more or change it"
        )
    return data.head(at), data.tail(at)
