"""Random numbers from a counter: a pure function of (seed, stream, step, position).

The mix needs only unsigned Mul, Add and Div, because onnxruntime's CUDA provider has no shift and
no bitwise kernels; division by a power of two is the shift. Every target and layout counts
positions in logical order and so draws the same numbers.

Sums of shifted words, in place of exclusive or, are nearly linear and leave the lattice of the
counter in the result. What breaks it is the square: x (a x + b) with even a and odd b permutes the
integers modulo 2^32 (Rivest, Robshaw, Sidney and Yin, "The RC6 block cipher", 1998, with a = 2 and
b = 1), and its upper half depends on products of all lower bits.
`tests/targets/test_random.py` tests uniformity, and independence of neighbours, steps and streams.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

from specc.errors import InternalError
from specc.graph import Graph, Value
from specc.lengths import length
from specc.primitives import Tensor
from specc.targets.layout import Layout, Placed
from specc.targets.realiser import BASE, Realiser
from specc.tensors import Sym

# The golden ratio spreads positions; the rest has no structure but even a and odd b in each pair.
_GOLDEN = 0x9E3779B1
_ROUNDS = ((0x2C1B3C6E, 0x297A2D39), (0x7ED55D16, 0x85EBCA6B))
_KEY = 0x5BD1E995


def keys(seed: int, stream: str) -> tuple[int, int]:
    """Two 32-bit keys of a stream."""
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def _u32(g: Graph, value: int) -> Value:
    return g.const(value % 2**32, "uint32")


def _square(g: Graph, x: Value, number: int) -> Value:
    """y + y / 2^16 for y = x (a x + b): the well mixed upper half of y also moves down."""
    a, b = _ROUNDS[number]
    y = g.op("Mul", x, g.op("Add", g.op("Mul", x, _u32(g, a)), _u32(g, b)))
    return g.op("Add", y, g.op("Div", y, _u32(g, 2**16)))


def _bits(r: Realiser, t: Tensor, stream: str) -> Placed:
    """32 random bits for each position, in the layout of the first input where shapes agree."""
    g, like = r.graph, r.place(t.inputs[0])
    layout = like.layout if t.inputs[0].shape == t.shape else Layout.plain(t.shape)
    first, second = keys(t.attrs["seed"], stream)
    step = g.op("Add", g.cast(r.place(t.inputs[1]).value, "uint32"), _u32(g, first))
    key = _square(g, _square(g, step, 0), 1)
    x = _square(g, g.op("Add", _positions(g, layout, like.value), key), 0)
    # Streams whose counters overlap part again here.
    key = g.op("Add", g.op("Mul", key, _u32(g, _KEY)), _u32(g, second))
    return Placed(_square(g, g.op("Add", x, key), 1), layout)


def _positions(g: Graph, layout: Layout, like: Value) -> Value:
    """Golden ratio times the logical row-major position of each element, modulo 2^32."""
    factors = layout.factors
    strides = [1] * len(factors)
    total = 1
    batch: tuple[int, int, Sym] | None = None
    for i in reversed(range(len(factors))):
        if batch is not None:
            raise InternalError(f"random numbers of {layout} need the batch outermost")
        strides[i] = total
        dim = factors[i]
        if isinstance(dim, Sym):
            batch = (i, total, dim)
        else:
            total *= dim
    fixed = np.zeros((), np.uint64)
    for f in layout.order:
        dim = factors[f]
        steps = np.zeros(1) if isinstance(dim, Sym) else np.arange(dim)
        fixed = fixed[..., None] + (steps * strides[f]).astype(np.uint64)
    scaled = (fixed * np.uint64(_GOLDEN) % np.uint64(2**32)).astype(np.uint32)
    value = g.const(scaled)
    if batch is None:
        return value
    number, stride, dim = batch
    ends = (g.const(0, "int64"), length(like, dim), g.const(1, "int64"))
    rows = g.stated("Range", *ends, dtype="int64", shape=(dim,))
    column = [dim if f == number else 1 for f in layout.order]
    sample = g.op("Mul", g.cast(rows, "uint32"), _u32(g, stride * _GOLDEN))
    return g.op("Add", g.reshape(sample, column), value)


def _unit(g: Graph, bits: Value, dtype: str) -> Value:
    """The upper 24 bits as a float in [0, 1)."""
    upper = g.op("Div", bits, _u32(g, 2**8))
    return g.cast(upper, "float64" if dtype == "float64" else "float32") * 2.0**-24


@BASE.rule("random_uniform")
def random_uniform(r: Realiser, t: Tensor) -> Placed:
    """Uniform in [0, 1), in steps of 2^-24."""
    bits = _bits(r, t, t.attrs["stream"])
    return Placed(_unit(r.graph, bits.value, t.dtype), bits.layout)


@BASE.rule("random_normal")
def random_normal(r: Realiser, t: Tensor) -> Placed:
    """sqrt(-2 log u) cos(2 pi v) of two uniforms (Box and Muller, 1958); u is never 0."""
    g = r.graph
    first = _bits(r, t, t.attrs["stream"] + "/radius")
    second = _bits(r, t, t.attrs["stream"] + "/angle")
    u = _unit(g, first.value, t.dtype) + 2.0**-25
    v = _unit(g, second.value, t.dtype)
    radius = g.op("Sqrt", g.op("Log", u) * -2.0)
    return Placed(radius * g.op("Cos", v * (2.0 * math.pi)), first.layout)
