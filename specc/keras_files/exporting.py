"""`.keras` archives that Keras' `load_model` reads."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.errors import Problem, SpecError
from specc.files import replace
from specc.keras_files.configuration import configuration
from specc.keras_files.groups import VARIABLES, groups
from specc.keras_files.hdf5 import written
from specc.keras_import.source import CONFIG_FILE, WEIGHTS_FILE
from specc.layer import InputLayer
from specc.network import Network

Array: TypeAlias = npt.NDArray[Any]

# The version whose format this is; a fixed date, so that equal models make equal files.
METADATA = {"keras_version": "3.15.1", "date_saved": "1980-01-01@00:00:00"}


def export(path: Path, network: Network, weights: Mapping[str, Array]) -> None:
    """Write a model with its weights, without an optimizer.

    Args:
        path: the `.keras` file.
        network: the model.
        weights: arrays by unique name.

    Raises:
        SpecError: Keras lacks a layer; all such, with their names.
        RuntimeSetupError: h5py is missing.
    """
    config = json.dumps(configuration(network), allow_nan=True)
    weights = _merged(network, weights)
    declared = {w.name: np.dtype(w.weight.dtype) for w in network.weights}
    arrays = {
        f"{group}/{VARIABLES}": [weights[name].astype(declared[name], copy=False) for name in names]
        for group, names, _ in groups(network)
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in (
            ("metadata.json", json.dumps(METADATA).encode()),
            (CONFIG_FILE, config.encode()),
            (WEIGHTS_FILE, written(arrays)),
        ):
            archive.writestr(zipfile.ZipInfo(name), data)
    replace(path, content.getvalue())


def _merged(network: Network, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights as the file holds them.

    Raises:
        SpecError: a layer inside another one has weights that the file cannot hold.
    """
    found = dict(weights)
    held = {name for _, names, _ in groups(network) for name in names}
    problems: list[Problem] = []
    for _, node in network.walk():
        if isinstance(node.layer, Network | InputLayer) or node.inner or not node.weights:
            continue
        path = len(node.weights[0].name) - len(node.weights[0].weight.name)
        local = {w.name[path:]: weights[w.name] for w in node.weights}
        changed = node.layer.merged(local)
        found |= {node.weights[0].name[:path] + name: array for name, array in changed.items()}
        if not changed and not held.issuperset(w.name for w in node.weights):
            message = (
                "adapters of a layer inside another one are not supported; leave lora_rank out"
            )
            problems.append(Problem(node.place, node.path, message))
    if problems:
        raise SpecError(problems)
    return found
