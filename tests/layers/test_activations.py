"""Activation functions with other parameters than their defaults (those: test_keras.py)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from specc import activations
from specc.errors import InternalError
from specc.primitives import Tensor, Trace, graph_input
from specc.tensors import BATCH
from tests.layers.bench import run
from tests.numpy_primitives import evaluate

X = np.linspace(-4.0, 9.0, 27).reshape(1, 27) + 0.013


def value(function: Callable[[Tensor], Tensor], x: np.ndarray = X) -> np.ndarray:
    tensor = graph_input(Trace(floatx="float64"), "x", (BATCH, *x.shape[1:]), "float64")
    (y,) = evaluate([function(tensor)], {tensor: x})
    return y


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("limit", [None, 2.0, 6.0])
@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_relu(slope, limit, threshold) -> None:
    # Oracle: the branches of Keras' documentation, element by element.
    def one(x: float) -> float:
        if limit is not None and x >= limit:
            return limit
        return x if x > threshold else slope * (x - threshold)

    expected = np.vectorize(one)(X)
    found = value(lambda x: activations.relu(x, slope, limit, threshold))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("function", "oracle"),
    [
        (lambda x: activations.celu(x, 0.5), lambda x: x if x > 0 else 0.5 * math.expm1(x / 0.5)),
        (lambda x: activations.elu(x, 2.0), lambda x: x if x > 0 else 2.0 * math.expm1(x)),
        (lambda x: activations.hard_shrink(x, 2.0), lambda x: x if abs(x) > 2 else 0.0),
        (
            lambda x: activations.soft_shrink(x, 2.0),
            lambda x: math.copysign(max(abs(x) - 2, 0), x),
        ),
        (lambda x: activations.threshold(x, 1.0, -7.0), lambda x: x if x > 1 else -7.0),
        (lambda x: activations.squareplus(x, 1.0), lambda x: (x + math.sqrt(x * x + 1)) / 2),
        (lambda x: activations.leaky_relu(x, 0.5), lambda x: x if x > 0 else 0.5 * x),
        (
            lambda x: activations.gelu(x, approximate=True),
            lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        ),
    ],
    ids=["celu", "elu", "hard_shrink", "soft_shrink", "threshold", "squareplus", "leaky", "gelu"],
)
def test_parameters(function, oracle) -> None:
    np.testing.assert_allclose(value(function), np.vectorize(oracle)(X), rtol=1e-9, atol=1e-14)


def projection(z: np.ndarray) -> np.ndarray:
    """The nearest point of the simplex, tau found by bisection on sum max(z - tau, 0) = 1."""
    low, high = z.min() - 1, z.max()
    for _ in range(200):
        tau = (low + high) / 2
        low, high = (tau, high) if np.maximum(z - tau, 0).sum() > 1 else (low, tau)
    return np.maximum(z - tau, 0)


@pytest.mark.parametrize("axis", [-1, 1])
def test_sparsemax_is_the_projection_onto_the_simplex(axis) -> None:
    x = np.random.default_rng(3).normal(size=(4, 5, 6)) * 0.7
    y = value(lambda t: activations.sparsemax(t, axis), x)
    np.testing.assert_allclose(y, np.apply_along_axis(projection, axis, x), atol=1e-12)
    # Supports of several sizes were met: Keras' rule is right for one element only.
    assert len(np.unique((y > 0).sum(axis))) > 1


def test_sparsemax_layer_is_the_projection() -> None:
    x = np.random.default_rng(4).normal(size=(4, 6))
    found = run({"activation": "sparsemax"}, x)
    np.testing.assert_allclose(found, np.apply_along_axis(projection, -1, x), atol=1e-12)


def test_glu_along_an_inner_axis() -> None:
    x = np.random.default_rng(5).normal(size=(2, 4, 3))
    expected = x[:, :2] / (1 + np.exp(-x[:, 2:]))
    np.testing.assert_allclose(value(lambda t: activations.glu(t, 1), x), expected, rtol=1e-12)


def test_glu_halves_the_output_of_a_layer() -> None:
    # Oracle: the two halves written out.
    rng = np.random.default_rng(6)
    x, w = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    found = run({"dense": {"units": 4, "activation": "glu", "use_bias": False}}, x, weights=[w])
    y = x @ w
    np.testing.assert_allclose(found, y[:, :2] / (1 + np.exp(-y[:, 2:])), rtol=1e-12)


def test_registering_a_name_twice_is_a_bug() -> None:
    with pytest.raises(InternalError, match="'relu' is registered twice"):
        activations.activation("relu", cost=1)(activations.relu)


def test_unknown_names_inside_are_a_bug() -> None:
    with pytest.raises(InternalError, match="'rellu'"):
        activations.get("rellu")
