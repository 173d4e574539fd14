"""The weights in a `.keras` archive, by their names in the spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.errors import Place, Problem, SpecError
from specc.keras_files.groups import VARIABLES, groups
from specc.keras_files.hdf5 import Stored
from specc.keras_import import from_keras
from specc.keras_import.source import WEIGHTS_FILE, member
from specc.network import Network, NodeWeight, build

Array: TypeAlias = npt.NDArray[Any]


def keras_weights(path: str | Path) -> dict[str, Array]:
    """The weights of a `.keras` file, by their names in the spec that `from_keras` makes of it.

    Raises:
        SpecError: the model cannot be expressed, or the file lacks weights.
        RuntimeSetupError: h5py is missing.
    """
    return read_weights(path, build(from_keras(path)))


def read_weights(path: str | Path, network: Network) -> dict[str, Array]:
    """Every weight of the network, in Keras' order.

    Args:
        path: a `.keras` file.
        network: of the spec that was imported from it.

    Raises:
        SpecError: it is no such file, or lacks weights; all of them, with their layers' names.
        RuntimeSetupError: h5py is missing.
    """
    path = Path(path)
    content = member(path, WEIGHTS_FILE)
    try:
        stored = Stored(content)
    except ValueError as error:
        raise SpecError(Problem(Place(str(path)), "", f"{WEIGHTS_FILE}: {error}")) from error
    try:
        return _read(stored, str(path), network)
    finally:
        stored.close()


def _read(stored: Stored, file: str, network: Network) -> dict[str, Array]:
    declared = {w.name: w for w in network.weights}
    problems: list[Problem] = []
    found: dict[str, Array] = {}
    for group, names, layer in groups(network):
        wanted = [declared[name] for name in names]
        wrong = _wrong(stored, f"{group}/{VARIABLES}", wanted)
        if wrong:
            problems.append(Problem(Place(file), layer, wrong))
            continue
        for i, weight in enumerate(wanted):
            array = stored.array(f"{group}/{VARIABLES}/{i}")
            found[weight.name] = array.astype(np.dtype(weight.weight.dtype), copy=False)
    if problems:
        raise SpecError(problems)
    # Adapters are read as a part of what they adapt.
    return {
        name: found[name] if name in found else np.zeros(w.weight.shape, w.weight.dtype)
        for name, w in declared.items()
    }


def _wrong(stored: Stored, group: str, wanted: Sequence[NodeWeight]) -> str | None:
    """Why a group does not hold these weights; None when it does."""
    try:
        shapes = [stored.shape(f"{group}/{i}") for i in range(len(wanted))]
        count = stored.count(group)
    except ValueError as error:
        return str(error)
    for i, (shape, weight) in enumerate(zip(shapes, wanted, strict=True)):
        if shape is None:
            return f"expected the weight {weight.name}, found nothing at {group}/{i}"
        if shape != weight.weight.shape:
            return f"expected {weight.name} {weight.weight.shape}, found {shape} at {group}/{i}"
    if count > len(wanted):
        return f"expected {len(wanted)} weights in {group}, found {count}"
    return None
