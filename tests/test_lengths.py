"""Lengths at run time. Oracles: NumPy's shapes on ONNX's reference evaluator's results."""

from __future__ import annotations

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from specc.graph import Graph, Value
from specc.lengths import expanded, length, lengths, summed_up
from specc.onnx_model import to_bytes
from specc.tensors import BATCH, Dims, Sym


def made(*shapes: Dims) -> tuple[Graph, list[Value]]:
    g = Graph()
    return g, [g.input(f"x{i}", "float64", shape) for i, shape in enumerate(shapes)]


def run(g: Graph, value: Value, **arrays: np.ndarray) -> np.ndarray:
    model = to_bytes(g, "test", g.inputs, {"y": value})
    (found,) = ReferenceEvaluator(model).run(None, arrays)
    return found


def counted(g: Graph, value: Value) -> list[str]:
    return [node.op for node in g.live([value])]


@pytest.mark.parametrize("dim", [BATCH, Sym(6), Sym(3), Sym(2)])
@pytest.mark.parametrize("held", [(BATCH, 5), (5, Sym(2)), (Sym(4),)])
def test_a_length_is_a_multiple_of_the_batch(held: Dims, dim: Sym) -> None:
    g, (x,) = made(held)
    array = np.zeros([7 * d.factor if isinstance(d, Sym) else d for d in held])
    y = g.op("Exp", x)
    assert run(g, length(y, dim), x0=array) == 7 * dim.factor
    found = run(g, lengths(y, (2, 3, dim, 4)), x0=array)
    assert found.tolist() == [2, 3, 7 * dim.factor, 4]


def test_the_first_input_is_asked_whatever_is_at_hand() -> None:
    g, (x, z) = made((BATCH, 3), (BATCH, 3))
    first = expanded(g.const([[1.0]]), (BATCH, 3), g.op("Exp", x))
    again = expanded(g.const([[1.0]]), (BATCH, 3), g.op("Add", z, g.op("Exp", x)))
    assert first is again
    alone = expanded(g.const([[1.0]]), (BATCH, 3), g.op("Exp", z))
    # An input that a value is not made of may be missing from the graph.
    assert alone is not first
    assert "x0" not in {v.name for n in g.live([alone]) for v in n.inputs if v is not None}


def test_bodies_ask_their_own_inputs() -> None:
    g, (x, state) = made((4, BATCH, 2), (BATCH, 2))

    def step(body: Graph, states: tuple[Value, ...], rows: tuple[Value, ...]):
        ones = expanded(body.const([[1.0]]), (BATCH, 2), rows[0])
        return (body.op("Add", states[0], g_times(body, ones, rows[0])),), ()

    def g_times(body: Graph, a: Value, b: Value) -> Value:
        return body.op("Max", a, b)

    last, *_ = g.scan([state], [x], step)
    array = np.random.default_rng(0).normal(size=(4, 3, 2))
    found = run(g, last, x0=array, x1=np.zeros((3, 2)))
    np.testing.assert_allclose(found, np.maximum(array, 1).sum(0))


@pytest.mark.parametrize(
    ("shape", "sums", "size"),
    [
        ((BATCH, 4), (), 20),
        ((BATCH, 4), (BATCH,), 4),
        ((BATCH, 4), (4,), 5),
        ((Sym(2), 3), (2,), 15),
        ((Sym(2), 3), (BATCH, 3), 2),
        ((3, 4), (3,), 4),
        ((BATCH, 3), (2,), 7.5),
    ],
)
def test_how_much_a_sum_has_summed_up(shape: Dims, sums: Dims, size: float) -> None:
    g, (x, y) = made(shape, sums)
    arrays = {
        name: np.zeros([5 * d.factor if isinstance(d, Sym) else d for d in dims])
        for name, dims in (("x0", shape), ("x1", sums))
    }
    found = summed_up(g.op("Exp", x), g.op("Exp", y))
    assert run(g, found, **arrays) == size
    if size != 7.5:
        assert "Size" not in counted(g, found)


def test_all_with_all_are_counted_at_run_time() -> None:
    g, (x,) = made((BATCH, BATCH, 2))
    found = summed_up(x, g.reduce("ReduceSum", x, [0, 1, 2]))
    assert run(g, found, x0=np.zeros((3, 3, 2))) == 18


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("first", [True, False])
def test_operators_make_copies_themselves(op: str, first: bool) -> None:
    g, (x, row) = made((BATCH, 3), (1, 3))
    copies = expanded(row, (BATCH, 3), x)
    y = g.op(op, copies, x) if first else g.op(op, x, copies)
    assert counted(g, y) == [op]
    a, b = np.random.default_rng(1).uniform(1, 2, (5, 3)), np.array([[1.0, 2.0, 4.0]])
    numpy = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}[op]
    expected = numpy(b, a) if first else numpy(a, b)
    np.testing.assert_allclose(run(g, y, x0=a, x1=b), expected)


def test_copies_that_decide_the_shape_stay() -> None:
    g, (x, row) = made((BATCH, 3), (1, 3))
    y = g.op("Add", expanded(row, (BATCH, 3), x), g.const([[1.0, 1.0, 1.0]]))
    assert y.shape == (BATCH, 3)
    found = run(g, y, x0=np.zeros((5, 3)), x1=np.zeros((1, 3)))
    assert found.tolist() == [[1.0] * 3] * 5
    twice = g.op("Mul", expanded(row, (BATCH, 3), x), expanded(row, (BATCH, 3), x))
    assert twice.shape == (BATCH, 3)
