"""The learning-rate finder: the loss while the rate grows from tiny to huge.

Source: L. N. Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from specc.artifacts import compiled
from specc.data.batches import Batches
from specc.engine import Engine
from specc.errors import RunError
from specc.feeding import feeds
from specc.feeding import weights as sample_weights
from specc.runs.loading import dataset_of, fitted
from specc.runs.places import Places
from specc.session import Device
from specc.spec.model import Spec

# Of the moving average of the loss.
SMOOTHING = 0.9
# The search ends when the loss is so many times the lowest.
BLOWN = 4.0
# Steps over which a fall is measured; the first tenth, where the average settles, does not count.
WINDOW, SKIPPED = 6, 10


@dataclass(frozen=True, slots=True)
class Rates:
    """What was found.

    Attributes:
        rates: tried, growing by the same factor from step to step.
        losses: smoothed, of the batch of each.
        suggested: where the loss falls most steeply, None where it never does.
    """

    rates: list[float]
    losses: list[float]
    suggested: float | None


def find_rate(
    spec: Spec,
    data: Path | None = None,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    device: Device = "cpu",
) -> Rates:
    """Train for some steps, each at a higher rate, and look at the loss.

    Raises:
        RunError: the spec cannot be trained, or a schedule gives its rate.
    """
    settings = spec.train
    if settings is None or settings.loss is None:
        raise RunError(f"{spec.file or spec.name}: there is no `train:` section with a loss")
    made = compiled(spec, "cuda" if device == "cuda" else "cpu")
    if made.bundle.rate is None:
        raise RunError("learning rate: expected a number in the spec, found a schedule")
    rows = fitted(made.bundle, dataset_of(spec, made.bundle, Places.of(spec, data)).train)
    weights = sample_weights(made.bundle, rows.y, None, settings.class_weight)
    engine = Engine(
        made.bundle, {**made.bundle.initial_state(made.weights), **made.weights}, device
    )
    batches = Batches(rows, settings.batch_size, settings.seed, settings.shuffle)
    factor = (high / low) ** (1 / max(1, steps - 1))
    rates: list[float] = []
    losses: list[float] = []
    average, lowest, epoch = 0.0, math.inf, 0
    while len(rates) < steps:
        for batch in batches.produce(epoch):
            rate = low * factor ** len(rates)
            engine.set_learning_rate(rate)
            part = [w[batch.index] for w in weights]
            engine.step(feeds(made.bundle, batch.samples, part))
            loss = engine.loss()
            average = SMOOTHING * average + (1 - SMOOTHING) * loss
            smooth = average / (1 - SMOOTHING ** (len(rates) + 1))
            if not math.isfinite(loss) or smooth > BLOWN * lowest:
                return Rates(rates, losses, _steepest(rates, losses))
            lowest = min(lowest, smooth)
            rates.append(rate)
            losses.append(smooth)
            if len(rates) == steps:
                break
        epoch += 1
    return Rates(rates, losses, _steepest(rates, losses))


def _steepest(rates: list[float], losses: list[float]) -> float | None:
    """The rate in the middle of the steps over which the smoothed loss falls most."""
    first = len(losses) // SKIPPED
    falls = [
        (losses[i + WINDOW] - losses[i], rates[i + WINDOW // 2])
        for i in range(first, len(losses) - WINDOW)
    ]
    if not falls or min(falls)[0] >= 0:
        return None
    return min(falls)[1]
