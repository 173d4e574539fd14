"""What a finished (or stopped) run is good for: evaluation and predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.artifacts import MODEL, read_bundle
from specc.checkpoint import load as load_checkpoint
from specc.compiler.program import Port
from specc.data.preparation import Preparation, Raw, preparations
from specc.engine import Engine, Logs
from specc.errors import DataError, RunError
from specc.feeding import rows_in_batch, shape_of
from specc.fit import batch_feeds, ones
from specc.inputs import Rows, load_inputs
from specc.runs.folder import RunFolder
from specc.runs.loading import fitted, of_run
from specc.session import Device, Served, open_file, read_metadata
from specc.spec.reader import load
from specc.spec.train import TrainSpec

Array: TypeAlias = npt.NDArray[Any]
# Large enough to keep all threads busy, small enough for any feature map.
PREDICTION_BATCH = 256


def evaluate(
    run: Path, data: Path | None = None, checkpoint: str = "last", device: Device = "cpu"
) -> Logs:
    """Loss and metrics of a run's checkpoint on the test split.

    Raises:
        RunError: no run, no checkpoint, or data without a test split.
        DataError: the data is missing.
    """
    folder = RunFolder(run)
    record = folder.record()
    made, _ = read_bundle(run)
    named, _ = load_checkpoint(folder.checkpoint(checkpoint))
    spec = load(folder.spec)
    dataset = of_run(folder, spec, made, data)
    if dataset.test is None:
        raise DataError(
            f"{folder.spec}: the dataset has no test split; set one aside with `split:` in `data:`"
        )
    engine = Engine(made, named, device, int(record["threads"]))
    test = ones(fitted(made, dataset.test))
    default = (spec.train or TrainSpec()).batch_size
    size = rows_in_batch(made, "test split", len(test.samples), default=default)
    return engine.evaluate(batch_feeds(engine, test, size))


@dataclass(frozen=True, slots=True)
class Predictions:
    """Outputs for rows of input.

    Attributes:
        labels: what each row is: a file's name, or a number.
        outputs: arrays by the model's output names.
        classes: names of the classes, when the run knows them.
    """

    labels: Sequence[str]
    outputs: dict[str, Array]
    classes: Sequence[str] | None = None


def raw_inputs(ports: Sequence[Port], before: Mapping[str, Preparation]) -> tuple[Raw, ...]:
    """What a run's `model.onnx` takes: raw inputs in place of those that it prepares itself."""
    found: list[Raw] = []
    for port in ports:
        if port.name in before:
            found += before[port.name].raw(port.name)
        else:
            found.append(Raw(port.name, shape_of(port.shape), port.dtype))
    return tuple(found)


def predict(
    run: Path, files: Sequence[Path], device: Device = "cpu", batch_size: int = PREDICTION_BATCH
) -> Predictions:
    """The outputs of a run's `model.onnx` for images, arrays or tables.

    Raises:
        RunError: no run, or one without a model yet.
        DataError: an input cannot be read or does not fit.
    """
    made, _ = read_bundle(run)
    path = run / MODEL
    if not path.is_file():
        raise RunError(f"{run}: there is no {MODEL} yet; let the run finish, with --resume")
    ports = raw_inputs(made.inputs, preparations(RunFolder(run).learned()))
    rows: Rows = load_inputs(
        files, [p.shape for p in ports], [p.dtype for p in ports], [p.name for p in ports]
    )
    served = Served(open_file(path, device))
    names = [p.name for p in made.programs["infer"].ports("output")]
    size = made.batch or batch_size
    parts: list[dict[str, Array]] = []
    for start in range(0, max(1, len(rows.labels)), size):
        batch = {p.name: a[start : start + size] for p, a in zip(ports, rows.arrays, strict=True)}
        if made.batch is not None:
            batch = {name: _filled(array, size) for name, array in batch.items()}
        parts.append(served.run(batch, names))
    count = len(rows.labels)
    outputs = {name: np.concatenate([p[name] for p in parts])[:count] for name in names}
    classes = read_metadata(served.session).get("classes")
    return Predictions(rows.labels, outputs, json.loads(classes) if classes else None)


def _filled(array: Array, size: int) -> Array:
    """A last batch with its last sample repeated, where a model takes batches of one size only."""
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
