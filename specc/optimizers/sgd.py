"""Stochastic gradient descent, with momentum (Polyak, 1964) or Nesterov's (1983)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc.optimizers.base import Optimizer, Slot
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor


class SGD(Optimizer):
    """w = w - lr g; with momentum mu, m = mu m - lr g and w = w + m.

    Nesterov's form moves by mu m - lr g, with the new m.

    Source: keras/src/optimizers/sgd.py (3.15.1).
    """

    key: ClassVar[str] = "sgd"

    learning_rate: float | Schedule = 0.01
    """Step size, or a schedule of it."""

    momentum: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the last step that is taken again."""

    nesterov: bool = False
    """Whether the step looks ahead of the momentum."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("momentum"),) if self.momentum else ()

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
        descent = g * lr
        if not self.momentum:
            return w - descent, {}
        m = slots["momentum"] * self.momentum - descent
        return w + (m * self.momentum - descent if self.nesterov else m), {"momentum": m}
