"""The graph builder: types, equal nodes, exact simplifications, and the models it writes.

Oracles: NumPy on ONNX's reference evaluator's results, ONNX's checker.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from specc.errors import InternalError
from specc.graph import Graph, Value
from specc.lengths import expanded
from specc.onnx_model import to_bytes
from specc.tensors import BATCH, Dims, Sym

N2 = Sym(2)


def make() -> tuple[Graph, Value]:
    g = Graph()
    return g, g.input("x", "float64", (BATCH, 3, 4))


def run(g: Graph, value: Value, *arrays: np.ndarray) -> np.ndarray:
    model = to_bytes(g, "test", g.inputs, {"y": value})
    feeds = {x.name: a for x, a in zip(g.inputs, arrays, strict=True)}
    (found,) = ReferenceEvaluator(model).run(None, feeds)
    return found


X = np.arange(24.0).reshape(2, 3, 4)


def test_equal_nodes_are_made_once() -> None:
    g, x = make()
    assert g.op("Softmax", x, axis=1) is g.op("Softmax", x, axis=1)
    assert g.op("Softmax", x, axis=1) is not g.op("Softmax", x, axis=2)
    assert g.op("Add", x, x) is not g.op("Mul", x, x)
    assert g.op("Transpose", x, perm=[0, 2, 1]) is g.op("Transpose", x, perm=(0, 2, 1))


def test_equal_constants_are_stored_once_unless_types_differ() -> None:
    g = Graph()
    assert g.const(1.0) is g.const(np.float64(1.0))
    assert g.const(1.0) is not g.const(1.0, "float32")
    assert g.const([1.0]) is not g.const(1.0)
    assert g.const(np.zeros((2, 3))) is not g.const(np.zeros((3, 2)))


def test_numbers_take_the_type_of_the_value() -> None:
    g = Graph()
    x = g.input("x", "float32", (2,))
    for y in (x + 1, x - 2.5, 2.5 - x, x * 3, x / 4, -x):
        assert y.dtype == "float32"


@pytest.mark.parametrize("shape", [(BATCH, 12), (Sym(3), 4), (Sym(12),), (BATCH, 1, 3, 2, 2)])
def test_reshape(shape: Dims) -> None:
    g, x = make()
    y = g.reshape(x, shape)
    assert y.shape == shape
    lengths = [2 * d.factor if isinstance(d, Sym) else d for d in shape]
    np.testing.assert_array_equal(run(g, y, X), X.reshape(lengths))


def test_reshapes_collapse() -> None:
    g, x = make()
    y = g.reshape(g.reshape(x, (BATCH, 12)), (BATCH, 4, 3))
    assert [node.op for node in g.live([y])] == ["Reshape"]
    assert g.reshape(y, x.shape) is x
    assert g.reshape(x, x.shape) is x


def test_reshape_of_a_constant_is_a_constant() -> None:
    g = Graph()
    y = g.reshape(g.const(np.arange(6.0)), (2, 3))
    assert y.const is not None
    assert y.const.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_reshape_to_another_number_of_elements_is_a_bug() -> None:
    g, x = make()
    with pytest.raises(InternalError):
        g.reshape(x, (BATCH, 13))
    with pytest.raises(InternalError):
        g.reshape(x, (Sym(2), 12))


def test_transposes_collapse() -> None:
    g, x = make()
    y = g.transpose(g.transpose(x, [1, 2, 0]), [2, 1, 0])
    assert [node.op for node in g.live([y])] == ["Transpose"]
    np.testing.assert_array_equal(run(g, y, X), X.transpose(1, 2, 0).transpose(2, 1, 0))
    assert g.transpose(g.transpose(x, [1, 2, 0]), [2, 0, 1]) is x
    assert g.transpose(x, [0, 1, 2]) is x


def test_moving_axes_of_length_1_is_a_reshape() -> None:
    g = Graph()
    x = g.input("x", "float64", (BATCH, 1, 4, 1))
    y = g.transpose(x, [1, 0, 3, 2])
    assert y.shape == (1, BATCH, 1, 4)
    assert [node.op for node in g.live([y])] == ["Reshape"]
    value = np.arange(8.0).reshape(2, 1, 4, 1)
    np.testing.assert_array_equal(run(g, y, value), value.transpose(1, 0, 3, 2))


def test_transpose_of_a_constant_is_a_constant() -> None:
    g = Graph()
    y = g.transpose(g.const(np.arange(6.0).reshape(2, 3)), [1, 0])
    assert y.const is not None
    assert y.const.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_cast() -> None:
    g, x = make()
    assert g.cast(x, "float64") is x
    assert g.cast(x, "int32").dtype == "int32"
    half = g.cast(g.const([1.7, -1.7]), "int64")
    assert half.const is not None
    assert half.const.tolist() == [1, -1]


def test_reduce_over_no_axes_is_nothing() -> None:
    g, x = make()
    assert g.reduce("ReduceSum", x, []) is x


@pytest.mark.parametrize(
    ("small", "shape", "lengths"),
    [
        ((1, 1, 1), (BATCH, 3, 4), (2, 3, 4)),
        ((1, 3, 1), (BATCH, 3, 5), (2, 3, 5)),
        ((1, 1), (N2, 7), (4, 7)),
        ((), (5, BATCH), (5, 2)),
        ((1, 3), (2, 3), (2, 3)),
    ],
)
def test_expand(small: Dims, shape: Dims, lengths: tuple[int, ...]) -> None:
    g, x = make()
    y = expanded(g.reshape(g.const(np.arange(float(np.prod(small)))), small), shape, x)
    assert y.shape == shape
    expected = np.broadcast_to(np.arange(float(np.prod(small))).reshape(small), lengths)
    np.testing.assert_array_equal(run(g, y, X), expected)


def test_expand_takes_the_batch_from_a_multiple() -> None:
    g = Graph()
    like = g.input("x", "float64", (3, Sym(6)))
    y = expanded(g.const(np.ones((1, 2))), (BATCH, 2), like)
    assert run(g, y, np.zeros((3, 12))).shape == (2, 2)


TYPES: list[tuple[Callable[[Graph, Value], Value], str, Dims]] = [
    (lambda g, x: g.op("Shape", x), "int64", (3,)),
    (lambda g, x: g.op("Size", x), "int64", ()),
    (lambda g, x: g.op("Greater", x, x), "bool", (BATCH, 3, 4)),
    (lambda g, x: g.op("Concat", x, x, axis=0), "float64", (N2, 3, 4)),
    (lambda g, x: g.op("ArgMax", x, axis=0, keepdims=0), "int64", (3, 4)),
    (lambda g, x: g.op("Gather", x, g.ints(1, 1), axis=1), "float64", (BATCH, 2, 4)),
    (lambda g, x: g.op("MatMul", x, g.const(np.ones((4, 5)))), "float64", (BATCH, 3, 5)),
]


@pytest.mark.parametrize(("build", "dtype", "shape"), TYPES)
def test_types_follow_the_batch(
    build: Callable[[Graph, Value], Value], dtype: str, shape: Dims
) -> None:
    g, x = make()
    y = build(g, x)
    assert (y.dtype, y.shape) == (dtype, shape)


def test_a_node_that_onnx_refuses_is_a_bug_that_names_it() -> None:
    g, x = make()
    with pytest.raises(InternalError, match="MatMul"):
        g.op("MatMul", x, g.const(np.ones((5, 4))))
    with pytest.raises(InternalError, match="no multiple of the batch"):
        g.op("Slice", x, g.ints(1), g.ints(2**62), g.ints(0), g.ints(1))


def test_scopes_name_nodes() -> None:
    g, x = make()
    with g.scope("outer"), g.scope("dense/1"):
        y = g.op("Exp", x)
    assert y.name == "outer/dense/1/Exp_0"
    assert y.node is not None
    assert y.node.scope == "outer/dense/1"
    assert g.scopes == []


def test_unused_nodes_are_not_written() -> None:
    g, x = make()
    g.op("Sin", x)
    y = g.op("Exp", g.op("Cos", x))
    model = onnx.load_from_string(to_bytes(g, "test", g.inputs, {"y": y}))
    assert [node.op_type for node in model.graph.node] == ["Cos", "Exp"]


def test_unused_inputs_are_declared() -> None:
    g, x = make()
    g.input("unused", "int64", (BATCH,))
    model = onnx.load_from_string(to_bytes(g, "test", g.inputs, {"y": g.op("Exp", x)}))
    assert [value.name for value in model.graph.input] == ["x", "unused"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_outputs_may_be_inputs_constants_and_each_other() -> None:
    g, x = make()
    y = g.op("Exp", x)
    outputs = {"same": x, "fixed": g.const([1.0, 2.0]), "y": y, "again": y}
    model = to_bytes(g, "test", g.inputs, outputs)
    found = dict(zip(outputs, ReferenceEvaluator(model).run(None, {"x": X}), strict=True))
    np.testing.assert_array_equal(found["same"], X)
    assert found["fixed"].tolist() == [1, 2]
    np.testing.assert_array_equal(found["y"], found["again"])


@pytest.mark.parametrize("name", ["const_0", "Exp_0", "block/Exp_1"])
def test_names_of_users_never_clash_with_the_graph_s_own(name: str) -> None:
    g = Graph()
    x = g.input(name, "float64", (2,))
    y = g.op("Exp", x * 2.0)
    with g.scope("block"):
        z = g.op("Exp", y) + y
    assert run(g, z, np.zeros(2)).tolist() == [1 + np.e] * 2
    g = Graph()
    x = g.input("x", "float64", (2,))
    y = g.op("Exp", x)
    with g.scope("block"):
        z = g.op("Exp", y * 2.0)
    model = ReferenceEvaluator(to_bytes(g, "test", [x], {name: z, "other": y}))
    found = model.run(None, {"x": np.zeros(2)})
    np.testing.assert_allclose(found, [[np.exp(2)] * 2, [1, 1]])


def test_an_undeclared_input_is_a_bug() -> None:
    g, x = make()
    with pytest.raises(InternalError, match="no input of it"):
        to_bytes(g, "test", [], {"y": g.op("Exp", x)})


def test_the_same_graph_has_the_same_bytes() -> None:
    def written() -> bytes:
        g, x = make()
        y = g.op("Softmax", g.transpose(x, [0, 2, 1]) * 2.0, axis=1)
        return to_bytes(g, "test", g.inputs, {"y": y}, {"a": "1", "b": "2"})

    assert written() == written()


def test_metadata_is_written() -> None:
    g, x = make()
    model = onnx.load_from_string(to_bytes(g, "test", [x], {"y": -x}, {"spec": "abc"}))
    assert [(p.key, p.value) for p in model.metadata_props] == [("spec", "abc")]
