"""A run with everything that its report looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.artifacts import read_bundle
from specc.checkpoint import load as load_checkpoint
from specc.compiler.bundle import baked
from specc.data.columns import Columns
from specc.data.source import Dataset
from specc.data.text import stored_text
from specc.data.tokens import coder
from specc.engine import Engine
from specc.errors import DataError
from specc.network import Network, build
from specc.runs.folder import RunFolder
from specc.runs.loading import fitted, of_run
from specc.session import Runner
from specc.spec.model import Spec
from specc.spec.reader import load
from specc.tensors import elements

Array = npt.NDArray[Any]
# More samples would make a report slow and its numbers hardly better; they lie in memory.
MOST_SAMPLES, MOST_BYTES, LEAST_SAMPLES = 10_000, 2**28, 32
BATCH = 256
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """Samples with what the model says of them.

    Attributes:
        split: where they come from: test, validation or training.
        total: how many the split has; `x` holds the first of them.
        x: for each input.
        y: of the first output, as the loss wants them.
        output: of the first output.
        columns: what the first input was made of, if of typed columns.
    """

    split: str
    total: int
    x: tuple[Array, ...]
    y: Array
    output: Array
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """One run.

    Attributes:
        record: how it was started, and how it ended.
        epochs: logs of every epoch.
        weights: of the last checkpoint, by name.
        seen: samples of the split that is the least known to the model; None without data.
        absent: why there are no samples.
    """

    folder: RunFolder
    spec: Spec
    network: Network
    record: dict[str, Any]
    epochs: list[dict[str, float]]
    weights: dict[str, Array]
    seen: Looked | None
    absent: str
    classes: Sequence[str] | None

    def class_names(self, count: int) -> list[str]:
        """What classes are called, by number where they have no names."""
        named = self.classes
        known = named is not None and len(named) == count
        return list(named) if named is not None and known else [str(k) for k in range(count)]


def open_run(run: Path, data: Path | None = None) -> Opened:
    """Read a run that has a checkpoint; missing data is no error, the report then says so.

    Raises:
        RunError: no run, or nothing was saved yet.
    """
    folder = RunFolder(run)
    record = folder.record()
    made, _ = read_bundle(run)
    named, _ = load_checkpoint(folder.checkpoint())
    spec = load(folder.spec)
    weights = Engine(made, dict(named)).weights()
    seen, absent, classes = None, "", None
    try:
        dataset = of_run(folder, spec, made, data)
        classes = dataset.classes or _tokens(dataset)
        split, given = _least_known(dataset)
        count = min(len(given), _count(build(spec)))
        count -= count % (made.batch or 1)
        samples = fitted(made, given.part(0, count)).take(slice(None))
        program = baked(spec, weights)
        names = [p.name for p in made.inputs]
        output = _predicted(Runner(program), names, samples.x)
        prepared = dataset.preparations.get(names[0])
        columns = prepared if isinstance(prepared, Columns) else None
        seen = Looked(split, len(given), samples.x, samples.y[0], output, columns)
    except DataError as error:
        absent = str(error)
    epochs = folder.metrics(int(record.get("epochs", 0)) or 10**9)
    return Opened(folder, spec, build(spec), record, epochs, weights, seen, absent, classes)


def _tokens(dataset: Dataset) -> list[str] | None:
    """What the numbers of a text stand for, so that spaces and line ends can be seen."""
    if dataset.tokens is None or dataset.learned is None:
        return None
    made = coder(stored_text(dataset.learned)["tokens"])
    return [repr(made.decode([i]))[1:-1].replace(" ", "\u2423") for i in range(dataset.tokens)]


def _count(network: Network) -> int:
    """How many samples to look at."""
    each = sum(elements(ref.shape[1:], 1) for ref in network.inputs) * FLOAT_BYTES
    return max(LEAST_SAMPLES, min(MOST_SAMPLES, MOST_BYTES // max(1, each)))


def _least_known(dataset: Dataset) -> tuple[str, Any]:
    for name, split in (("test", dataset.test), ("validation", dataset.validation)):
        if split is not None and len(split):
            return name, split
    return "training", dataset.train


def _predicted(runner: Runner, names: Sequence[str], x: Sequence[Array]) -> Array:
    first = runner.program.outputs[0].name
    size = runner.program.batch or BATCH
    parts = [
        runner.run({n: a[k : k + size] for n, a in zip(names, x, strict=True)}, [first])[first]
        for k in range(0, len(x[0]), size)
    ]
    return np.concatenate(parts)
