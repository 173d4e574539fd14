"""Adagrad (Duchi et al., 2011) and Adadelta (Zeiler, 2012)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Adagrad(Optimizer):
    """a = a + g^2;  w = w - lr g / sqrt(a + eps).

    Source: keras/src/optimizers/adagrad.py (3.15.1).
    """

    initial_accumulator_value: Annotated[float, Field(ge=0)] = 0.1
    """Where the sum of squares starts."""

    epsilon: float = 1e-7
    """Added under the root."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("accumulator", start=self.initial_accumulator_value),)

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
        a = slots["accumulator"] + g * g
        return w - g * lr / ops.sqrt(a + self.epsilon), {"accumulator": a}


class Adadelta(Optimizer):
    """a = rho a + (1 - rho) g^2;  u = g sqrt(d + eps) / sqrt(a + eps);  w = w - lr u.

    d = rho d + (1 - rho) u^2 follows, the average of squared updates.

    Source: keras/src/optimizers/adadelta.py (3.15.1).
    """

    rho: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Decay of both averages."""

    epsilon: float = 1e-7
    """Added under both roots."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("accumulated_grad"), Slot("accumulated_delta_var"))

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
        d = slots["accumulated_delta_var"]
        a = slots["accumulated_grad"] * self.rho + g * g * (1.0 - self.rho)
        u = g * ops.sqrt((d + self.epsilon) / (a + self.epsilon))
        new = {
            "accumulated_grad": a,
            "accumulated_delta_var": d * self.rho + u * u * (1.0 - self.rho),
        }
        return w - u * lr, new
