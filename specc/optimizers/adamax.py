"""Adamax (Kingma and Ba, 2015, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.adam import bias, toward
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Adamax(Optimizer):
    """Adam with a decaying maximum of gradients in place of their second moment.

    m = m + (1 - b1)(g - m);  u = max(b2 u, |g|);  w = w - lr m / ((1 - b1^t)(u + eps))

    Source: keras/src/optimizers/adamax.py (3.15.1).
    """

    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of the average of gradients."""

    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the maximum."""

    epsilon: float = 1e-7
    """Added to the maximum."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("momentum"), Slot("norm"))

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
        u = ops.maximum(slots["norm"] * self.beta_2, ops.absolute(g))
        alpha = lr / bias(self.beta_1, t)
        return w - m * alpha / (u + self.epsilon), {"momentum": m, "norm": u}
