"""The forward checks of whole applications: weights and inputs drawn again from their recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import specc
from tests.golden import app


@dataclass(frozen=True)
class Check:
    """A model, its weights in Keras' order, two samples, and what Keras made of them."""

    spec: specc.Spec
    weights: list[np.ndarray]
    inputs: list[np.ndarray]
    outputs: list[np.ndarray]


def check(name: str) -> Check:
    """The forward check of an application."""
    stored = app(name)
    forward = stored["forward"]
    recipes = zip(forward["weights"], stored["weights"], strict=True)
    weights = [
        _drawn(np.random.default_rng(1000 + i), told | {"shape": shape})
        for i, (told, (_, shape)) in enumerate(recipes)
    ]
    rng = np.random.default_rng(7)
    inputs = [_drawn(rng, told) for told in forward["inputs"]]
    outputs = [np.reshape(told["values"], told["shape"]) for told in forward["outputs"]]
    return Check(specc.from_keras(stored["config_small.json"]), weights, inputs, outputs)


def _drawn(rng: np.random.Generator, told: dict[str, Any]) -> np.ndarray:
    if told["kind"] == "keep":
        return np.array(told["value"])
    if told["kind"] == "integers":
        return rng.integers(told["low"], told["high"], told["shape"]).astype(np.int32)
    if told["kind"] == "normal":
        normal = rng.standard_normal(told["shape"])
        array = (normal * told["scale"] + told.get("offset", 0.0)).astype(np.float32)
    else:
        array = rng.uniform(0.5, 1.5, told["shape"]).astype(np.float32)
    expected = told.get("sum", array.sum(dtype=np.float64))
    assert np.isclose(array.sum(dtype=np.float64), expected, rtol=1e-6, atol=1e-4)
    return array
