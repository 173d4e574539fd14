"""Gradients of onnxruntime's Conv for images whose columns would be too large to gather.

The kernel's gradient at one of its cells is a product of dY with the image, one shifted against the
other: dW[a, b] = sum of dY[y, x] X[y + a - p, x + b - q]^T over y and x. Shifting dY along all axes
but the last, and X along the last, gives every cell a product of two arrays of which there are few:
for 3 x 3 cells two shifted copies of each, where columns would be nine of X. Milliseconds,
onnxruntime 1.32 on two cores:

    batch, channels, image      Conv of swapped axes   shifted
    2, 64 to 64, 224 x 224      148                    46
    8, 64 to 64, 56 x 56        34                     10
    2, 256 to 256, 56 x 56      68                     28
    8, 256 to 256, 14 x 14      21                     12

The image's gradient is a Conv with the kernel turned round, which takes 32 ms where ConvTranspose
takes 56 for the first of these, and 28 for 36 for the third. Where kernels are large beside images,
turning them takes longer than is won.
"""

from __future__ import annotations

import itertools
import math

from specc.errors import InternalError
from specc.graph import Adjoint, Graph, Node, Value
from specc.primitives import Tensor
from specc.targets.layout import Placed, from_order
from specc.targets.portable import channels_first, conv_of, known
from specc.targets.realiser import Realiser
from specc.tensors import product
from specc.vjps.window import conv_input_grad

# Fewer columns than a vector register holds leave products half idle.
_CHANNELS = 16
# A product for each cell of a kernel of more would make graphs long.
_CELLS = 64
# Pixels for each channel from which turning the kernel is worth it.
_PIXELS = 4


def convolve_whole(r: Realiser, t: Tensor) -> Placed:
    """onnxruntime's Conv, with these gradients where windows follow each other."""
    y = conv_of(r, t)
    *cells, channels, _ = known(t.inputs[1].shape)
    near = t.attrs["groups"] == 1 and all(s == 1 for s in t.attrs["strides"])
    if r.gradients and near and channels >= _CHANNELS and math.prod(cells) <= _CELLS:
        _differentiate(y)
    return from_order(y, channels_first(t.rank))


def _differentiate(y: Value) -> None:
    """Attach the gradients to the result of a Conv."""
    node = y.node
    if node is None:
        raise InternalError("a convolution without a node")
    x, w, *bias = (value for value in node.inputs if value is not None)

    def adjoint(dy: Value) -> list[Value | None]:
        spatial = range(2, dy.rank)
        sums = [dy.graph.reduce("ReduceSum", dy, [0, *spatial]) for _ in bias]
        return [image_gradient(node, dy, x, w), kernel_gradient(node, dy, x, w), *sums]

    y.adjoint = Adjoint((x, w, *bias), adjoint)


def image_gradient(node: Node, dy: Value, x: Value, w: Value) -> Value:
    """dX: dY convolved with the kernel turned round."""
    g, spatial = dy.graph, range(2, x.rank)
    sizes, cells = known(x.shape[2:]), known(w.shape[2:])
    dilations, pads = node.attrs["dilations"], node.attrs["pads"]
    reach = [d * (k - 1) for d, k in zip(dilations, cells, strict=True)]
    around = tuple(a - p for a, p in zip((*reach, *reach), pads, strict=True))
    if min(around) < 0 or math.prod(sizes) < _PIXELS * max(known(w.shape[:2])):
        return conv_input_grad(g, dy, w, sizes, node)
    back, axes = [-1] * len(cells), list(spatial)
    turned = g.transpose(w, [1, 0, *spatial])
    ends = [-size - 1 for size in cells]
    turned = g.op("Slice", turned, g.ints(*back), g.ints(*ends), g.ints(*axes), g.ints(*back))
    return g.op(
        "Conv", dy, turned, strides=(1,) * len(cells), pads=around, dilations=dilations, group=1,
        kernel_shape=cells,
    )  # fmt: skip


def kernel_gradient(node: Node, dy: Value, x: Value, w: Value) -> Value:
    """dW, cell by cell."""
    g, cells = dy.graph, known(w.shape[2:])
    filters, channels = known(w.shape[:2])
    sizes = known(x.shape[2:])
    moved = _moves(filters, channels, math.prod(cells), math.prod(sizes))
    if moved:
        order = [1, 0, *range(2, x.rank)]
        x, dy = g.transpose(x, order), g.transpose(dy, order)
    pads, dilations = node.attrs["pads"], node.attrs["dilations"]
    *outer, last = range(len(cells))
    # What a cell reads along an axis: x from cell * dilation - pad on.
    reads = [[k * dilations[i] - pads[i] for k in range(cells[i])] for i in range(len(cells))]
    (width,) = known(dy.shape[-1:])
    images = [_moved(g, x, {last + 2: (start, width)}) for start in reads[last]]
    parts: list[Value] = []
    for starts in itertools.product(*(reads[i] for i in outer)):
        places = {i + 2: (-start, sizes[i]) for i, start in zip(outer, starts, strict=True)}
        down = _moved(g, dy, places)
        parts += [_product(g, down, image, moved=moved) for image in images]
    stacked = g.op("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]
    return g.reshape(g.transpose(stacked, [1, 2, 0]), w.shape)


def _moves(filters: int, channels: int, cells: int, pixels: int) -> bool:
    """Whether samples move innermost; else each has products of its own, which are summed."""
    return filters * channels * cells > (filters + channels) * pixels


def _moved(g: Graph, x: Value, places: dict[int, tuple[int, int]]) -> Value:
    """x from a place on along axes, so many places, zeros where x has none."""
    before, after = [0] * x.rank, [0] * x.rank
    for axis, (start, count) in places.items():
        (size,) = known(x.shape[axis : axis + 1])
        before[axis], after[axis] = -start, start + count - size
    if not any(before) and not any(after):
        return x
    zero = g.const(0.0, x.dtype)
    return g.op("Pad", x, g.ints(*before, *after), zero, mode="constant")


def _product(g: Graph, down: Value, image: Value, *, moved: bool) -> Value:
    """One cell's gradient (1, F, C)."""
    if moved:
        f, c = known((down.shape[0], image.shape[0]))
        rows = [g.reshape(v, (v.shape[0], product(v.shape[1:]))) for v in (down, image)]
        return g.reshape(g.op("Gemm", *rows, transB=1), (1, f, c))
    wide = [g.reshape(v, (*v.shape[:2], product(v.shape[2:]))) for v in (down, image)]
    each = g.op("MatMul", wide[0], g.op("Transpose", wide[1], perm=(0, 2, 1)))
    return g.reduce("ReduceSum", each, [0], keepdims=True)
