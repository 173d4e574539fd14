"""Where a loss that is no number came from: the steps since the last checkpoint, once more.

Steps are functions of state and batch, so that the run itself need not look at every loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from specc.compiler.bundle import Bundle, baked
from specc.data.batches import Batches
from specc.data.rows import Array
from specc.data.source import Taken
from specc.engine import Engine
from specc.errors import SpecError
from specc.feeding import feeds
from specc.fit import Weighted
from specc.runs.watching import Cursor
from specc.session import Runner
from specc.spec.model import Reference, Spec

# Samples that a message names.
SHOWN = 5


def diagnose(spec: Spec, made: Bundle, engine: Engine, data: Weighted, cursor: Cursor) -> str:
    """Epoch, step, layer and samples of the first loss that is no number.

    Args:
        spec: what is trained.
        made: its programs.
        engine: with the state of the last checkpoint; it is used up.
        data: the training split.
        cursor: where the checkpoint stands.
    """
    settings = spec.train
    if settings is None:  # pragma: no cover - there would be no run
        return ""
    batches = Batches(
        data.samples, settings.batch_size, settings.seed, settings.shuffle,
        settings.steps_per_epoch,
    )  # fmt: skip
    for epoch in range(cursor.epoch, settings.epochs):
        for batch in batches.produce(epoch, cursor.step if epoch == cursor.epoch else 0):
            before = {name: np.array(array) for name, array in engine.weights().items()}
            rows = [w[batch.index] for w in data.weights]
            engine.step(feeds(made, batch.samples, rows))
            loss = engine.loss()
            if math.isfinite(loss):
                continue
            place = f"epoch {epoch + 1}, step {batch.step + 1}: the loss is {loss}"
            return f"{place}; {_cause(spec, made, before, batch.samples, batch.index)}"
    return "the loss is no number, but not when the steps are run again"


def _cause(
    spec: Spec, made: Bundle, weights: dict[str, Array], samples: Taken, index: Array
) -> str:
    """The first thing on the way from the inputs to the loss that is no number."""
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        return f"weight {broken[0]!r} became so in the step before, by its gradient"
    for port, x in zip(made.inputs, samples.x, strict=True):
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            return f"input {port.name!r} is not finite in {_which(x, index)}"
    names = [port.name for port in made.inputs]
    fed = dict(zip(names, samples.x, strict=True))
    for name, output in _outputs(spec, weights, fed):
        if output.dtype.kind == "f" and not np.isfinite(output).all():
            return f"layer {name!r} is the first that is not finite, in {_which(output, index)}"
    return "every layer's output is finite: the loss itself overflows, or what training adds to it"


def _which(array: Array, index: Array) -> str:
    """The samples that are not finite."""
    if len(array) != len(index):
        return "this batch"
    wrong = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    numbers = index[wrong]
    more = ", ..." if len(numbers) > SHOWN else ""
    return f"samples {', '.join(map(str, numbers[:SHOWN]))}{more} of the training split"


def _outputs(
    spec: Spec, weights: dict[str, Array], fed: dict[str, Array]
) -> Iterator[tuple[str, Array]]:
    """Every layer's output in order, in inference; the model's own where that does not compile."""
    entries: Sequence[str] = [entry.name for entry in spec.model.entries]
    model = replace(spec.model, outputs=tuple(Reference(name) for name in entries))
    try:
        program = baked(replace(spec, model=model, train=None, data=None), weights)
    except SpecError:
        program = baked(spec, weights)
        entries = [port.name for port in program.outputs]
    found = Runner(program, "cpu").run(fed)
    yield from zip(entries, found.values(), strict=False)
