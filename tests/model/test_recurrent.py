"""Recurrent layers and masks on their way through a model.

Oracle: outputs, gradients, statistics, losses and new weights that Keras 3.15.1 computed
(tests/frozen/recurrent.json.gz).
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest

import specc
from specc.layer import InputLayer
from specc.network import build
from specc.spec.reader import loads
from tests.golden import FROZEN
from tests.model.golden_cases import TARGETS, close

STORED = json.loads(gzip.decompress((FROZEN / "recurrent.json.gz").read_bytes()))
BATCH = 3


def drawn(case: dict[str, Any]) -> tuple[np.random.Generator, specc.Spec, list[np.ndarray]]:
    """The spec, its inputs, and the generator for what follows, as `make_recurrent.py` draws."""
    rng = np.random.default_rng(case["number"])
    spec = loads(case["spec"])
    inputs: list[np.ndarray] = []
    for ref in build(spec).inputs:
        layer = ref.call.node.layer
        assert isinstance(layer, InputLayer)
        shape = (BATCH, *(n or 0 for n in layer.shape))
        if layer.dtype == "int32":
            inputs.append(rng.integers(0, 4, shape).astype("int32"))
        elif layer.dtype == "bool":
            inputs.append(rng.random(shape) < 0.6)
        else:
            inputs.append(rng.normal(size=shape).astype("float32"))
    if "masking" in case["spec"]:
        inputs[0][:, 1], inputs[0][1, 3] = 0.5, 0.5
    return rng, spec, inputs


def weights(rng: np.random.Generator, case: dict[str, Any]) -> list[np.ndarray]:
    return [rng.uniform(0.2, 1.0, shape).astype("float32") for shape in case["weights"]]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", STORED["calls"])
def test_outputs_and_gradients(name: str, target: str) -> None:
    case = STORED["calls"][name]
    rng, spec, inputs = drawn(case)
    model = specc.Model(spec, target=target)
    model.set_weights(weights(rng, case))
    expected = [np.reshape(np.float32(flat), shape) for shape, flat in case["y"]]
    cotangents = [rng.normal(size=y.shape).astype("float32") for y in expected]
    found = model.vjp(inputs, cotangents, training=case["training"])
    for j, (y, keras) in enumerate(zip(found.outputs, expected, strict=True)):
        close(y, keras, 1e-4, 1e-5, f"y{j}")
    pairs = zip(inputs, found.input_grads, strict=True)
    grads = [g for x, g in pairs if x.dtype == np.float32]
    trained = [w.trainable for w in build(spec).weights]
    grads += [g for g, t in zip(found.weight_grads, trained, strict=True) if t]
    for j, (grad, flat) in enumerate(zip(grads, [*case["gx"], *case["gw"]], strict=True)):
        close(None if grad is None else grad.ravel(), np.float32(flat), 5e-4, 1e-5, f"grad {j}")
    after = [w for w, t in zip(found.weights, trained, strict=True) if not t]
    for w, flat in zip(after, case["after"], strict=True):
        np.testing.assert_allclose(w.ravel(), flat, rtol=1e-4, atol=1e-5)
    if not case["training"]:
        # Where no gradient is taken, ONNX's own operators stand.
        predicted = model.predict(inputs)
        for y, keras in zip(
            predicted if isinstance(predicted, list) else [predicted], expected, strict=True
        ):
            close(y, keras, 1e-4, 1e-5, "predict")


@pytest.mark.parametrize("name", STORED["steps"])
def test_losses_and_metrics_count_what_is_not_masked(name: str) -> None:
    case = STORED["steps"][name]
    rng, spec, inputs = drawn(case)
    model = specc.Model(spec)
    model.set_weights(weights(rng, case))
    shape = model.predict(inputs[0]).shape
    sparse = "sparse" in case["spec"]
    y = rng.integers(0, 3, shape[:-1]) if sparse else rng.normal(size=shape).astype("float32")
    logs = model.train_on_batch(inputs[0], y)
    assert logs == pytest.approx(case["logs"], rel=1e-5)
    for w, flat in zip(model.weights.values(), case["after"], strict=True):
        close(w.ravel(), np.float32(flat), 1e-4, 1e-5, "after")


def test_inference_uses_onnx_operators_where_they_say_it_all() -> None:
    text = "specc: 1\ninputs: {x: [4, 3]}\nlayers:\n"
    for kind, op in (("lstm", "LSTM"), ("gru", "GRU"), ("simple_rnn", "RNN")):
        nodes = specc.compile(loads(f"{text}  - {kind}: 2\n")).programs["infer"].nodes
        assert nodes[op] == 1
        assert "Scan" not in nodes
        masked = f"{text}  - masking\n  - {kind}: 2\n"
        assert specc.compile(loads(masked)).programs["infer"].nodes["Scan"] == 1
