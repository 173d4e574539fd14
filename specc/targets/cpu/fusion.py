"""Convolution, activation and max-pool as one: less is computed, and on smaller maps.

max(relu(x + b)) = relu(max(x) + b), so bias, ReLU, its mask and the bias gradient work on the
pooled map, a quarter of the size for a 2x2 pool; ties still go to the first. And where the pool's
windows do not overlap, the convolution computes just the positions that the pool reads, in the
pool's order: then its result is the pool's gathered windows, and the pool moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.cpu.conv import convolve, gathers
from specc.targets.cpu.pool import first_maxima, pool_rows
from specc.targets.cpu.rows import from_rows, pixels, table_of
from specc.targets.layout import Placed
from specc.targets.realiser import Planned, Realiser

# A convolution's inputs: image, kernel, and perhaps a bias.
_WITH_BIAS = 3


@dataclass(frozen=True, slots=True)
class PooledConv:
    """A max-pool that takes over the convolution, and the ReLU if any, in front of it."""

    conv: Tensor
    relu: bool

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """The three as one."""
        kernel = t.attrs["kernel"]
        table = table_of(t, kernel)
        apart = len(np.unique(table)) == table.size and not (table == pixels(self.conv.shape)).any()
        with r.graph.scope(self.conv.scope):
            value = convolve(r, self.conv, [], table.ravel() if apart else None)
        y = _maxima(r.graph, value, *table.shape) if apart else pool_rows(r, t, value)
        if len(self.conv.inputs) == _WITH_BIAS:
            bias = r.vector(self.conv.inputs[2])
            y = y + r.graph.reshape(bias, (*bias.shape, 1, 1))
        return from_rows(r.graph.op("Relu", y) if self.relu else y, t)


def _maxima(g: Graph, x: Value, cells: int, windows: int) -> Value:
    """Maxima of windows that already lie together. Shapes: x [C, cells P, N], result [C, P, N]."""
    channels, _, batch = x.shape
    together = g.reshape(x, (channels, cells, windows, batch))
    y = g.reduce("ReduceMax", together, [1])

    def adjoint(dy: Value) -> list[Value | None]:
        """dX = dY at the first maximum of each window."""
        masks = first_maxima(g, together, y)
        joined = g.op("Concat", *masks, axis=1) if cells > 1 else masks[0]
        upstream = g.reshape(dy, (channels, 1, windows, batch))
        return [g.reshape(g.cast(joined, dy.dtype) * upstream, x.shape)]

    y.adjoint = Adjoint((x,), adjoint)
    return y


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Planned | None]:
    """Which max-pools take over the convolution and the ReLU that feed them alone."""
    planned: dict[int, Planned | None] = {}
    for pool in tensors:
        if pool.op != "max_pool":
            continue
        chain = _upstream(pool, users)
        relu = bool(chain) and chain[0].op == "Relu"
        ahead = chain[1:] if relu else chain
        if not ahead or ahead[0].op != "conv" or not gathers(ahead[0]):
            continue
        planned[id(pool)] = PooledConv(ahead[0], relu)
        planned[id(ahead[0])] = None
        if relu:
            planned[id(chain[0])] = None
    return planned


def _upstream(tensor: Tensor, users: Mapping[int, int]) -> list[Tensor]:
    """Up to two tensors that feed `tensor` alone, nearest first."""
    chain: list[Tensor] = []
    while len(chain) < 2 and tensor.inputs and users[id(tensor.inputs[0])] == 1:  # noqa: PLR2004
        tensor = tensor.inputs[0]
        chain.append(tensor)
    return chain
