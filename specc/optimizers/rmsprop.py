"""RMSprop (Tieleman and Hinton, 2012), with Keras' epsilon inside the root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class RMSprop(Optimizer):
    """Divides the gradient by the root of a moving average of its square.

    v = rho v + (1 - rho) g^2
    d = v + eps, or v - m^2 + eps with m = rho m + (1 - rho) g when centered
    u = lr g / sqrt(d);  with momentum mu: b = mu b + u, u = b
    w = w - u

    Source: keras/src/optimizers/rmsprop.py (3.15.1).
    """

    key: ClassVar[str] = "rmsprop"
    aliases: ClassVar[tuple[str, ...]] = ("rm_sprop",)

    rho: float = 0.9
    """Decay of the moving averages."""

    momentum: float = 0.0
    """Momentum of the increments."""

    epsilon: float = 1e-7
    """Added under the root."""

    centered: bool = False
    """Divide by the variance of gradients rather than by their second moment."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        momentum = (Slot("momentum", group=1),) if self.momentum > 0 else ()
        average = (Slot("average_gradient", group=2),) if self.centered else ()
        return (Slot("velocity"), *momentum, *average)

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
        new = {"velocity": slots["velocity"] * self.rho + g * g * (1 - self.rho)}
        divisor = new["velocity"] + self.epsilon
        if self.centered:
            new["average_gradient"] = slots["average_gradient"] * self.rho + g * (1 - self.rho)
            divisor = divisor - new["average_gradient"] * new["average_gradient"]
        step = g * lr / ops.sqrt(divisor)
        if self.momentum > 0:
            step = new["momentum"] = slots["momentum"] * self.momentum + step
        return w - step, new
