"""Weights of another model to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from specc.artifacts import read_manifest
from specc.checkpoint import load
from specc.data.rows import Array
from specc.errors import RunError
from specc.keras_files import keras_weights
from specc.progress import Progress
from specc.runs.folder import RunFolder

KERAS_FILE = ".keras"
# Weights that a note names.
SHOWN = 6


def warm(source: Path, weights: Mapping[str, Array], progress: Progress) -> dict[str, Array]:
    """First weights with those of `source` in place of all that have its names and shapes.

    Args:
        source: a run (its best checkpoint, else its last), a safetensors file of weights, or a
            `.keras` file.
        weights: the first weights by name.
        progress: is told what was not found.

    Raises:
        RunError: there is nothing there, or nothing that fits.
        SpecError: a `.keras` file holds what cannot be expressed.
    """
    if source.is_dir():
        read_manifest(source)
        folder = RunFolder(source)
        best = folder.checkpoints.best
        source = best if best.is_file() else folder.checkpoint("last")
    found = keras_weights(source) if source.suffix == KERAS_FILE else load(source)[0]
    made = dict(weights)
    taken: list[str] = []
    for name, first in weights.items():
        other = found.get(name)
        if other is not None and other.shape == first.shape:
            made[name] = np.asarray(other, first.dtype)
            taken.append(name)
    if not taken:
        raise RunError(
            f"{source}: expected weights with names and shapes of this model "
            f"({', '.join(list(weights)[:SHOWN])}, ...), found none"
        )
    fresh = [name for name in weights if name not in taken]
    more = ", ..." if len(fresh) > SHOWN else ""
    rest = f"; new: {', '.join(fresh[:SHOWN])}{more}" if fresh else ""
    progress.note(f"{len(taken)} of {len(weights)} weights from {source}{rest}")
    return made
