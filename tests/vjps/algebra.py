"""Cases of matrix products and reductions."""

from __future__ import annotations

import numpy as np

from specc.graph import Graph, Value
from tests.gradcheck import spaced
from tests.vjps.cases import case, ints, node, positive

MATRICES = [
    ((3, 4), (4, 2)),
    ((2, 3, 4), (4, 2)),
    ((2, 3, 4), (2, 4, 2)),
    ((3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((4,), (4, 2)),
]
for left, right in MATRICES:
    name = f"{'x'.join(map(str, left))}-{'x'.join(map(str, right))}"
    case("MatMul", name, node("MatMul"), spaced(*left), spaced(*right, seed=1))
case("MatMul", "batch", node("MatMul"), spaced(3, 4), spaced(4, 2), batch=[0])
case("MatMul", "batch-3-axes", node("MatMul"), spaced(3, 2, 4), spaced(4, 2), batch=[0])
case("MatMul", "batch-both", node("MatMul"), spaced(3, 2, 4), spaced(3, 4, 2), batch=[0, 1])

for flip_a in (0, 1):
    for flip_b in (0, 1):
        a, b = (spaced(3, 4), spaced(4, 2, seed=1))
        a, b = (a.T if flip_a else a), (b.T if flip_b else b)
        gemm = node("Gemm", transA=flip_a, transB=flip_b)
        case("Gemm", f"{flip_a}{flip_b}-row", gemm, a, b, spaced(2))
        case("Gemm", f"{flip_a}{flip_b}-column", gemm, a, b, spaced(3, 1))
case("Gemm", "no-bias", node("Gemm"), spaced(3, 4), spaced(4, 2), batch=[0])
case("Gemm", "scalar-bias", node("Gemm"), spaced(3, 4), spaced(4, 2), np.array(0.5), batch=[0])
case("Gemm", "whole-bias", node("Gemm"), spaced(3, 4), spaced(4, 2), spaced(3, 2), batch=[0, 2])
case("Gemm", "factors", node("Gemm", alpha=0.5, beta=2.0, transB=1),
     spaced(3, 4), spaced(2, 4), spaced(2))  # fmt: skip
case("Einsum", "matmul", node("Einsum", equation="bij,bjk->bik"),
     spaced(2, 3, 4), spaced(2, 4, 2))  # fmt: skip
case("Einsum", "outer", node("Einsum", equation="i,j->ij"), spaced(3), spaced(4))
case("Einsum", "heads", node("Einsum", equation="nqhd,nkhd->nhqk"),
     spaced(2, 3, 2, 4), spaced(2, 3, 2, 4, seed=1), batch=[0, 1])  # fmt: skip

for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
    for axes in ((0,), (1,), (-1,), (0, 2), (0, 1, 2)):
        for keep in (0, 1):
            name = f"{'_'.join(map(str, axes))}-{'kept' if keep else 'dropped'}"
            build = node(op, ints(*axes), keepdims=keep)
            case(op, name, build, spaced(3, 2, 4), batch=[0])
    case(op, "all", node(op, keepdims=0), spaced(3, 4))
case("ReduceMean", "fixed", node("ReduceMean", ints(0), keepdims=0), spaced(3, 4))
case("ReduceProd", "middle", node("ReduceProd", ints(1), keepdims=0), positive(2, 3, 2))


def _largest(g: Graph, x: Value) -> Value:
    return g.ops("TopK", x, g.ints(2), outputs=2, axis=-1, largest=1, sorted=1)[0]


def _sorted(g: Graph, x: Value) -> Value:
    return g.ops("TopK", x, g.ints(3), outputs=2, axis=0, largest=0, sorted=1)[0]


case("TopK", "two", _largest, spaced(3, 4), batch=[0])
case("TopK", "sort-first-axis", _sorted, spaced(3, 4))
