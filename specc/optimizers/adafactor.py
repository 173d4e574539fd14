"""Adafactor: second moments of matrices as rows times columns (Shazeer and Stern, 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.optimizers.base import Optimizer, Slot
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor


def rms(x: Tensor) -> Tensor:
    """Root of the mean square."""
    return ops.sqrt(ops.reduce_mean(x * x))


class Adafactor(Optimizer):
    """w = w - a u / max(1, rms(u) / d), u = g / sqrt(v), a = max(eps2, rms(w)) min(lr, t^-1/2).

    b = 1 - t^c;  q = g^2 + eps1.  Vectors: v = b v + (1 - b) q.  Else r = b r + (1 - b) mean of q
    over columns, c likewise over rows, v = r c / mean(r).

    Keras takes min(lr, t^-1/2) also without `relative_step`, so that flag changes nothing.
    Source: keras/src/optimizers/adafactor.py (3.15.1).
    """

    elementwise: ClassVar[bool] = False

    learning_rate: float | Schedule = 0.001
    """Largest relative step size, or a schedule of it."""

    beta_2_decay: float = -0.8
    """c: how fast the average of squares comes to remember everything."""

    epsilon_1: float = 1e-30
    """Added to squared gradients."""

    epsilon_2: float = 1e-3
    """Least root mean square of a weight that scales the step."""

    clip_threshold: float = 1.0
    """d: limit of an update's root mean square."""

    relative_step: bool = True
    """Whether the step size is at most t^-1/2."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        if len(shape) < 2:  # noqa: PLR2004
            return (Slot("velocity"),)
        rows, columns = shape[:-1], (*shape[:-2], shape[-1])
        return (Slot("r", shape=rows), Slot("c", shape=columns), Slot("velocity"))

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
        fresh = ops.power(t, self.beta_2_decay)
        kept = 1.0 - fresh
        squares = g * g + self.epsilon_1
        new: dict[str, Tensor] = {}
        if "r" in slots:
            r = slots["r"] * kept + ops.reduce_mean(squares, -1) * fresh
            c = slots["c"] * kept + ops.reduce_mean(squares, -2) * fresh
            share = r / ops.reduce_mean(r, -1, keepdims=True)
            v = ops.expand_dims(share, -1) * ops.expand_dims(c, -2)
            new = {"r": r, "c": c}
        else:
            v = slots["velocity"] * kept + squares * fresh
        u = g / ops.sqrt(v)
        rate = ops.minimum(lr, 1.0 / ops.sqrt(t)) * ops.maximum(rms(w), self.epsilon_2)
        limit = ops.maximum(rms(u) / self.clip_threshold, 1.0)
        return w - u * (rate / limit), {**new, "velocity": v}
