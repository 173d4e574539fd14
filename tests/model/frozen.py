"""The runs of `tests/frozen/training.json.gz`, that Keras 3.15.1 made without chance."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

import specc
from tests.golden import FROZEN


@dataclass(frozen=True)
class Run:
    """One run: `stored` is Keras' results, the properties are what it was given."""

    stored: dict[str, Any]

    @property
    def name(self) -> str:
        return self.stored["name"]

    @property
    def x(self) -> np.ndarray:
        return np.reshape(np.float32(self.stored["x"]), self.stored["x_shape"])

    @property
    def y(self) -> np.ndarray:
        return np.reshape(self.stored["y"], self.stored["y_shape"]).astype(self.stored["y_dtype"])

    @property
    def rows(self) -> np.ndarray | None:
        """Sample weights, of samples or positions."""
        return self.weighing("rows")

    def weighing(self, what: str) -> np.ndarray | None:
        """Sample weights: `rows`, or `vrows` of the validation."""
        if self.stored[what] is None:
            return None
        return np.reshape(np.float32(self.stored[what]), (-1, *self.stored.get("axes", [])))

    @property
    def class_weight(self) -> dict[int, float] | None:
        return by_class(self.stored["class_weight"])

    def weights(self, when: str) -> list[np.ndarray]:
        """The weights `first`, after `step1`, at the end (`final`, `after`)."""
        shapes = [shape for _, shape in self.stored["weights"]]
        values = zip(self.stored[when], shapes, strict=True)
        return [np.reshape(np.float32(flat), shape) for flat, shape in values]

    def model(self, target: str = "cpu", seed: int | None = None) -> specc.Model:
        """The model with its first weights."""
        spec = specc.from_keras(self.stored["config"], self.stored["compile"])
        model = specc.Model(spec, target=target, seed=seed)
        model.set_weights(self.weights("first"))
        return model


def by_class(given: dict[str, float] | None) -> dict[int, float] | None:
    """Class weights as they were before JSON made their keys text."""
    return None if given is None else {int(key): value for key, value in given.items()}


def runs(kind: str) -> list[Run]:
    """The `steps` or `fits`."""
    stored = json.loads(gzip.decompress((FROZEN / "training.json.gz").read_bytes()))
    return [Run(each) for each in stored[kind]]
