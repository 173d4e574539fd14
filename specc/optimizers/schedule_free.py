"""AdamW without a schedule: averages of iterates in place of decay (Defazio et al., 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.adam import bias, toward
from specc.optimizers.base import Optimizer, Slot
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor


class ScheduleFreeAdamW(Optimizer):
    """Weights y between a fast iterate z and its average x: y = (1 - b1) z + b1 x.

    v = v + (1 - b2)(g^2 - v);  z' = z - lr g / (sqrt(v / (1 - b2^t)) + eps)
    x = (y - (1 - b1) z') / b1;  x' = (1 - 1/t) x + z'/t;  w = y' = (1 - b1) z' + b1 x'

    The slot `momentum` holds z and starts as a copy of the weight; lr rises over warmup_steps.
    The paper recovers x with the old z. Keras on TensorFlow and PyTorch reads z after its update
    (there `momentum_old` is the variable itself), and those are the numbers that count here.
    Source: keras/src/optimizers/schedule_free_adamw.py (3.15.1).
    """

    key: ClassVar[str] = "schedule_free_adam_w"
    aliases: ClassVar[tuple[str, ...]] = ("schedule_free_adamw",)

    learning_rate: float | Schedule = 0.0025
    """Step size, or a schedule of it."""

    beta_1: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Share of the average in the weights."""

    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the average of squares."""

    epsilon: float = 1e-8
    """Added to the root."""

    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises from 0 in a straight line."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        return (Slot("momentum", start="weight"), Slot("velocity"))

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
        if self.warmup_steps:
            lr = lr * ops.minimum(t / float(self.warmup_steps), 1.0)
        share = 1.0 / t
        v = toward(slots["velocity"], g * g, self.beta_2)
        new_z = slots["momentum"] - g * lr / (ops.sqrt(v / bias(self.beta_2, t)) + self.epsilon)
        x = (w - new_z * (1.0 - self.beta_1)) * (1.0 / self.beta_1)
        new_x = x * (1.0 - share) + new_z * share
        y = new_z * (1.0 - self.beta_1) + new_x * self.beta_1
        return y, {"momentum": new_z, "velocity": v}
