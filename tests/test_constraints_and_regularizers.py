"""Constraints and regularizers against Keras' numbers (tests/frozen/make_constraints.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specc import primitives as ops
from specc.constraints import Constraint
from specc.family import snake_case
from specc.model import Model
from specc.primitives import Trace
from specc.regularizers import L2PerSample, Regularizer
from specc.shapes import ShapeError
from specc.spec.reader import loads
from tests.numpy_primitives import evaluate

FROZEN = json.loads((Path(__file__).parent / "frozen" / "constraints.json").read_text())
WEIGHT = np.asarray(FROZEN["weight"], np.float32)


def state(value):
    return ops.state(Trace(), "w", value.shape, "float32", trainable=True)


def parsed(family, case):
    return family.parse({snake_case(case["class"]): case["fields"]})


@pytest.mark.parametrize("case", FROZEN["constraints"], ids=lambda case: case["class"])
def test_projections_are_those_of_keras(case):
    w = state(WEIGHT)
    (found,) = evaluate([parsed(Constraint, case).project(w)], {w: WEIGHT})
    np.testing.assert_allclose(found, case["result"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", FROZEN["regularizers"], ids=lambda case: case["class"])
def test_penalties_are_those_of_keras(case):
    w = state(WEIGHT)
    penalty = parsed(Regularizer, case).penalty(w)
    assert penalty.shape == ()
    np.testing.assert_allclose(evaluate([penalty], {w: WEIGHT})[0], case["result"], rtol=1e-5)


@pytest.mark.parametrize(
    ("family", "name"), [(Constraint, "constraints"), (Regularizer, "regularizers")]
)
def test_every_kind_has_a_case(family, name):
    kinds = {kind for kind in family.kinds().values() if kind is not L2PerSample}
    assert {type(parsed(family, case)) for case in FROZEN[name]} == kinds


def test_a_penalty_per_sample_is_divided_by_the_batch():
    """Oracle: mean |error| + l2 sum w^2 / n, written out, at two batch sizes."""
    spec = loads("""
specc: 1
inputs: {x: [1]}
layers: [{dense: {units: 1, use_bias: false, kernel_regularizer: {l2_per_sample: 0.5}}}]
train: {loss: mae, optimizer: {sgd: {learning_rate: 0.001, momentum: 0.5}}}
""")
    for count in (2, 8):
        model = Model(spec)
        model.set_weights([np.array([[3.0]])])
        x = np.ones((count, 1), np.float32)
        assert model.train_on_batch(x, x)["loss"] == pytest.approx(2.0 + 0.5 * 9.0 / count)


def test_a_single_row_is_orthogonal_to_nothing():
    w = state(WEIGHT[:1])
    penalty = Regularizer.parse("orthogonal_regularizer").penalty(w)
    assert evaluate([penalty], {w: WEIGHT[:1]})[0] == 0.0


def test_orthogonality_is_asked_of_matrices_only():
    with pytest.raises(ShapeError, match="expects a matrix"):
        Regularizer.parse("orthogonal_regularizer").penalty(state(WEIGHT[None]))


@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan")])
def test_a_penalty_is_finite_and_not_negative(value):
    with pytest.raises(ValueError, match=r"greater than or equal|finite"):
        Regularizer.parse({"l2": value})
