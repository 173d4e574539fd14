"""A scale of the loss that follows its gradients: halved where they overflow, doubled in time."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import AnyOptimizer, Optimizer, Slot, only_rule
from specc.optimizers.step import blend, holds
from specc.primitives import Tensor

COUNTER, SCALE = "step_counter", "dynamic_scale"


class LossScaleOptimizer(AnyOptimizer):
    """Gradients of `scale loss`, divided by the scale; a step whose gradients overflow is left out.

    After `dynamic_growth_steps` steps in a row with finite gradients the scale is doubled; after
    one without it is halved, and weights, slots and the count of steps stay as they were. What
    layers carry (moving statistics) goes on. The rule's own `loss_scale_factor` is without effect.

    Source: keras/src/optimizers/loss_scale_optimizer.py (3.15.1); Micikevicius et al., Mixed
    Precision Training (2018).
    """

    inner_optimizer: Annotated[AnyOptimizer, AfterValidator(only_rule)]
    """The update rule."""

    initial_scale: PositiveFloat = 2.0**15
    """The first scale."""

    # The counter is a float32, exact up to 2^24.
    dynamic_growth_steps: Annotated[int, Field(ge=1, le=2**24)] = 2000
    """Finite steps after which the scale is doubled."""

    @property
    @override
    def rules(self) -> tuple[Optimizer, ...]:
        return self.inner_optimizer.rules

    @override
    def rule_of(self, weight: str) -> Optimizer:
        return self.inner_optimizer.rule_of(weight)

    @override
    def scalars(self) -> tuple[Slot, ...]:
        return (Slot(COUNTER), Slot(SCALE, self.initial_scale))

    def advance(self, counter: Tensor, scale: Tensor, finite: Tensor) -> dict[str, Tensor]:
        """Counter and scale after a step; `finite` is a bool, all are scalars."""
        was_finite = holds(finite)
        full = holds(ops.equal(counter, self.dynamic_growth_steps - 1)) * was_finite
        grown = scale * (full + 1.0)
        return {
            COUNTER: (counter + 1.0) * (1.0 - full) * was_finite,
            SCALE: blend(was_finite, grown, scale * 0.5),
        }
