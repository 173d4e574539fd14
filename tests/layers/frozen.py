"""The cases of `tests/frozen/layers.json`: numbers that Keras 3.15.1 computed for single layers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FROZEN = Path(__file__).parents[1] / "frozen"
BATCH = 2


@dataclass(frozen=True)
class Case:
    """One call of one layer.

    Attributes:
        inputs, weights, cotangent: arrays as they were given to Keras.
        stored: the results: y, gx, gw, after (weights that the call changed), output, params.
    """

    name: str
    layer: dict[str, Any]
    training: bool
    inputs: list[np.ndarray]
    weights: dict[str, np.ndarray]
    cotangent: np.ndarray
    stored: dict[str, Any]

    @property
    def shapes(self) -> tuple[tuple[int | None, ...], ...]:
        """Shapes of the inputs, the batch unknown."""
        return tuple((None, *x.shape[1:]) for x in self.inputs)

    @property
    def output(self) -> np.ndarray:
        """What Keras returned."""
        return np.reshape(self.stored["y"], (BATCH, *self.stored["output"][1:]))


def cases() -> list[Case]:
    """All of them, with the arrays drawn as `make_layers.py` does."""
    found: list[Case] = []
    for stored in json.loads((FROZEN / "layers.json").read_text()):
        rng = np.random.default_rng(stored["number"])
        shapes = [(BATCH, *shape) for shape in stored["inputs"]]
        if "integers" in stored:
            inputs = [rng.integers(0, stored["integers"], shape, np.int32) for shape in shapes]
        else:
            inputs = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
        weights = {
            name: rng.uniform(0.5, 1.5, shape).astype(np.float32).astype(dtype)
            for name, shape, dtype, _ in stored["weights"]
        }
        cotangent = rng.normal(size=(BATCH, *stored["output"][1:])).astype(np.float32)
        (key,) = stored["layer"]
        fields = ",".join(f"{k}={v}" for k, v in stored["layer"][key].items())
        training = "-training" if stored["training"] else ""
        name = f"{key}({fields}){training}"
        found.append(
            Case(name, stored["layer"], stored["training"], inputs, weights, cotangent, stored)
        )
    return found


def augmentations() -> list[dict[str, Any]]:
    """The cases of layers that vary images, with the results that Keras computed."""
    return json.loads((FROZEN / "augmentations.json").read_text())


def lookups() -> list[dict[str, Any]]:
    """The cases of vocabularies and hashes of integers, with the results that Keras computed."""
    return json.loads((FROZEN / "lookups.json").read_text())
