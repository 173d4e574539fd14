"""A run's data, as its model wants it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specc.compiler.bundle import Bundle
from specc.data.batches import Batches
from specc.data.fitting import input_column
from specc.data.looking import described, picture
from specc.data.source import Dataset, Names, Samples
from specc.errors import DataError, Problem, RunError, SpecError
from specc.feeding import names_of, samples
from specc.layer import InputLayer
from specc.network import Network
from specc.network.ids import id_limits
from specc.runs.folder import RunFolder
from specc.runs.places import Places
from specc.spec.model import Spec
from specc.spec.train import TrainSpec
from specc.tensors import DType


def dataset_of(
    spec: Spec, made: Bundle, places: Places, learned: Mapping[str, Any] | None = None
) -> Dataset:
    """The splits of a spec's source; `learned` is what an earlier run of it learned.

    Raises:
        RunError: the spec has no `data:` section.
        DataError: the data is missing or malformed.
        SpecError: a layer has fewer rows than the text has tokens.
    """
    if spec.data is None:
        raise RunError(f"{spec.file or spec.name}: there is no `data:` section")
    found = places.load(spec.data, names_of(made, learned))
    for limit in made.limits.values() if found.tokens is not None else ():
        if limit.count < (found.tokens or 0):
            message = f"expected a row for each of the {found.tokens} tokens of the text, found"
            message += f" {limit.count}; write input_dim: {found.tokens}"
            raise SpecError(Problem(limit.place, limit.path, message))
    return found


def of_run(folder: RunFolder, spec: Spec, made: Bundle, data: Path | None = None) -> Dataset:
    """The splits that a run was trained with; `data` is another folder to find the files in."""
    return dataset_of(spec, made, Places.of(spec, data, folder), folder.learned())


def fitted(made: Bundle, given: Samples) -> Samples:
    """Samples as the model's programs want them.

    Raises:
        DataError: there are none, or they do not fit.
    """
    found = samples(made, list(given.x), list(given.y))
    if not len(found):
        raise DataError("data: expected at least one sample, found none")
    return found


def look(
    spec: Spec, network: Network, folder: Path | None = None
) -> tuple[Dataset, dict[str, Any]]:
    """(the splits, what is in them): as a model gets them, without compiling one.

    Raises:
        RunError: the spec has no `data:` section.
        DataError: the data is missing, malformed, or does not fit the inputs.
    """
    if spec.data is None:
        raise RunError(f"{spec.file or spec.name}: there is no `data:` section")
    ports = {ref.call.node.name: ref for ref in network.inputs}
    shapes = {name: ref.shape for name, ref in ports.items()}
    layers = {name: ref.call.node.layer for name, ref in ports.items()}
    dtypes: dict[str, DType] = {
        name: layer.dtype for name, layer in layers.items() if isinstance(layer, InputLayer)
    }
    outputs, limits = tuple(network.output_names), id_limits(network)
    names = Names(tuple(ports), outputs, shapes, dtypes)
    found = Places.of(spec, folder).load(spec.data, names)
    for name, column in zip(ports, found.train.x, strict=False):
        limit = limits.get(name)
        input_column(column, shapes[name], dtypes[name], name, limit and limit.count)
    return found, described(found, tuple(ports), outputs)


def first_batch(spec: Spec, dataset: Dataset) -> bytes:
    """A picture of the first batch, in the order of the first epoch, with its classes."""
    settings = spec.train or TrainSpec()
    batches = Batches(dataset.train, settings.batch_size, settings.seed, settings.shuffle)
    batch = next(iter(batches.produce(0))).samples
    labels: list[str] = []
    if batch.y and batch.y[0].ndim == 1 and batch.y[0].dtype.kind in "iu":
        names = dataset.classes
        labels = [str(i) if names is None else str(names[i]) for i in batch.y[0].tolist()]
    return picture(batch.x[0], labels)
