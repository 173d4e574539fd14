"""The portable target: plain Conv and Pool ops in NCHW, for every onnxruntime and opset 18."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Value
from specc.primitives import Tensor
from specc.targets import (
    elementwise,
    gru,
    lstm,
    movement,
    normalization,
    random,
    reduction,
    simple_rnn,
    texts,
)
from specc.targets.layout import Placed, as_order, from_order, single
from specc.targets.realiser import BASE, Realiser, Rules
from specc.tensors import Dims

PORTABLE = Rules(parent=BASE)
FAMILIES = (elementwise, gru, lstm, movement, normalization, random, reduction, simple_rnn, texts)
"""Modules whose rules fill BASE when they are imported."""


def channels_first(rank: int) -> tuple[int, ...]:
    """Logical axes of (N, *spatial, C) in the order of ONNX: (N, C, *spatial)."""
    return (0, rank - 1, *range(1, rank - 1))


def nchw(r: Realiser, t: Tensor) -> Value:
    """The first input in ONNX's layout, one axis each."""
    x = t.inputs[0]
    order = channels_first(x.rank)
    return as_order(single(r.place(x), x.shape, range(x.rank)), x.shape, order)


def flat_pads(pads: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """(before, after) pairs as ONNX wants them: all befores, then all afters."""
    return (*(p[0] for p in pads), *(p[1] for p in pads))


def known(dims: Dims) -> tuple[int, ...]:
    """The lengths that are ints."""
    return tuple(d for d in dims if isinstance(d, int))


@PORTABLE.rule("conv")
def conv(r: Realiser, t: Tensor) -> Placed:
    """Conv."""
    return from_order(conv_of(r, t), channels_first(t.rank))


def conv_of(r: Realiser, t: Tensor) -> Value:
    """A Conv node's result. Its kernel is stored as ONNX wants it: (F, C / groups, *k)."""
    kernel = t.inputs[1]
    spatial = kernel.rank - 2
    w = r.kernel(kernel, (spatial + 1, spatial, *range(spatial)))
    return r.graph.op(
        "Conv",
        nchw(r, t),
        w,
        *(r.vector(b) for b in t.inputs[2:]),
        strides=t.attrs["strides"],
        pads=flat_pads(t.attrs["pads"]),
        dilations=t.attrs["dilations"],
        group=t.attrs["groups"],
        kernel_shape=known(kernel.shape[:spatial]),
    )


@PORTABLE.rule("conv_transpose")
def conv_transpose(r: Realiser, t: Tensor) -> Placed:
    """ConvTranspose, with output padding for what no window of the forward convolution reached."""
    kernel = t.inputs[1]
    spatial = kernel.rank - 2
    strides, pads, dilations = (t.attrs[k] for k in ("strides", "pads", "dilations"))
    sizes, inner = known(kernel.shape[:spatial]), known(t.inputs[0].shape[1:-1])
    outer = known(t.shape[1:-1])
    reached = [
        (n - 1) * s + d * (k - 1) + 1 - sum(p)
        for n, s, d, k, p in zip(inner, strides, dilations, sizes, pads, strict=True)
    ]
    y = r.graph.op(
        "ConvTranspose",
        nchw(r, t),
        r.kernel(kernel, (spatial + 1, spatial, *range(spatial))),
        *(r.vector(b) for b in t.inputs[2:]),
        strides=strides,
        pads=flat_pads(pads),
        dilations=dilations,
        output_padding=tuple(o - n for o, n in zip(outer, reached, strict=True)),
        group=1,
    )
    return from_order(y, channels_first(t.rank))


@PORTABLE.rule("max_pool")
def max_pool(r: Realiser, t: Tensor) -> Placed:
    """MaxPool without Indices: with them it is nine times slower on the CPU."""
    return _pool(r, t, "MaxPool")


@PORTABLE.rule("average_pool")
def average_pool(r: Realiser, t: Tensor) -> Placed:
    """AveragePool that does not count padding."""
    return _pool(r, t, "AveragePool", count_include_pad=0)


def _pool(r: Realiser, t: Tensor, op: str, **attrs: int) -> Placed:
    y = r.graph.op(
        op,
        nchw(r, t),
        kernel_shape=t.attrs["kernel"],
        strides=t.attrs["strides"],
        pads=flat_pads(t.attrs["pads"]),
        ceil_mode=0,
        **attrs,
    )
    return from_order(y, channels_first(t.rank))
