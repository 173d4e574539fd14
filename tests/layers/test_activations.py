"""Activation functions with other parameters than their defaults (those: test_keras.py)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from specc import activations
from specc.errors import InternalError
from specc.layers.activation import Activation
from specc.layers.gru import GRUCell
from specc.layers.lstm import LSTMCell
from specc.layers.simple_rnn import SimpleRNNCell
from specc.primitives import Tensor, Trace, graph_input
from specc.shapes import ShapeError
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


@pytest.mark.parametrize(
    ("given", "written", "oracle"),
    [
        ({"leaky_relu": 0.5}, {"leaky_relu": 0.5}, lambda x: x if x > 0 else 0.5 * x),
        ({"leaky_relu": {"negative_slope": 0.2}}, None, lambda x: x if x > 0 else 0.2 * x),
        (
            {"relu": {"max_value": 2, "threshold": 1}},
            {"relu": {"max_value": 2, "threshold": 1}},
            lambda x: min(x, 2.0) if x >= 1 else 0.0,
        ),
        (
            {"threshold": {"default_value": -7, "threshold": 1}},
            {"threshold": {"threshold": 1, "default_value": -7}},
            lambda x: x if x > 1 else -7.0,
        ),
        ({"swish": None}, "silu", lambda x: x / (1 + math.exp(-x))),
    ],
)
def test_values_for_parameters(given, written, oracle):
    """The shortest form is written and read back; values reach the function."""
    layer = Activation.from_fields({"activation": given})
    shortest = given if written is None else written
    expected = next(iter(shortest)) if written is None else shortest
    assert layer.written() == {"activation": {"activation": expected}}
    assert Activation.from_fields({"activation": expected}) == layer
    found = value(lambda x: activations.apply(layer.activation, x))
    np.testing.assert_allclose(found[0], [oracle(x) for x in X[0]], rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"relu": {"max": 1}}, "'relu' has no parameter 'max'; valid: max_value"),
        ({"relu": {"max_value": "a"}}, "'relu': max_value: Input should be a valid number"),
        ({"relu": {"negative_slope": math.nan}}, "negative_slope: Input should be a finite"),
        ({"tanh": 3}, "'tanh' has no parameter '3'; it takes no values"),
        ("threshold", "needs values for threshold and default_value"),
        ({"rleu": 1}, "unknown activation 'rleu'; did you mean 'relu'?"),
        ({"relu": 1, "elu": 2}, "expected an activation function"),
        (["relu"], "expected an activation function"),
    ],
)
def test_values_that_do_not_fit(given, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        Activation.from_fields({"activation": given})


@pytest.mark.parametrize("kind", [LSTMCell, GRUCell, SimpleRNNCell])
def test_a_cell_refuses_a_function_that_changes_its_state(kind):
    with pytest.raises(ShapeError, match="glu changes the shape of a state"):
        kind(units=4, activation="glu").state_shapes((None, 3))


def test_the_axis_of_a_function_has_to_be_there():
    layer = Activation(activation={"softmax": {"axis": 3}})
    with pytest.raises(ShapeError, match="axis 3 does not exist in a tensor of 3 axes"):
        layer.output_shape(((None, 4, 3),))
    glu = Activation(activation={"glu": {"axis": 1}})
    assert glu.output_shape(((None, 4, 3),)) == (None, 2, 3)
    with pytest.raises(ShapeError, match="glu needs a known length along axis 1"):
        glu.output_shape(((None, None, 3),))
