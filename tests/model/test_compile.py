"""Losses and metrics in every form that Keras' `compile` takes.

Oracle: logs of Keras 3.15.1 (tests/frozen/compile.json).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import specc
from specc.errors import SpecError
from specc.network import build
from specc.spec.reader import loads
from specc.spec.write import dump
from tests.golden import FROZEN
from tests.model.golden_cases import TARGETS

CASES = json.loads((FROZEN / "compile.json").read_text())
N = 6


def drawn(case: dict[str, Any], target: str) -> tuple[specc.Model, Any, Any, Any]:
    """The model, x, y and sample weights, as `make_compile.py` draws them."""
    rng = np.random.default_rng(case["number"])
    spec = specc.from_keras(case["config"], case["compile"])
    network = build(spec)
    model = specc.Model(spec, target)
    x = rng.normal(size=(N, *(n or 0 for n in network.inputs[0].shape[1:]))).astype("f")
    shapes = [[n or 0 for n in ref.shape[1:]] for ref in network.outputs]
    ys = [rng.integers(0, 2, (N, *shape)).astype("f") for shape in shapes]
    rows = [rng.uniform(0, 2, N).astype("f") for _ in ys]
    model.set_weights([rng.normal(size=w.shape) for w in model.weights.values()])
    return model, x, ys, rows if len(ys) > 1 else rows[0]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_logs_are_keras(name: str, target: str) -> None:
    case = CASES[name]
    model, x, y, rows = drawn(case, target)
    found = model.evaluate(x, y, batch_size=3, sample_weight=rows)
    assert found == pytest.approx(case["evaluate"], rel=2e-5)
    assert next(iter(found)) == "loss"
    logs = model.train_on_batch(x, y, sample_weight=rows)
    assert logs == pytest.approx(case["train"], rel=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_reads_back(name: str) -> None:
    spec = specc.from_keras(CASES[name]["config"], CASES[name]["compile"])
    assert dump(loads(dump(spec))) == dump(spec)


def test_masked_weighted_metrics_multiply_masks_and_weights() -> None:
    # Oracle: NumPy. Keras fails here.
    spec = loads("""
specc: 1
inputs: {x: [3, 2]}
layers: [masking, {activation: linear}]
train: {loss: mse, weighted_metrics: [mae]}
""")
    x = np.arange(1.0, 13.0, dtype="f").reshape(2, 3, 2)
    x[0, 1:] = 0.0
    rows = np.array([1.0, 3.0], "f")
    mask = np.array([[1, 0, 0], [1, 1, 1]]) * rows[:, np.newaxis]
    spec = loads(dump(spec).replace("  - activation: linear", "  - dense: 2"))
    model = specc.Model(spec)
    model.set_weights([np.eye(2, dtype="f"), np.zeros(2, "f")])
    found = model.evaluate(x, np.zeros_like(x), sample_weight=rows)
    assert found["mae"] == pytest.approx((abs(x).mean(-1) * mask).sum() / mask.sum())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"loss": "ce"},
            r"compile.loss: the loss 'ce' is not supported: it depends on the targets",
        ),
        (
            {"loss": "mse", "metrics": [{"class_name": "Mean", "config": {"name": "m"}}]},
            r"compile.metrics\[0\]: the metric 'Mean' is not supported: it takes values",
        ),
        (
            {"loss": {"class_name": "function", "config": "my_loss"}},
            "compile.loss: unsupported loss 'my_loss'",
        ),
        (
            {"loss": "mse", "weighted_metrics": ["maee"]},
            r"compile.weighted_metrics\[0\]: unsupported metric 'maee'; valid",
        ),
    ],
)
def test_what_cannot_be_said_is_listed(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        specc.from_keras(CASES["weighted"]["config"], given)
