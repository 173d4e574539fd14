"""Gradients at kinks and ties, where differences say nothing: the rules' documented choices.

Oracle: the values follow from what the docstrings and Keras on TensorFlow say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from specc.autodiff import gradients
from specc.graph import Graph, Value
from specc.onnx_model import to_bytes
from specc.vjps.movement import inverse_table
from tests.gradcheck import Build
from tests.vjps.cases import ints, node, window


def grads(build: Build, *inputs: Sequence[object]) -> list[list[float]]:
    """Gradients of the sum of the output."""
    g = Graph()
    arrays = [np.asarray(x, float) for x in inputs]
    xs = [g.input(f"x{i}", "float64", a.shape) for i, a in enumerate(arrays)]
    y: Value = build(g, *xs)
    found = gradients(g, [(y, g.const(np.ones(y.shape)))], xs)
    outputs = {f"dx{i}": dx for i, dx in enumerate(found) if dx is not None}
    model = ReferenceEvaluator(to_bytes(g, "ties", xs, outputs))
    return [v.tolist() for v in model.run(None, {f"x{i}": a for i, a in enumerate(arrays)})]


KINKS = [
    ("Relu", node("Relu"), [-1, 0, 1], [0, 0, 1]),
    ("Relu of denormals", node("Relu"), [-1e-30, 1e-30], [0, 1]),
    ("LeakyRelu", node("LeakyRelu", alpha=0.1), [-1, 0, 1], [0.1, 0.1, 1]),
    ("Elu", node("Elu", alpha=2.0), [0, 1], [2, 1]),
    ("Abs", node("Abs"), [-1, 0, 1], [-1, 0, 1]),
    ("Clip", node("Clip", -1.0, 1.0), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),
    ("HardSigmoid", node("HardSigmoid", alpha=1.0, beta=0.0), [0, 0.5, 1], [0, 1, 0]),
    ("ReduceMax", node("ReduceMax", ints(0), keepdims=0), [2, 3, 3, 1], [0, 0.5, 0.5, 0]),
    ("ReduceMin", node("ReduceMin", ints(0), keepdims=0), [2, 2, 3, 2], [1 / 3, 1 / 3, 0, 1 / 3]),
    ("Cast", lambda g, x: g.cast(g.cast(x * 3.0, "float32"), "float64"), [0.5], [3]),
    ("Floor", lambda g, x: x * g.op("Floor", x), [2.5], [2]),
    ("Sign", lambda g, x: x * g.op("Sign", x), [-2.5], [-1]),
]


@pytest.mark.parametrize(("build", "x", "dx"), [k[1:] for k in KINKS], ids=[k[0] for k in KINKS])
def test_kink(build: Build, x: list[float], dx: list[float]) -> None:
    (found,) = grads(build, x)
    np.testing.assert_allclose(found, dx)


@pytest.mark.parametrize(("op", "left"), [("Max", [1, 0.5, 0]), ("Min", [0, 0.5, 1])])
def test_larger_and_smaller_share_ties(op: str, left: list[float]) -> None:
    a, b = grads(node(op), [2, 2, 2], [1, 2, 3])
    assert a == left
    assert b == [1 - each for each in left]


def test_first_maximum_of_a_window_has_the_gradient() -> None:
    image = [[1, 1, 3, 3], [1, 1, 2, 3], [0, 0, 5, 4], [0, 0, 5, 5]]
    attrs = window((2, 2), (2, 2))
    (dx,) = grads(node("MaxPool", **attrs), [[image]])
    assert dx == [[[[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]]]


def test_overlapping_windows_may_choose_the_same_pixel() -> None:
    attrs = window((2,), (1,))
    (dx,) = grads(node("MaxPool", **attrs), [[[1, 7, 7, 1]]])
    assert dx == [[[0, 2, 1, 0]]]


def test_padding_never_wins() -> None:
    attrs = window((2,), (2,), (1, 1))
    (dx,) = grads(node("MaxPool", **attrs), [[[-9, -9, -9, -9]]])
    assert dx == [[[1, 1, 0, 1]]]


@pytest.mark.parametrize(
    "attrs", [window((2,), dilations=(2,)), window((2,), (2,), ceil_mode=1)], ids=str
)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pools_that_no_target_makes_are_refused(op: str, attrs: dict[str, object]) -> None:
    if op == "AveragePool":
        attrs = {k: v for k, v in attrs.items() if k != "dilations"} | {"ceil_mode": 1}
    with pytest.raises(TypeError, match="no gradient rule"):
        grads(node(op, **attrs), [[[1, 2, 3, 4, 5]]])


def test_inverse_table_lists_readers() -> None:
    table = inverse_table([2, 0, 2, 2], 4)
    assert table.tolist() == [[1, 4, 0, 4], [4, 4, 2, 4], [4, 4, 3, 4]]
