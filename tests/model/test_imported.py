"""Models of Keras in ways of writing and joining layers that few models use.

Oracle: outputs, gradients and new weights that Keras 3.15.1 computed
(tests/frozen/imported.json.gz).
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest

import specc
from tests.golden import FROZEN
from tests.model.golden_cases import TARGETS, close

BATCH = 2
STORED = json.loads(gzip.decompress((FROZEN / "imported.json.gz").read_bytes()))


def draw(case: dict[str, Any]) -> tuple[np.random.Generator, list[np.ndarray], list[np.ndarray]]:
    """The generator of the cotangents, inputs and weights, as `make_imported.py` draws them."""
    rng = np.random.default_rng(case["number"])
    xs: list[np.ndarray] = []
    for shape, dtype in case["inputs"]:
        full = (BATCH, *shape)
        if dtype == "bool":
            xs.append(rng.random(full) < 0.6)
        elif dtype.startswith("float"):
            xs.append(rng.normal(size=full).astype(dtype))
        else:
            xs.append(rng.integers(0, 4, full).astype(dtype))
    weights = [rng.uniform(0.3, 1.2, shape).astype("float32") for shape in case["weights"]]
    return rng, xs, weights


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", STORED)
def test_outputs_gradients_and_new_weights(name: str, target: str) -> None:
    case = STORED[name]
    rng, xs, weights = draw(case)
    model = specc.Model(specc.from_keras(case["config"]), target=target)
    assert [list(w.shape) for w in model.weights.values()] == case["weights"]
    model.set_weights(weights)
    expected = [np.reshape(flat, shape).astype(dtype) for shape, dtype, flat in case["y"]]
    drawn = [rng.normal(size=y.shape).astype("float32") for y in expected]
    real = [y.dtype == np.float32 for y in expected]
    cotangents = [dy if is_real else None for dy, is_real in zip(drawn, real, strict=True)]
    found = model.vjp(xs, cotangents, training=case["training"])
    calls = [found.outputs]
    if not case["training"]:
        predicted = model.predict(xs)
        calls.append(predicted if isinstance(predicted, list) else [predicted])
    for outputs in calls:
        for j, (y, keras) in enumerate(zip(outputs, expected, strict=True)):
            assert y.dtype == keras.dtype
            close(y, keras, 1e-4, 1e-5, f"y{j}")
    grads = [g for g, x in zip(found.input_grads, xs, strict=True) if x.dtype == np.float32]
    told = [*zip(grads, case["gx"], strict=True)]
    for w, (grad, flat) in enumerate(zip(found.weight_grads, case["gw"], strict=True)):
        assert flat is not None or grad is None, w
        told += [] if flat is None else [(grad, flat)]
    for j, (grad, flat) in enumerate(told):
        close(None if grad is None else grad.ravel(), np.float32(flat), 5e-4, 1e-5, f"grad {j}")
    moved = zip(found.weights, weights, case["after"], strict=True)
    for j, (after, before, flat) in enumerate(moved):
        keras = before.ravel() if flat is None else np.float32(flat)
        close(after.ravel(), keras, 1e-4, 1e-5, f"w{j} after")
