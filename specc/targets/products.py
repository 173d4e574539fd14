"""Matrix products with a bias, or by a transpose, for training."""

from __future__ import annotations

from specc.graph import Adjoint, Value
from specc.tensors import Dim, Sym, product

# Elements of a sample from which on a bias is added by a node of its own: Gemm first copies it over
# its whole result on one thread (onnxruntime 1.32, 2,048 x 512: 1.9 ms with, 0.9 without).
_LARGE = 2**15
# How many times as wide as what it is made of such a result is, for its bias to join the product.
_LIFTED = 2
# Columns of a kernel to one row of a sample's input, up to which factors of its features join it.
_ENOUGH = 8


def biased(x: Value, kernel: Value, bias: Value) -> Value:
    """x W + b. Shapes: x (n, d), kernel (d, u), bias (u,), result (n, u)."""
    size, (features, units) = _factor(product((x.shape[0], kernel.shape[1]))), kernel.shape
    if size < _LARGE:
        return x.graph.op("Gemm", x, kernel, bias)
    if _factor(units) < _LIFTED * _factor(features):
        return x.graph.op("Gemm", x, kernel) + bias
    return _lifted(x, kernel, bias)


def joined(x: Value, kernel: Value, bias: Value) -> tuple[Value, Value, Value]:
    """(a, V, c) so that a V + c = x W + b, where nodes made x = a gamma + beta.

    Vectors over features, as a layer normalisation learns them, scale rows of W and add beta W to
    b: neither they nor their gradients pass over all rows of x. Where rows are few, beside W's
    columns, or x is something else, all stay what they are.
    Shapes: x (..., d), kernel (d, u), bias (u,).
    """
    g, (features, units) = x.graph, kernel.shape
    if _ENOUGH * _factor(product(x.shape[:-1])) < _factor(units):
        return x, kernel, bias
    inner, beta = _operands(x, "Add")
    inner, gamma = _operands(inner, "Mul")
    if beta is not None:
        shift = g.op("Gemm", g.reshape(beta, (1, features)), kernel)
        bias = bias + g.reshape(shift, bias.shape)
    if gamma is not None:
        kernel = kernel * g.reshape(gamma, (features, 1))
    return inner, kernel, bias


def _operands(x: Value, op: str) -> tuple[Value, Value | None]:
    """What x is made of by `op` with a vector over the last axis that is computed; or x itself."""
    if x.node is None or x.node.op != op or x.adjoint is not None:
        return x, None
    a, vector = x.node.inputs
    if a is None or vector is None or a.shape != x.shape or vector.const is not None:
        return x, None
    spread = vector.shape[-1:] == x.shape[-1:] and all(dim == 1 for dim in vector.shape[:-1])
    return (a, vector) if spread and x.rank > 1 else (x, None)


def _lifted(x: Value, kernel: Value, bias: Value) -> Value:
    """x W + b as one product with a column of ones beside x, and b under W.

    The result, which is larger than x, then passes through memory neither for the bias nor for its
    gradient, which is a row of the kernel's.
    Shapes: x (n, d), kernel (d, u), bias (u,), result (n, u).
    """
    g, features = x.graph, _factor(x.shape[-1])
    pads = g.ints(0, 0, 0, 1)
    wide = g.op("Pad", x, pads, g.const(1.0, x.dtype), mode="constant")
    y = g.op("Gemm", wide, g.op("Concat", kernel, g.reshape(bias, (1, *bias.shape)), axis=0))

    def adjoint(dy: Value) -> list[Value | None]:
        both = g.op("Gemm", wide, dy, transA=1)
        steps = g.ints(0), g.ints(1)
        dw = g.op("Slice", both, g.ints(0), g.ints(features), *steps)
        db = g.op("Slice", both, g.ints(features), g.ints(features + 1), *steps)
        return [g.op("Gemm", dy, kernel, transB=1), dw, g.reshape(db, bias.shape)]

    y.adjoint = Adjoint((x, kernel, bias), adjoint)
    return y


def _factor(size: Dim) -> int:
    """A number of elements, of one sample where it grows with the batch."""
    return size.factor if isinstance(size, Sym) else size


def stacked(x: Value) -> Value:
    """Matrices along one axis."""
    return x.graph.reshape(x, (product(x.shape[:-2]), *x.shape[-2:]))


def by_transpose(a: Value, b: Value) -> Value:
    """a b^T of matrices along one axis; single elements move nowhere.

    onnxruntime fuses a Transpose into the MatMul behind it, if it did not unite it with one before,
    which it does not through a Reshape: keys that lie [N, T, H, d] go by runs of d, and by single
    elements else (70 and 190 us for 16 x 128 x 4 x 32, onnxruntime 1.32).
    Shapes: a (k, n, d), b (k, m, d), result (k, n, m).
    """
    g, perm = a.graph, (0, 2, 1)
    y = g.op("MatMul", a, g.op("Transpose", b, perm=perm))

    def adjoint(dy: Value) -> list[Value | None]:
        return [g.op("MatMul", dy, b), g.op("MatMul", g.op("Transpose", dy, perm=perm), a)]

    y.adjoint = Adjoint((a, b), adjoint)
    return y
