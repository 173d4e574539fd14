"""Scalar factors that join matrix products.

Oracle: NumPy's products in float64 beside the reference evaluator's of the folded graph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from specc.graph import Graph, Value
from specc.onnx_model import to_bytes
from specc.scales import fold_scales
from specc.tensors import BATCH

RANDOM = np.random.default_rng(3)
X, W, C = (RANDOM.standard_normal(s).astype("f") for s in ((4, 3), (3, 5), (5,)))
BY = 0.3
Build = Callable[[Graph, Value, Value, Value], "Value | list[Value]"]


def folded(build: Build) -> tuple[list[np.ndarray], list[str]]:
    """Results of the graph after folding, and the ops that are left."""
    g = Graph()
    inputs = [g.input("x", "float32", (BATCH, 3)), *(g.input(n, "float32", a.shape) for n, a in
              (("w", W), ("c", C)))]  # fmt: skip
    made = build(g, *inputs)
    # Results keep their values; what only feeds them may change.
    outputs = [g.op("Tanh", y) for y in (made if isinstance(made, list) else [made])]
    fold_scales(g, outputs)
    model = to_bytes(g, "test", g.inputs, {f"y{i}": y for i, y in enumerate(outputs)})
    found = ReferenceEvaluator(model).run(None, {"x": X, "w": W, "c": C})
    return [np.asarray(y) for y in found], [node.op for node in g.live(outputs)]


def behind(g: Graph, x: Value, w: Value, c: Value) -> Value:
    del c
    return g.transpose(g.reshape(g.op("Gemm", x, w), (BATCH, 5, 1)), (1, 0, 2)) * BY


def with_bias(g: Graph, x: Value, w: Value, c: Value) -> Value:
    return g.op("Gemm", x, w, c, alpha=2.0) * BY


def biased_behind(g: Graph, x: Value, w: Value, c: Value) -> Value:
    return -((g.op("Gemm", x, w) + c) * BY)


def two_biases(g: Graph, x: Value, w: Value, c: Value) -> Value:
    """Two factors of the same op in the same scope, whose names have to differ."""
    return ((g.op("Gemm", x, w) + c) * BY) + ((g.op("Gemm", g.op("Exp", x), w) + c) * 0.5)


def before(g: Graph, x: Value, w: Value, c: Value) -> list[Value]:
    scaled = g.op("Exp", x) * BY
    turned = g.transpose(scaled, (1, 0))
    return [g.op("Gemm", scaled, w, c), g.op("Gemm", w, turned, transA=1)]


def by_a_number(g: Graph, x: Value, w: Value, c: Value) -> Value:
    del c
    number = g.op("Reciprocal", g.reduce("ReduceSum", g.op("Exp", w), [0, 1]))
    return g.reshape(number * g.op("Exp", x), (BATCH, 1, 3)) * BY


EXP = np.exp(X.astype(float))
CASES: dict[str, tuple[Build, list[np.ndarray], int]] = {
    "behind": (behind, [((X.astype(float) @ W) * BY).T[..., None]], 0),
    "with-bias": (with_bias, [(2 * X.astype(float) @ W + C) * BY], 0),
    # What is left multiplies the bias, which is small.
    "biased-behind": (biased_behind, [-(X.astype(float) @ W + C) * BY], 1),
    "two-biases": (
        two_biases,
        [BY * (X.astype(float) @ W + C) + 0.5 * (np.exp(X.astype(float)) @ W + C)],
        2,
    ),
    "before": (before, [BY * EXP @ W + C, (BY * EXP @ W).T], 0),
    # The number takes the factor.
    "by-a-number": (by_a_number, [(BY / np.exp(W.astype(float)).sum() * EXP)[:, None]], 2),
}


@pytest.mark.parametrize("name", CASES)
def test_factors_join_products(name: str) -> None:
    build, expected, left = CASES[name]
    found, ops = folded(build)
    assert sum(op in {"Mul", "Neg"} for op in ops) == left
    for y, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, np.tanh(wanted), rtol=2e-6, atol=2e-6)


def read_twice(g: Graph, x: Value, w: Value, c: Value) -> list[Value]:
    del c
    y = g.op("Gemm", x, w)
    return [g.op("Exp", y), y * BY]


def read_by_others(g: Graph, x: Value, w: Value, c: Value) -> list[Value]:
    del c
    scaled = g.op("Exp", x) * BY
    return [g.op("Gemm", scaled, w), g.op("Tanh", scaled)]


def squared(g: Graph, x: Value, w: Value, c: Value) -> Value:
    del c
    scaled = g.op("Exp", g.op("Gemm", x, w)) * BY
    return g.op("Gemm", scaled, scaled, transB=1)


def product() -> np.ndarray:
    return X.astype(float) @ W


KEPT: dict[str, tuple[Build, list[np.ndarray]]] = {
    "a product that others read": (read_twice, [np.exp(product()), product() * BY]),
    "a factor that others read": (read_by_others, [BY * EXP @ W, np.tanh(BY * EXP)]),
    "both factors": (squared, [BY**2 * np.exp(product()) @ np.exp(product()).T]),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_others_read_is_kept(name: str) -> None:
    build, expected = KEPT[name]
    found, ops = folded(build)
    assert ops.count("Mul") == 1
    for y, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, np.tanh(wanted), rtol=5e-6, atol=5e-6)


def test_results_keep_their_values() -> None:
    g = Graph()
    x, w = g.input("x", "float32", (BATCH, 3)), g.input("w", "float32", W.shape)
    y = g.op("Gemm", x, w)
    fold_scales(g, [y * BY])
    assert [node.op for node in g.nodes] == ["Gemm", "Mul"]
    assert not g.nodes[0].attrs
