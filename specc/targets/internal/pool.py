"""Max-pools of images in blocks: their cells are runs of b floats, as rows of N are elsewhere."""

from __future__ import annotations

from specc.primitives import Tensor
from specc.targets.cpu import CPU
from specc.targets.cpu.pixels import length
from specc.targets.cpu.pool import pool_rows
from specc.targets.internal.images import fills, from_image, held, ints
from specc.targets.internal.rules import INTERNAL, block
from specc.targets.layout import Placed
from specc.targets.realiser import Realiser


@INTERNAL.rule("max_pool")
def max_pool(r: Realiser, t: Tensor) -> Placed:
    """Gather each cell of all windows and take the maximum over cells."""
    (x,), size, g = t.inputs, block(r), r.graph
    value = held(r, x) if fills(x, size) else None
    if value is None:
        return CPU.find("max_pool")(r, t)
    n, c, high, wide = (length(d) for d in value.shape)
    rows = pool_rows(r, t, g.reshape(value, (n * c // size, high * wide, size)))
    return from_image(g.reshape(rows, (n, c, *ints(t.shape)[1:-1])), t, size)
