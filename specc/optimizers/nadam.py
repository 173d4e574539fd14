"""Nadam: Adam with Nesterov's momentum (Dozat, 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.adam import bias, toward
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Nadam(Optimizer):
    """Adam that looks ahead, with a momentum schedule u_t = b1 (1 - 0.96^t / 2).

    U_t = u_1 ... u_t;  m = m + (1 - b1)(g - m);  v = v + (1 - b2)(g^2 - v)
    n = u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)
    w = w - lr n / (sqrt(v / (1 - b2^t)) + eps)

    Source: keras/src/optimizers/nadam.py (3.15.1).
    """

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
    def scalars(self) -> tuple[Slot, ...]:
        return (Slot("u_product", start=1.0),)

    def _momentum(self, t: Tensor) -> Tensor:
        """u_t."""
        return (1.0 - ops.power(0.96, t) * 0.5) * self.beta_1

    @override
    def advance(self, scalars: Mapping[str, Tensor], t: Tensor) -> dict[str, Tensor]:
        return {"u_product": scalars["u_product"] * self._momentum(t)}

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
        now, ahead = self._momentum(t), self._momentum(t + 1.0)
        product = scalars["u_product"] * now
        m = toward(slots["momentum"], g, self.beta_1)
        v = toward(slots["velocity"], g * g, self.beta_2)
        looking = m * (lr * ahead / (1.0 - product * ahead)) + g * (
            lr * (1.0 - now) / (1.0 - product)
        )
        root = ops.sqrt(v / bias(self.beta_2, t))
        return w - looking / (root + self.epsilon), {"momentum": m, "velocity": v}
