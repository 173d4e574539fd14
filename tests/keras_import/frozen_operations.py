"""The cases of `tests/frozen/operations.json.gz`: functional models of operations, run in Keras."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.layers.frozen import BATCH, FROZEN

SHAPES = {"x": (4, 6), "p": (4, 6), "v": (6,), "i": (4,)}


@dataclass(frozen=True)
class Case:
    """A model, what it was given, and what Keras 3.15.1 made of it.

    Attributes:
        cotangents: one for each output; None where it is no float.
        grads: of the sum of outputs times cotangents, for the float inputs.
        shapes: of the outputs before a batch is known.
    """

    number: int
    config: dict[str, Any]
    inputs: list[np.ndarray]
    rng: np.random.Generator
    outputs: list[np.ndarray]
    grads: list[np.ndarray]
    shapes: list[list[int | None]]

    def draw(self, weights: list[tuple[int, ...]]) -> tuple[list[np.ndarray], list[Any]]:
        """Weights of these shapes, and cotangents."""
        made = [self.rng.uniform(-0.5, 0.5, shape).astype(np.float32) for shape in weights]
        drawn = [self.rng.normal(size=y.shape).astype(np.float32) for y in self.outputs]
        kinds = [y.dtype.kind == "f" for y in self.outputs]
        return made, [dy if real else None for dy, real in zip(drawn, kinds, strict=True)]


def _stored() -> Any:
    return json.loads(gzip.decompress((FROZEN / "operations.json.gz").read_bytes()))


def signatures() -> dict[str, tuple[str, dict[str, list[Any]], list[str]]]:
    """By class: module, parameters of the constructor with defaults, parameters of the call."""
    return _stored()["signatures"]


def cases() -> list[Case]:
    """All of them, with the arrays drawn as `make_operations.py` does."""
    found: list[Case] = []
    for told in _stored()["cases"]:
        rng = np.random.default_rng(told["number"])
        drawn = [
            rng.normal(size=(BATCH, *SHAPES["x"])),
            rng.uniform(0.5, 1.5, (BATCH, *SHAPES["p"])),
            rng.normal(size=(BATCH, *SHAPES["v"])),
            rng.integers(0, 4, (BATCH, *SHAPES["i"])).astype(np.int32),
        ]
        inputs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in drawn]
        outputs = [np.array(y["values"], y["dtype"]).reshape(y["shape"]) for y in told["y"]]
        grads = [np.reshape(g, x.shape) for g, x in zip(told["gx"], inputs, strict=False)]
        found.append(
            Case(told["number"], told["config"], inputs, rng, outputs, grads, told["symbolic"])
        )
    return found
