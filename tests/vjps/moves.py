"""Cases of ops that move elements."""

from __future__ import annotations

import numpy as np

from specc.graph import Graph, Value
from specc.lengths import expanded
from specc.tensors import Sym
from tests.gradcheck import spaced
from tests.vjps.cases import case, ints, node

X = spaced(3, 5, 4)

case("Reshape", "fold", lambda g, x: g.reshape(x, (x.shape[0], 20)) * 2.0, X, batch=[0])
case("Reshape", "unfold", node("Reshape", ints(-1, 2, 2)), X)
case("Transpose", "cycle", lambda g, x: g.transpose(x, [1, 2, 0]), X, batch=[0])
case("Transpose", "swap", node("Transpose", perm=(0, 2, 1)), X)
case("Expand", "middle", node("Expand", ints(3, 5, 4)), spaced(3, 1, 4))
case("Expand", "new-axes", node("Expand", ints(2, 3, 1, 4)), spaced(4))
case("Expand", "batch", lambda g, x, y: expanded(x, y.shape, y), spaced(1, 2), spaced(3, 2),
     batch=[1])  # fmt: skip


case("Expand", "multiple-of-batch", lambda g, x, y: expanded(x, (Sym(2), 3), y), spaced(1, 3),
     spaced(2, 2), batch=[1])  # fmt: skip

case("Concat", "three", node("Concat", axis=1), X, spaced(3, 1, 4), spaced(3, 2, 4),
     batch=[0, 1, 2])  # fmt: skip
case("Concat", "last", node("Concat", axis=-1), X, spaced(3, 5, 1))
case("Concat", "itself", lambda g, x: g.op("Concat", x, x, axis=1), X)


def _parts(*used: int, axis: int = 1):
    def build(g: Graph, x: Value) -> list[Value]:
        sizes = (1, 3, 1) if axis == 1 else (2, 1, 1)
        parts = g.ops("Split", x, g.ints(*sizes), outputs=3, axis=axis)
        return [parts[k] * float(k + 1) for k in used]

    return build


case("Split", "all", _parts(0, 1, 2), X, batch=[0])
case("Split", "middle-unused", _parts(0, 2), X, batch=[0])
case("Split", "one-used", _parts(1, axis=-1), X)

SLICES = [
    ("inner", [1], [4], [1], [1]),
    ("to-end", [2], [2**62], [1], [1]),
    ("step", [1], [5], [1], [2]),
    ("step-leaves-rest", [0], [4], [1], [3]),
    ("step-past-half", [3], [5], [1], [4]),
    ("back", [4], [-(2**62)], [1], [-1]),
    ("back-part", [3], [0], [1], [-1]),
    ("back-step", [4], [-(2**62)], [1], [-2]),
    ("back-step-leaves-rest", [3], [-(2**62)], [1], [-3]),
    ("back-from-beyond", [9], [-(2**62)], [1], [-2]),
    ("from-the-end", [-3], [-1], [1], [1]),
    ("from-the-end-step", [-4], [2**62], [1], [3]),
    ("from-before", [-9], [2], [1], [1]),
    ("negative-axis", [1], [3], [-1], [1]),
    ("two-axes", [1, 2], [5, 0], [1, 2], [2, -1]),
]
for name, starts, stops, axes, steps in SLICES:
    build = node("Slice", ints(*starts), ints(*stops), ints(*axes), ints(*steps))
    case("Slice", name, build, X, batch=[0])

case("Pad", "zeros", node("Pad", ints(0, 1, 2, 0, 3, 0), 0.0, mode="constant"), X,
     batch=[0])  # fmt: skip
case("Pad", "value", node("Pad", ints(1, 0, 0, 0, 0, 2), 7.0, mode="constant"), X)

GATHERS = [
    ("permutation", ints(4, 0, 3, 1, 2), 1),
    ("some", ints(3, 0), 1),
    ("repeated", ints(1, 1, 4, 1), 1),
    ("negative", ints(-1, 0, -1), 1),
    ("table", np.array([[0, 2], [2, 2], [4, 0]]), 1),
    ("scalar", np.int64(2), 1),
    ("last-axis", ints(3, 1), 2),
    ("negative-axis", ints(3, 1), -2),
    ("negative-axis-all", ints(3, 1, 0, 2), -1),
]
for name, indices, axis in GATHERS:
    case("Gather", name, node("Gather", indices, axis=axis), X, batch=[0])
case("Gather", "first-axis", node("Gather", ints(2, 2), axis=0), X)
case("Gather", "rows-of-the-batch", node("Gather", ints(2, 2, 0), axis=0), X, batch=[0])
case("Gather", "default-axis", node("Gather", ints(2, 0)), X)
for name, ids in [
    ("run-time", ints(0, 2, 2, 1)),
    ("run-time-table", np.array([[0, 4], [4, -1]])),
    ("run-time-scalar", np.int64(1)),
    ("run-time-int32", np.array([0, 4, 0], np.int32)),
]:
    case("Gather", name, lambda g, x, i: g.op("Gather", x, i, axis=0), spaced(5, 2), ids)
case("Gather", "run-time-batch", lambda g, x, i: g.op("Gather", x, i, axis=0), spaced(5, 2),
     np.array([[0, 4], [4, 3], [0, 0]]), batch=[1])  # fmt: skip
