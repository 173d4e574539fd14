"""Matrix products."""

from __future__ import annotations

from specc.autodiff import Grads, vjp
from specc.graph import Graph, Node, Value
from specc.tensors import product
from specc.vjps.elementwise import two


def swap(g: Graph, x: Value) -> Value:
    """The last two axes exchanged."""
    perm = list(range(x.rank))
    perm[-1], perm[-2] = perm[-2], perm[-1]
    return g.transpose(x, perm)


@vjp("MatMul")
def matmul(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = A B.  dA = dY B^T, dB = A^T dY.  Leading axes broadcast; the engine sums them."""
    a, b = two(node)
    if a.rank == 2 and b.rank == 2:  # noqa: PLR2004
        # Gemm transposes while it packs; a Transpose node would copy on one thread.
        return [g.op("Gemm", dy, b, transB=1), g.op("Gemm", a, dy, transA=1)]
    if b.rank == 2:  # noqa: PLR2004
        rows = product(a.shape[:-1])
        flat_a = g.reshape(a, (rows, a.shape[-1]))
        flat_dy = g.reshape(dy, (rows, dy.shape[-1]))
        da = g.reshape(g.op("Gemm", flat_dy, b, transB=1), a.shape)
        return [da, g.op("Gemm", flat_a, flat_dy, transA=1)]
    return [g.op("MatMul", dy, swap(g, b)), g.op("MatMul", swap(g, a), dy)]


@vjp("Gemm")
def gemm(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = alpha op(A) op(B) + beta C, where op transposes or not.

    d op(A) = alpha dY op(B)^T, d op(B) = alpha op(A)^T dY, dC = beta dY.
    """
    a, b = two(node)
    alpha, beta = node.attrs.get("alpha", 1.0), node.attrs.get("beta", 1.0)
    flip_a, flip_b = node.attrs.get("transA", 0), node.attrs.get("transB", 0)
    scale = {} if alpha == 1.0 else {"alpha": alpha}
    if flip_a:
        da = g.op("Gemm", b, dy, transA=flip_b, transB=1, **scale)
    else:
        da = g.op("Gemm", dy, b, transB=1 - flip_b, **scale)
    if flip_b:
        db = g.op("Gemm", dy, a, transA=1, transB=flip_a, **scale)
    else:
        db = g.op("Gemm", a, dy, transA=1 - flip_a, **scale)
    return [da, db, dy if beta == 1.0 else dy * beta][: len(node.inputs)]


@vjp("Einsum")
def einsum(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = einsum(A, B), every index of an input in the output or the other input.

    dA = einsum(dY, B) with the equation turned, dB likewise.
    """
    a, b = two(node)
    left, out = node.attrs["equation"].split("->")
    ia, ib = left.split(",")
    return [
        g.op("Einsum", dy, b, equation=f"{out},{ib}->{ia}"),
        g.op("Einsum", a, dy, equation=f"{ia},{out}->{ib}"),
    ]
