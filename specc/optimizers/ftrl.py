"""FTRL-Proximal (McMahan et al., 2013)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Ftrl(Optimizer):
    """Follow the regularized leader: sparse weights through a proximal step.

    n' = n + g^2;  z = z + g + 2 s w - (n'^-p - n^-p) / lr * w, s the shrinkage, p the power
    w = (clip(z, -l1, l1) - z) / (n'^-p / lr + 2 l2 + beta / lr);  n = n'

    Source: keras/src/optimizers/ftrl.py (3.15.1).
    """

    learning_rate_power: Annotated[float, Field(le=0)] = -0.5
    """p: how the rate falls; 0 keeps it."""

    initial_accumulator_value: Annotated[float, Field(ge=0)] = 0.1
    """Where the sum of squares n starts."""

    l1_regularization_strength: Annotated[float, Field(ge=0)] = 0.0
    """l1: below it z gives a weight of 0."""

    l2_regularization_strength: Annotated[float, Field(ge=0)] = 0.0
    """l2: penalty of the weights' squares."""

    l2_shrinkage_regularization_strength: Annotated[float, Field(ge=0)] = 0.0
    """s: penalty of the weights' squares in the gradient only."""

    beta: float = 0.0
    """Stabiliser of the first steps."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("accumulator", start=self.initial_accumulator_value), Slot("linear"))

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
        n = slots["accumulator"] + g * g
        root, old_root = self._root(n), self._root(slots["accumulator"])
        shrinkage = self.l2_shrinkage_regularization_strength
        gradient = g + w * (2.0 * shrinkage) if shrinkage else g
        z = slots["linear"] + gradient - (root - old_root) / lr * w
        divisor = root / lr + (self.beta / lr + 2.0 * self.l2_regularization_strength)
        l1 = self.l1_regularization_strength
        proximal = ops.clip(z, -l1, l1) - z if l1 else -z
        return proximal / divisor, {"accumulator": n, "linear": z}

    def _root(self, n: Tensor) -> Tensor:
        """n^-p; the square root by default."""
        power = -self.learning_rate_power
        return ops.sqrt(n) if power == 0.5 else ops.power(n, power)  # noqa: PLR2004
