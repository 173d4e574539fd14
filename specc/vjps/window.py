"""Convolutions and pools in ONNX's layout (N, C, *spatial)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from specc.autodiff import Grads, vjp
from specc.graph import Graph, Node, Value
from specc.tensors import Dims, Sym, product
from specc.vjps.elementwise import mask, one, two
from specc.vjps.movement import place


def _spatial(x: Value) -> list[int]:
    return [d for d in x.shape[2:] if isinstance(d, int)]


def _sum_bias(g: Graph, dy: Value) -> Value:
    return g.reduce("ReduceSum", dy, [0, *range(2, dy.rank)])


# Conv as contractions, one axis, stride s, dilation d, pad p:
#   y[n,o,q] = sum_{c,k} x[n,c, s q + d k - p] w[o,c,k]
#   dx[n,c,i] = sum_{o,k,q: s q + d k - p = i} dy[n,o,q] w[o,c,k]   a transposed convolution
#   dw[o,c,k] = sum_{n,q} dy[n,o,q] x[n,c, s q + d k - p]           a convolution of x (batch and
#           channels exchanged) with dy as its kernel; stride and dilation exchange too
@vjp("Conv")
def conv(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = X * W + b.  dX = dY convolved back by W, dW = X convolved by dY, db = sum dY."""
    x, w = two(node)
    grads: list[Value | None] = [
        conv_input_grad(g, dy, w, _spatial(x), node),
        conv_kernel_grad(g, x, dy, w, node),
        _sum_bias(g, dy),
    ]
    return grads[: len(node.inputs)]


def conv_input_grad(g: Graph, dy: Value, w: Value, size: Sequence[int], node: Node) -> Value:
    """dX of a Conv node: ConvTranspose, with output padding for columns that no window reached."""
    strides, pads, dilations = (node.attrs[k] for k in ("strides", "pads", "dilations"))
    spatial = len(strides)
    kernel = _spatial(w)
    extra = [
        size[i]
        - ((_spatial(dy)[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1)
        + pads[i]
        + pads[i + spatial]
        for i in range(spatial)
    ]
    return g.op(
        "ConvTranspose", dy, w, strides=strides, pads=pads, dilations=dilations,
        output_padding=tuple(extra), group=node.attrs["group"],
    )  # fmt: skip


def conv_kernel_grad(g: Graph, x: Value, dy: Value, w: Value, node: Node) -> Value:
    """dW of a Conv node, per group: a Conv whose batch is the input channels of one group."""
    strides, pads, dilations = (node.attrs[k] for k in ("strides", "pads", "dilations"))
    groups, spatial = node.attrs["group"], len(strides)
    batch = x.shape[0]
    per_group = w.shape[1]
    (outputs,) = (d for d in (w.shape[0],) if isinstance(d, int))
    # x: (N, G c, *) -> (c, G N, *);  dy: (N, G o, *) -> (G o, N, *)
    axes = list(range(2, 2 + spatial))
    split = g.reshape(x, (batch, groups, per_group, *x.shape[2:]))
    turned = g.transpose(split, [2, 1, 0, *[a + 1 for a in axes]])
    swapped_x = g.reshape(turned, (per_group, _times(batch, groups), *x.shape[2:]))
    swapped_dy = g.transpose(dy, [1, 0, *axes])
    kernel = _spatial(w)
    # Elements that no window reached would make the kernel longer: cut them by negative padding,
    # which Conv does not have, so cut the input.
    ends = list(pads[spatial:])
    for i in range(spatial):
        used = (_spatial(dy)[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1
        excess = _spatial(x)[i] + pads[i] + pads[i + spatial] - used
        cut = max(0, excess - ends[i])
        ends[i] = max(0, ends[i] - excess)
        if cut:
            swapped_x = g.op(
                "Slice", swapped_x, g.ints(0), g.ints(_spatial(x)[i] - cut), g.ints(i + 2),
                g.ints(1),
            )  # fmt: skip
    dw = g.op(
        "Conv", swapped_x, swapped_dy, strides=dilations, dilations=strides,
        pads=(*pads[:spatial], *ends), group=groups, kernel_shape=tuple(_spatial(dy)),
    )  # fmt: skip
    return g.reshape(g.transpose(dw, [1, 0, *axes]), (outputs, per_group, *w.shape[2:]))


def _times(dim: int | Sym, factor: int) -> int | Sym:
    return Sym(dim.factor * factor) if isinstance(dim, Sym) else dim * factor


@vjp("ConvTranspose")
def conv_transpose(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = the adjoint of Conv applied to X.  dX = Conv(dY, W), db = sum dY.

    dW = Conv's kernel gradient with dY as its input and X as its output gradient.
    """
    x, w = two(node)
    attrs = {k: node.attrs[k] for k in ("strides", "pads", "dilations", "group")}
    forward = g.op("Conv", dy, w, kernel_shape=tuple(_spatial(w)), **attrs)
    if forward.shape != x.shape:
        # Output padding past a whole stride makes one window too many: leave it out.
        for axis in range(2, x.rank):
            size = x.shape[axis]
            if forward.shape[axis] != size and isinstance(size, int):
                forward = g.op("Slice", forward, g.ints(0), g.ints(size), g.ints(axis), g.ints(1))
    like = Node("Conv", (dy, w), (x,), attrs, node.scope)
    grads: list[Value | None] = [forward, conv_kernel_grad(g, dy, x, w, like), _sum_bias(g, dy)]
    return grads[: len(node.inputs)]


def _simple(node: Node) -> None:
    """Refuse what the rules of pools would get wrong: windows with gaps, or beyond the padding."""
    if node.attrs.get("ceil_mode", 0) or any(d != 1 for d in node.attrs.get("dilations", ())):
        raise TypeError(f"{node.op} with ceil_mode or dilations has no gradient rule")


@vjp("MaxPool")
def max_pool(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = maxima of windows.  dX = dY at the first maximum of each window.

    One strided slice of X for each cell of the window tells by comparison whether that cell held
    the maximum; Indices and ScatterElements, the textbook way, are 10 times slower on the CPU.
    """
    _simple(node)
    x, y = one(node), node.outputs[0]
    kernel, strides, pads = (node.attrs[k] for k in ("kernel_shape", "strides", "pads"))
    spatial = len(kernel)
    lowest = float(np.finfo(x.dtype).min)
    padded = x
    if any(pads):
        wide = [0, 0, *pads[:spatial], 0, 0, *pads[spatial:]]
        padded = g.op("Pad", x, g.ints(*wide), g.const(lowest, x.dtype), mode="constant")
    free: Value | None = None
    total: Value | None = None
    for cell in np.ndindex(*kernel):
        hit = g.op("Equal", _cell(g, padded, y, cell, strides), y)
        first = hit if free is None else g.op("And", hit, free)
        miss = g.op("Not", hit)
        free = miss if free is None else g.op("And", free, miss)
        part = dy * mask(g, first, dy)
        for i, offset in enumerate(cell):
            size = next(d for d in (padded.shape[i + 2],) if isinstance(d, int))
            part = place(g, part, i + 2, offset, strides[i], size)
        total = part if total is None else total + part
    return [None if total is None else _cut(g, total, x, pads[:spatial])]


def _cell(g: Graph, x: Value, y: Value, cell: tuple[int, ...], strides: Sequence[int]) -> Value:
    """The element at offset `cell` of every window, in the shape of y."""
    spatial = len(cell)
    stops = [o + (n - 1) * s + 1 for o, n, s in zip(cell, _spatial(y), strides, strict=True)]
    axes = list(range(2, 2 + spatial))
    return g.op("Slice", x, g.ints(*cell), g.ints(*stops), g.ints(*axes), g.ints(*strides))


def _cut(g: Graph, dx: Value, x: Value, before: Sequence[int]) -> Value:
    """`dx` without the padding around x."""
    if dx.shape == x.shape:
        return dx
    stops = [b + n for b, n in zip(before, _spatial(x), strict=True)]
    axes = range(2, x.rank)
    ones = [1] * len(stops)
    return g.op("Slice", dx, g.ints(*before), g.ints(*stops), g.ints(*axes), g.ints(*ones))


def window_counts(
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[tuple[int, int]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """How many cells of each window lie inside the input. Shapes: result (*windows)."""
    counts = np.ones((), np.float64)
    for n, k, s, (before, after) in zip(size, kernel, strides, pads, strict=True):
        starts = np.arange((n + before + after - k) // s + 1) * s - before
        inside = np.minimum(starts + k, n) - np.maximum(starts, 0)
        counts = counts[..., None] * inside
    return counts


@vjp("AveragePool")
def average_pool(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = means of windows.  dX = dY / count, added over each window.

    The count is of cells inside X, or with `count_include_pad` of all cells.

    The addition is a ConvTranspose with a kernel of ones, channel by channel.
    """
    _simple(node)
    x = one(node)
    kernel, strides, pads = (node.attrs[k] for k in ("kernel_shape", "strides", "pads"))
    spatial = len(kernel)
    pairs = list(zip(pads[:spatial], pads[spatial:], strict=True))
    if node.attrs.get("count_include_pad", 0):
        share = dy * (1.0 / math.prod(kernel))
    else:
        share = dy / g.const(window_counts(_spatial(x), kernel, strides, pairs), dy.dtype)
    rows: Dims = (product(dy.shape[:2]), 1, *dy.shape[2:])
    ones = g.const(np.ones((1, 1, *kernel)), x.dtype)
    like = Node(
        "Conv", (None,), (dy,),
        {"strides": strides, "pads": pads, "dilations": (1,) * spatial, "group": 1}, node.scope,
    )  # fmt: skip
    dx = conv_input_grad(g, g.reshape(share, rows), ones, _spatial(x), like)
    return [g.reshape(dx, x.shape)]


@vjp("GlobalAveragePool")
def global_average_pool(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = mean over space.  dX = dY / n everywhere."""
    from specc.lengths import expanded  # noqa: PLC0415

    x = one(node)
    return [expanded(dy * (1.0 / np.prod(_spatial(x))), x.shape, x)]


@vjp("BatchNormalization")
def batch_normalization(g: Graph, node: Node, dy: Value) -> Grads:
    """Y = (X - mean) / sqrt(var + eps) scale + offset, with given statistics.

    r = 1 / sqrt(var + eps), Z = (X - mean) r:  dX = dY scale r, dscale = sum dY Z,
    doffset = sum dY, dmean = -sum dY scale r, dvar = -sum dY Z scale r^2 / 2.
    """
    x, scale, _, mean, var = node.inputs
    if x is None or scale is None or mean is None or var is None:
        raise TypeError("BatchNormalization has five inputs")
    column: Dims = (scale.shape[0], *(1,) * (x.rank - 2))
    axes = [0, *range(2, x.rank)]
    r = g.op("Reciprocal", g.op("Sqrt", var + node.attrs["epsilon"]))
    z = (x - g.reshape(mean, column)) * g.reshape(r, column)
    gain = scale * r
    total = g.reduce("ReduceSum", dy, axes)
    along = g.reduce("ReduceSum", dy * z, axes)
    return [dy * g.reshape(gain, column), along, total, -(total * gain), along * gain * r * -0.5]
