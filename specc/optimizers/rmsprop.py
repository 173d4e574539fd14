"""RMSprop (Tieleman and Hinton, 2012), with Keras' epsilon inside the root."""

from __future__ import annotations

import math
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
        # (1 - rho) g^2 = (sqrt(1 - rho) g)^2: one factor for all uses of the gradient, which the
        # product that made it takes over, and which leaves a pass over the weights less.
        root = math.sqrt(1 - self.rho) if self.rho < 1 else 1.0
        g = g * root
        square = g * g if self.rho < 1 else g * g * (1 - self.rho)
        new = {"velocity": slots["velocity"] * self.rho + square}
        divisor = new["velocity"] + self.epsilon
        if self.centered:
            share = g * ((1 - self.rho) / root)
            new["average_gradient"] = slots["average_gradient"] * self.rho + share
            divisor = divisor - new["average_gradient"] * new["average_gradient"]
        step = g * (lr * (1 / root)) / ops.sqrt(divisor)
        if self.momentum > 0:
            step = new["momentum"] = slots["momentum"] * self.momentum + step
        return w - step, new
