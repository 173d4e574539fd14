"""Convolution: one product of columns, tiles, bands, or onnxruntime's Conv; whichever is best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.costs import DEFAULT, KernelCosts
from specc.targets.cpu.depthwise import bands_of, depthwise
from specc.targets.cpu.direct import Direct
from specc.targets.cpu.pixels import from_rows, from_tiles, image_rows, pixels
from specc.targets.cpu.rules import CPU
from specc.targets.cpu.shifted import convolve_whole
from specc.targets.cpu.toom_cook import largest_tile
from specc.targets.cpu.windows import table_of
from specc.targets.cpu.winograd import Tiles, Winograd, Work, tiles
from specc.targets.layout import Placed
from specc.targets.portable import known
from specc.targets.realiser import Realiser

# More floats than this are not gathered for a sample, as columns or in tiles: at 1 MiB, a batch of
# 64 keeps 64 MiB for the backward pass of one layer alone.
MAX_GATHERED = 2**18

_SPATIAL = 2


def gathers(t: Tensor, costs: KernelCosts = DEFAULT) -> bool:
    """Whether a convolution is done by Gather and Gemm; else onnxruntime's Conv does it."""
    if t.attrs["groups"] != 1:
        return False
    *cells, channels, _ = known(t.inputs[1].shape)
    if math.prod(cells) == 1:
        return True
    outputs = best_size(t, costs)
    if outputs is None:
        return math.prod(cells) * pixels(t.shape) * channels <= MAX_GATHERED
    tile = math.prod(cell + outputs - 1 for cell in cells)
    return tile * math.prod(_grid(t, outputs)) * channels <= MAX_GATHERED


@CPU.rule("conv")
def conv(r: Realiser, t: Tensor) -> Placed:
    """Y = W * X + b in one of four ways."""
    t = unpadded(t)
    bands = bands_of(t)
    if bands is not None:
        return depthwise(r, t, bands)
    return convolve(r, t, biased=True) if gathers(t, r.costs) else convolve_whole(r, t)


def unpadded(t: Tensor) -> Tensor:
    """The convolution with zeros around its image as pads of its own, which cost nothing."""
    x = t.inputs[0]
    if x.op != "pad" or x.attrs["mode"] != "constant" or x.attrs["value"] != 0.0:
        return t
    around: Sequence[tuple[int, int]] = x.attrs["pads"]
    if any(around[0]) or any(around[-1]):
        return t
    pads = tuple(
        (a + c, b + d) for (a, b), (c, d) in zip(t.attrs["pads"], around[1:-1], strict=True)
    )
    inputs = (x.inputs[0], *t.inputs[1:])
    return t.trace.emit("conv", inputs, t.shape, t.dtype, **{**t.attrs, "pads": pads})


def convolve(r: Realiser, t: Tensor, *, biased: bool) -> Placed:
    """The convolution by tiles or as one product, with its bias if it is asked for."""
    return convolve_by(r, t, best_tiles(t, r.costs), biased=biased)


def convolve_by(r: Realiser, t: Tensor, choice: Choice | None, *, biased: bool) -> Placed:
    """The convolution by the chosen tiles, or as one product where they are None."""
    g = r.graph
    bias = [r.vector(b) for b in t.inputs[2:]] if biased else []
    if choice is not None:
        y = tiled(r, t, choice.tiles).output()
        for b in bias:
            y = y + g.reshape(b, (*b.shape, 1, 1))
        return from_tiles(y, t, choice.grid)
    table = table_of(t, known(t.inputs[1].shape[: t.inputs[1].rank - 2]))
    direct = Direct.of(r, t, [table])
    (y,) = direct.outputs(bias)

    def adjoint(dy: Value) -> list[Value | None]:
        return [*direct.gradients([dy]), *(g.reduce("ReduceSum", dy, [1]) for _ in bias)]

    y.adjoint = Adjoint((direct.x, direct.w, *bias), adjoint)
    return from_rows(y, t)


def tiled(r: Realiser, t: Tensor, cut: Tiles) -> Winograd:
    """The operands of the convolution t by tiles; its kernel is stored as they want it."""
    kernel = r.kernel(t.inputs[1], (0, 1, 3, 2))
    return Winograd.of(r.graph, cut, image_rows(r, t.inputs[0]), kernel)


@dataclass(frozen=True, slots=True)
class Choice:
    """Tiles, and their number along H and W."""

    tiles: Tiles
    grid: tuple[int, int]


def best_tiles(t: Tensor, costs: KernelCosts) -> Choice | None:
    """How tiles do a convolution, or None where the direct sum is as good."""
    outputs = best_size(t, costs)
    return None if outputs is None else cut(t, outputs)


def best_size(t: Tensor, costs: KernelCosts) -> int | None:
    """How many results along each axis the best tiles have; None: the direct sum is as good."""
    found = [(cost_of(t, m, costs), m) for m in usable(t)]
    if not found:
        return None
    each, m = min(found)
    return m if pays(each, known(t.inputs[1].shape), costs) else None


def cut(t: Tensor, outputs: int) -> Choice:
    """The convolution t in as many tiles of outputs x outputs results as cover its image."""
    grid = _grid(t, outputs)
    return Choice(tiles_of(t, outputs, grid), grid)


def cost_of(t: Tensor, outputs: int, costs: KernelCosts) -> float:
    """What one result of t costs in such tiles, in products; `outputs` 1: in the direct sum.

    Tiles that reach beyond the image compute for nothing there.
    """
    rows, columns = _grid(t, outputs)
    tile = Work.of(outputs, known(t.inputs[1].shape)).cost(costs)
    return tile * rows * columns / pixels(t.shape)


def _grid(t: Tensor, outputs: int) -> tuple[int, int]:
    height, width = known(t.shape[1:-1])
    return -(-height // outputs), -(-width // outputs)


def pays(each: float, kernel: tuple[int, ...], costs: KernelCosts) -> bool:
    """Whether tiles that cost `each` for one result beat the direct sum."""
    return each < costs.worth * Work.of(1, kernel).cost(costs)


def usable(t: Tensor) -> range:
    """Which sizes of tiles can do a convolution."""
    kernel = known(t.inputs[1].shape)
    if len(kernel) != _SPATIAL + 2 or kernel[0] != kernel[1] or kernel[0] == 1:
        return range(0)
    moves = (tuple(t.attrs["strides"]), tuple(t.attrs["dilations"]), t.attrs["groups"])
    return range(2, largest_tile(kernel[0]) + 1) if moves == ((1, 1), (1, 1), 1) else range(0)


def tiles_of(t: Tensor, outputs: int, grid: tuple[int, int]) -> Tiles:
    """Tiles of outputs x outputs results of the convolution t."""
    sizes = known(t.inputs[0].shape[1:-1])
    return tiles(sizes, t.attrs["pads"], known(t.inputs[1].shape)[0], outputs, grid)
