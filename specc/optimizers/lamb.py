"""LAMB: Adam with steps in proportion to each weight's norm (You et al., 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.adam import bias, toward
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Lamb(Optimizer):
    """w = w - lr (|w| / |u|) u, u = m' / (sqrt(v') + eps) Adam's step with both biases removed.

    The ratio is 1 where |w| or |u| is 0.

    Source: keras/src/optimizers/lamb.py (3.15.1).
    """

    elementwise: ClassVar[bool] = False

    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of the average of gradients."""

    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the average of squares."""

    epsilon: float = 1e-7
    """Added to the root."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("momentum"), Slot("velocity"))

    @override
    def update(
        self,
        w: Tensor,
        g: Tensor,
        slots: Mapping[str, Tensor],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
        t: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        m = toward(slots["momentum"], g, self.beta_1)
        v = toward(slots["velocity"], g * g, self.beta_2)
        root = ops.sqrt(v / bias(self.beta_2, t)) + self.epsilon
        u = m / bias(self.beta_1, t) / root
        squares = ops.reduce_sum(w * w), ops.reduce_sum(u * u)
        both = ops.cast(ops.greater(squares[0] * squares[1], 0.0), w.dtype)
        ratio = ops.sqrt(squares[0] / (squares[1] + (1.0 - both))) * both + (1.0 - both)
        return w - u * (ratio * lr), {"momentum": m, "velocity": v}
