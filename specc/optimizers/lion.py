"""Lion (Chen et al., 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Lion(Optimizer):
    """w = w - lr sign(b1 m + (1 - b1) g);  then m = b2 m + (1 - b2) g.

    Source: keras/src/optimizers/lion.py (3.15.1).
    """

    beta_1: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of the momentum in the step's direction."""

    beta_2: Annotated[float, Field(ge=0, le=1)] = 0.99
    """Decay of the momentum."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("momentum"),)

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
        m = slots["momentum"]
        direction = ops.sign(m * self.beta_1 + g * (1.0 - self.beta_1))
        return w - direction * lr, {"momentum": m * self.beta_2 + g * (1.0 - self.beta_2)}
