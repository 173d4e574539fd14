"""The loop of scikit-learn's MLPClassifier around a compiled training step.

Source of every rule: sklearn/neural_network/_multilayer_perceptron.py and
_stochastic_optimizers.py (1.9): the order of random draws, what counts as no improvement, and when
the learning rate changes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from specc.compiler.state import LEARNING_RATE
from specc.data.source import Samples
from specc.engine import Engine
from specc.feeding import feeds
from specc.fit import batch_feeds, ones
from specc.sklearn import learn

Array = npt.NDArray[Any]
Rate = Literal["constant", "invscaling", "adaptive"]
# What `adaptive` divides the rate by, and the rate at which it gives up.
DIVISOR, SMALLEST_RATE = 5.0, 1e-6
AUTO_BATCH = 200
EVALUATION_BATCH = 1024


def initial_weights(
    sizes: Sequence[int], activation: str, random: np.random.RandomState
) -> list[Array]:
    """Kernel and bias of each layer: Glorot's uniform, biases too; narrower for `logistic`."""
    found: list[Array] = []
    factor = 2.0 if activation == "logistic" else 6.0
    for fan_in, fan_out in pairwise(sizes):
        bound = math.sqrt(factor / (fan_in + fan_out))
        found.append(random.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32))
        found.append(random.uniform(-bound, bound, fan_out).astype(np.float32))
    return found


@dataclass(slots=True)
class Curve:
    """What a fit remembers, and the next one with `warm_start` goes on with."""

    losses: list[float] = field(default_factory=list[float])
    scores: list[float] = field(default_factory=list[float])
    best_loss: float = math.inf
    best_score: float = -math.inf
    best_weights: dict[str, Array] = field(default_factory=dict[str, Array])
    still: int = 0
    """Epochs in a row without improvement."""
    samples: int = 0
    """Samples seen in all epochs, which `invscaling` counts in."""


@dataclass(slots=True)
class MlpLoop:
    """One fit.

    Attributes:
        engine: the compiled model with its first weights.
        random: draws the validation samples and the order of each epoch.
        stratify: labels whose shares the validation samples keep.
        say: is told the loss of each epoch.
    """

    engine: Engine
    random: np.random.RandomState
    curve: Curve
    batch_size: int | Literal["auto"]
    rate: Rate
    rate_init: float
    power_t: float
    adapts: bool
    """Whether the solver has rates at all; adam has its own."""
    max_iter: int
    shuffle: bool
    tol: float
    patience: float
    early_stopping: bool
    validation_fraction: float
    stratify: Array | None
    say: Callable[[str], None]
    epochs: int = 0
    _rate: float = 0.0

    def run(self, data: Samples) -> None:
        """Train until `max_iter` epochs, or until nothing improves any more."""
        data, held = self._split(data)
        count = len(data)
        size = self._batch(count)
        self._rate = self.rate_init
        order = np.arange(count)
        for _ in range(self.max_iter):
            if self.shuffle:
                order = learn.shuffled(order, self.random)
            self._epoch(data, order, size)
            self._improvement(held)
            if self.adapts and self.rate == "invscaling":
                self._set(self.rate_init / (self.curve.samples + 1) ** self.power_t)
            if self.curve.still > self.patience:
                if self._stops():
                    break
                self.curve.still = 0
            if self.epochs == self.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the"
                    " optimization hasn't converged yet.",
                    learn.ConvergenceWarning,
                    stacklevel=4,
                )
        if self.early_stopping and self.curve.best_weights:
            self.engine.replace({**self.engine.state(), **self.curve.best_weights})

    def _split(self, data: Samples) -> tuple[Samples, Samples | None]:
        """Samples to train on, and those that tell when to stop."""
        if not self.early_stopping:
            return data, None
        train, held = learn.held_out(
            len(data), self.validation_fraction, self.random, self.stratify
        )
        if len(held) < 2:  # noqa: PLR2004
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of"
                " your dataset."
            )
        return data.rows(train), data.rows(held)

    def _batch(self, count: int) -> int:
        if self.batch_size == "auto":
            return min(AUTO_BATCH, count)
        if self.batch_size > count:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be"
                " clipped",
                stacklevel=5,
            )
        return min(self.batch_size, count)

    def _epoch(self, data: Samples, order: npt.NDArray[np.int64], size: int) -> None:
        made = self.engine.bundle
        self.engine.reset_metrics()
        for part in learn.batches(len(order), size):
            rows = order[part]
            self.engine.step(feeds(made, data.take(rows), (np.ones(len(rows), np.float32),)))
        self.epochs += 1
        self.curve.samples += len(order)
        self.curve.losses.append(self.engine.logs()["loss"])
        self.say(f"Iteration {self.epochs}, loss = {self.curve.losses[-1]:.8f}")

    def _improvement(self, held: Samples | None) -> None:
        """Count epochs without improvement: of the score when there is one, else of the loss."""
        curve = self.curve
        if held is None:
            loss = curve.losses[-1]
            curve.still = curve.still + 1 if loss > curve.best_loss - self.tol else 0
            curve.best_loss = min(curve.best_loss, loss)
            return
        found = self.engine.evaluate(batch_feeds(self.engine, ones(held), EVALUATION_BATCH))
        score = next(value for name, value in found.items() if name != "loss")
        curve.scores.append(score)
        self.say(f"Validation score: {score:f}")
        curve.still = curve.still + 1 if score < curve.best_score + self.tol else 0
        if score > curve.best_score:
            curve.best_score = score
            curve.best_weights = {k: w.copy() for k, w in self.engine.weights().items()}

    def _stops(self) -> bool:
        """Whether no improvement ends training; `adaptive` lowers the rate instead."""
        if not self.adapts or self.rate != "adaptive" or self._rate <= SMALLEST_RATE:
            return True
        self._set(self._rate / DIVISOR)
        return False

    def _set(self, rate: float) -> None:
        self._rate = rate
        self.engine.trainer().set(LEARNING_RATE, np.array(rate, np.float32))
