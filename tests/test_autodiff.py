"""The engine: pruning, accumulation, broadcasting, adjoints of values, errors."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from specc.autodiff import flat_ops, gradients, no_gradient, rules, unbroadcast, vjp
from specc.errors import InternalError, MissingRuleError
from specc.graph import Adjoint, Graph, Value
from specc.onnx_model import to_bytes
from specc.tensors import BATCH, Sym
from tests.gradcheck import gradcheck, spaced, vjps

__all__ = ["vjps"]


def evaluate(g: Graph, feeds: dict[str, np.ndarray], *values: Value) -> list[np.ndarray]:
    outputs = {f"y{i}": value for i, value in enumerate(values)}
    return ReferenceEvaluator(to_bytes(g, "test", g.inputs, outputs)).run(None, feeds)


def ones(g: Graph, y: Value) -> Value:
    return g.const(np.ones([d for d in y.shape if isinstance(d, int)]), y.dtype)


def test_uses_of_a_value_add_up() -> None:
    gradcheck(lambda g, x: g.op("Exp", x) * x + g.op("Sin", x) * x, spaced(3, 2))


def test_seeds_of_one_value_add_up() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = x * x
    (dx,) = gradients(g, [(y, ones(g, y)), (y, ones(g, y) * 2.0)], [x])
    assert dx is not None
    (found,) = evaluate(g, {"x": np.array([1.0, 5.0])}, dx)
    assert found.tolist() == [6, 30]


def test_gradients_of_a_value_and_of_what_it_is_made_of() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    middle = x * 3.0
    y = middle * middle
    by_middle, by_x, by_y = gradients(g, [(y, ones(g, y))], [middle, x, y])
    assert by_middle is not None
    assert by_x is not None
    assert by_y is not None
    found = evaluate(g, {"x": np.array([1.0, 2.0])}, by_middle, by_x, by_y)
    assert [v.tolist() for v in found] == [[6, 12], [18, 36], [1, 1]]


def test_nothing_flows_where_nothing_depends() -> None:
    g = Graph()
    x, z = g.input("x", "float64", (2,)), g.input("z", "float64", (2,))
    y = g.op("Exp", x)
    assert gradients(g, [(y, ones(g, y))], [z]) == [None]
    assert [node.op for node in g.nodes] == ["Exp"]  # and nothing was built


@pytest.mark.parametrize("op", ["Floor", "Sign", "Round", "Ceil"])
def test_nothing_flows_through_flat_ops(op: str) -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = g.op(op, x)
    assert gradients(g, [(y, ones(g, y))], [x]) == [None]


def test_an_op_without_a_rule_behind_a_flat_one_does_not_matter() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = g.op("Mod", g.op("Floor", x), g.const(2.0), fmod=1)
    assert gradients(g, [(y, ones(g, y))], [x]) == [None]


def test_an_op_without_a_rule_behind_a_barrier_does_not_matter() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    barrier = g.op("Identity", x)
    barrier.adjoint = Adjoint((), lambda _dy: ())
    y = g.op("Acos", barrier) * x
    (dx,) = gradients(g, [(y, ones(g, y))], [x])
    assert dx is not None
    (found,) = evaluate(g, {"x": np.array([1.0, 0.0])}, dx)
    np.testing.assert_allclose(found, [0, np.pi / 2])


def test_missing_rule_names_op_place_and_file() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    with g.scope("block/odd_layer"):
        y = g.op("Acos", x)
    with pytest.raises(MissingRuleError, match=r"block/odd_layer: no gradient rule.*'Acos'"):
        gradients(g, [(y, ones(g, y))], [x])


def test_adjoint_replaces_the_rules_of_what_lies_inside() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = g.op("Acos", x)
    y.adjoint = Adjoint((x,), lambda dy: [dy * 10.0])
    z = y * 2.0
    (dx,) = gradients(g, [(z, ones(g, z))], [x])
    assert dx is not None
    assert evaluate(g, {"x": np.zeros(2)}, dx)[0].tolist() == [20, 20]


def test_adjoint_may_leave_inputs_out() -> None:
    g = Graph()
    x, z = g.input("x", "float64", (2,)), g.input("z", "float64", (2,))
    y = g.op("Acos", x + z)
    y.adjoint = Adjoint((x, z), lambda dy: [None, dy])
    dx, dz = gradients(g, [(y, ones(g, y))], [x, z])
    assert dx is None
    assert dz is not None


def test_reshape_and_transpose_do_not_look_through_an_adjoint() -> None:
    g = Graph()
    x = g.input("x", "float64", (2, 3))
    y = g.reshape(x, (6,))
    y.adjoint = Adjoint((x,), lambda dy: [g.reshape(dy * 10.0, (2, 3))])
    z = g.reshape(y, (3, 2))
    turned = g.transpose(z, [1, 0])
    turned.adjoint = Adjoint((z,), lambda dy: [g.transpose(dy * 3.0, [1, 0])])
    w = g.transpose(turned, [1, 0])
    (dx,) = gradients(g, [(w, ones(g, w))], [x])
    assert dx is not None
    assert evaluate(g, {"x": np.zeros((2, 3))}, dx)[0].tolist() == [[30] * 3] * 2


def test_a_rule_that_forgets_an_input_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("specc").autodiff._RULES, "Mul", lambda _g, _n, dy: [dy])
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = x * 2.0
    with pytest.raises(InternalError, match="1 of 2"):
        gradients(g, [(y, ones(g, y))], [x])


def test_a_seed_of_another_shape_is_a_bug() -> None:
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = g.op("Exp", x)
    with pytest.raises(InternalError, match="gradient"):
        gradients(g, [(y, g.const(np.ones(3)))], [x])


def test_two_rules_for_one_op_are_refused() -> None:
    with pytest.raises(InternalError, match="two gradient rules for Add"):
        vjp("Add")(lambda *_: [])
    with pytest.raises(InternalError, match="two gradient rules for Floor"):
        vjp("Floor")(lambda *_: [])
    with pytest.raises(InternalError, match="two gradient rules for Add"):
        no_gradient("Add")


def test_registries_are_sorted() -> None:
    assert list(rules()) == sorted(rules())
    assert flat_ops() == sorted(flat_ops())


@pytest.mark.parametrize(
    ("large", "small"),
    [
        ((2, 3), (3,)),
        ((2, 3), ()),
        ((2, 3), (2, 1)),
        ((4, 2, 3), (2, 1)),
        ((4, 1, 3), (1, 1, 3)),
        ((1, 3), (3,)),
    ],
)
def test_unbroadcast_sums_copies(large: tuple[int, ...], small: tuple[int, ...]) -> None:
    g = Graph()
    dx, x = g.input("dx", "float64", large), g.input("x", "float64", small)
    y = unbroadcast(g, dx, x)
    assert y.shape == small
    value = spaced(*large)
    (found,) = evaluate(g, {"dx": value, "x": np.zeros(small)}, y)
    # Oracle: a product of ones with an index of the small shape's elements.
    owner = np.broadcast_to(np.arange(int(np.prod(small))).reshape(small), large)
    sums = [value[owner == i].sum() for i in range(int(np.prod(small)))]
    np.testing.assert_allclose(found.ravel(), sums)


def test_unbroadcast_sums_over_the_open_batch() -> None:
    g = Graph()
    dx, x = g.input("dx", "float64", (Sym(2), 3)), g.input("x", "float64", (1, 3))
    assert unbroadcast(g, dx, x).shape == (1, 3)


def test_second_use_of_the_graph_keeps_the_first() -> None:
    g = Graph()
    x = g.input("x", "float64", (BATCH,))
    y = g.op("Exp", x)
    (first,) = gradients(g, [(y, y)], [x])
    (second,) = gradients(g, [(y, y)], [x])
    assert first is second  # equal nodes are made once


def test_embedding_gradients_are_exact_on_many_threads() -> None:
    # ScatterND's threads lose updates at repeated indices (onnxruntime issue 23396).
    g = Graph()
    table, ids = g.input("table", "float32", (20, 64)), g.input("ids", "int64", (BATCH,))
    y = g.op("Gather", table, ids, axis=0)
    u = g.input("u", "float32", y.shape)
    (dx,) = gradients(g, [(y, u)], [table])
    assert dx is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 4
    model = to_bytes(g, "embedding", g.inputs, {"dx": dx})
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    feeds = {
        "table": np.zeros((20, 64), np.float32),
        "ids": rng.integers(0, 20, 2048),
        "u": rng.integers(-4, 5, (2048, 64)).astype(np.float32),
    }
    expected = np.zeros((20, 64), np.float32)
    np.add.at(expected, feeds["ids"], feeds["u"])
    for _ in range(60):
        np.testing.assert_array_equal(session.run(None, feeds)[0], expected)
