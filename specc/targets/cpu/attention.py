"""A softmax that weighs values: its gradient by the sums of the smaller result.

With P = softmax(S) and O = P V, the gradient of S is P (dP - rowsum(dP P)), dP = dO V^T; and that
row's sum is also rowsum(dO O), over as many features as V has and not over all keys (Dao et al.
2022, FlashAttention, appendix B.2). Where dropout keeps m of P, O = (P m) V and dP = m dO V^T, the
same holds. For 16 x 4 heads of 128 x 128 scores and 32 features, forward and backward take nine
tenths of the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.layout import Placed, placed, plain
from specc.targets.products import by_transpose, stacked
from specc.targets.realiser import Planned, Realiser
from specc.targets.reduction import sees

_SOFTMAX = ("Softmax", "masked_softmax")


@dataclass(frozen=True, slots=True)
class Weighing:
    """A product of a softmax, or of what dropout keeps of it, with values.

    Attributes:
        weights: the softmax.
        keep: what dropout multiplies it by, if it does.
    """

    weights: Tensor
    keep: Tensor | None

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """Softmax and product as one."""
        g, values = r.graph, t.inputs[1]
        p = plain(r.rules.find(self.weights.op)(r, self.weights), self.weights.shape)
        scores = plain(r.place(self.weights.inputs[0]), self.weights.shape)
        keep = None if self.keep is None else plain(r.place(self.keep), self.keep.shape)
        v = plain(r.place(values), values.shape)
        kept, sighted = stacked(p if keep is None else p * keep), self._sighted(r)
        y = g.reshape(g.op("MatMul", kept, stacked(v)), t.shape)

        def adjoint(dy: Value) -> list[Value | None]:
            down = dy if sighted is None else dy * sighted
            dp = g.reshape(by_transpose(stacked(down), stacked(v)), p.shape)
            dp = dp if keep is None else dp * keep
            ds = p * (dp - g.reduce("ReduceSum", down * y, [y.rank - 1], keepdims=True))
            dv = g.op("MatMul", g.op("Transpose", kept, perm=(0, 2, 1)), stacked(dy))
            return [ds, g.reshape(dv, v.shape)]

        y.adjoint = Adjoint((scores, v), adjoint)
        return placed(y, t.shape)

    def _sighted(self, r: Realiser) -> Value | None:
        """1 for rows of which the mask leaves something, 0 for others; None where all are so.

        Those others weigh all values alike, whatever their scores, which have no gradient then.
        """
        if len(self.weights.inputs) == 1:
            return None
        mask = self.weights.inputs[1]
        seen, g = plain(r.place(mask), mask.shape), r.graph
        if sees(seen):
            return None
        ones = g.cast(seen, self.weights.dtype)
        return g.reduce("ReduceMax", ones, [ones.rank - 1], keepdims=True)


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Planned | None]:
    """Which products take over the softmax that feeds them alone."""
    planned: dict[int, Planned | None] = {}
    for t in tensors:
        found = _weighing(t, users) if t.op == "matmul" else None
        if found is None:
            continue
        planned[id(t)] = found
        planned[id(found.weights)] = None
        if t.inputs[0] is not found.weights:
            planned[id(t.inputs[0])] = None
    return planned


def _weighing(t: Tensor, users: Mapping[int, int]) -> Weighing | None:
    weights, values = t.inputs
    keep: Tensor | None = None
    if weights.op == "Mul" and users[id(weights)] == 1:
        weights, keep = weights.inputs
    alone = weights.op in _SOFTMAX and users[id(weights)] == 1
    last = weights.op != "Softmax" or weights.attrs["axis"] == weights.rank - 1
    # As many batches of either, so that no gradient is summed; and none of what is kept.
    alike = weights.shape[:-2] == values.shape[:-2]
    constant = keep is None or (_mask(keep) and keep.shape == weights.shape)
    return Weighing(weights, keep) if alone and last and alike and constant else None


def _mask(keep: Tensor) -> bool:
    """Whether a tensor is a mask times a number, as dropout makes it: it has no gradient."""
    if keep.op == "Mul" and keep.inputs[1].op == "constant":
        keep = keep.inputs[0]
    return keep.op == "Cast" and keep.inputs[0].dtype == "bool"
