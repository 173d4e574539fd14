"""Adam (Kingma and Ba, 2015), AMSGrad (Reddi et al., 2018), AdamW (Loshchilov and Hutter, 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


def toward(average: Tensor, value: Tensor, beta: float) -> Tensor:
    """The moving average after one more value: a + (1 - beta) (value - a)."""
    return average + (value - average) * (1.0 - beta)


def bias(beta: float, t: Tensor) -> Tensor:
    """1 - beta^t: what a moving average from zero lacks after t values."""
    return 1.0 - ops.power(beta, t)


def adam_step(
    w: Tensor,
    g: Tensor,
    slots: Mapping[str, Tensor],
    lr: Tensor,
    t: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """(new w, new slots) of `Adam`; with the variant amsgrad when there is its slot."""
    alpha = lr * ops.sqrt(bias(beta_2, t)) / bias(beta_1, t)
    new = {
        "momentum": toward(slots["momentum"], g, beta_1),
        "velocity": toward(slots["velocity"], g * g, beta_2),
    }
    second = new["velocity"]
    if "velocity_hat" in slots:
        second = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], second)
    return w - new["momentum"] * alpha / (ops.sqrt(second) + epsilon), new


class Adam(Optimizer):
    """Divides a moving average of gradients by the root of one of their squares.

    m = m + (1 - b1)(g - m);  v = v + (1 - b2)(g^2 - v);  with amsgrad, h = max(h, v), else h = v
    w = w - alpha m / (sqrt(h) + eps), alpha = lr sqrt(1 - b2^t) / (1 - b1^t)

    The epsilon is the paper's epsilon hat (section 2, last paragraph).
    Source: keras/src/optimizers/adam.py (3.15.1).
    """

    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of the average of gradients."""

    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the average of squares."""

    epsilon: float = 1e-7
    """Added to the root."""

    amsgrad: bool = False
    """Divide by the largest average of squares so far."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        hat = (Slot("velocity_hat", group=1),) if self.amsgrad else ()
        return (Slot("momentum"), Slot("velocity"), *hat)

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
        return adam_step(w, g, slots, lr, t, self.beta_1, self.beta_2, self.epsilon)


class AdamW(Adam):
    """Adam with decoupled weight decay: w = w (1 - lr weight_decay) before each update.

    Source: keras/src/optimizers/adamw.py (3.15.1).
    """

    key: ClassVar[str] = "adamw"
    aliases: ClassVar[tuple[str, ...]] = ("adam_w",)

    weight_decay: Annotated[float, Field(ge=0)] | None = 0.004
    """Decoupled decay: w -= w * weight_decay * learning_rate, before the update."""
