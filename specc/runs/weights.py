"""The weights of a run, or of a spec that was not trained, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from specc.artifacts import compiled, read_bundle
from specc.checkpoint import load
from specc.runs.folder import RunFolder
from specc.spec.model import Spec

Array: TypeAlias = npt.NDArray[Any]


def run_weights(run: Path, checkpoint: str = "last") -> dict[str, Array]:
    """The weights in a run's checkpoint, in Keras' order.

    Raises:
        RunError: this is no run, or it has no such checkpoint.
    """
    folder = RunFolder(run)
    folder.record()
    made, _ = read_bundle(run)
    named, _ = load(folder.checkpoint(checkpoint))
    return {w.name: named[w.name] for w in made.weights}


def spec_weights(spec: Spec, weights: Path | None = None) -> dict[str, Array]:
    """The weights in a safetensors file, checked, or those that the spec's seed draws.

    Raises:
        SpecError, CompileError: the spec does not compile.
        RunError: the weights do not fit.
    """
    return dict(compiled(spec, weights=weights).weights)
