"""`Optimizer`: fields, slots and the update rule of one tensor; the common part of every step.

Order of a step (keras/src/optimizers/base_optimizer.py, apply): clip gradients, decoupled weight
decay, update, moving average of weights; constraints and the step counter follow in the compiler.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from specc.family import Member
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that the optimizer keeps for a weight (or, as a scalar, for the whole model).

    `start` is the initial value of every element, or "weight" for a copy of the weight.
    """

    name: str
    start: float | Literal["weight"] = 0.0


class Optimizer(Member):
    """An update rule.

    Class attributes:
        elementwise: each element's update needs only that element: the compiler may then pack all
            weights into one vector and emit the rule once.
    """

    family_name: ClassVar[str] = "optimizer"
    elementwise: ClassVar[bool] = True

    learning_rate: float | Schedule = 0.001
    """Step size, or a schedule of it."""

    weight_decay: float | None = None
    """Decoupled decay: w -= w * weight_decay * learning_rate, before the update."""

    clipnorm: float | None = None
    """Upper limit of each weight's gradient norm."""

    clipvalue: float | None = None
    """Upper limit of each gradient element's magnitude."""

    global_clipnorm: float | None = None
    """Upper limit of the norm of all gradients together."""

    use_ema: bool = False
    """Keep a moving average of the weights."""

    ema_momentum: float = 0.99
    """Momentum of that average; the first step copies the weights."""

    ema_overwrite_frequency: int | None = None
    """Replace the weights by their average every so many steps."""

    gradient_accumulation_steps: int | None = None
    """Update once in so many steps, with the mean of their gradients."""

    def slots(self, shape: tuple[int, ...]) -> tuple[Slot, ...]:
        """The rule's own slots for a weight of this shape, each of the weight's shape."""
        del shape
        return ()

    def scalars(self) -> tuple[Slot, ...]:
        """The rule's slots for the whole model, scalars."""
        return ()

    @abstractmethod
    def update(
        self,
        w: Tensor,
        g: Tensor,
        slots: Mapping[str, Tensor],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
        t: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """(new w, new slots) from the gradient. t = 1, 2, ... is the step, a float scalar."""

    def advance(self, scalars: Mapping[str, Tensor], t: Tensor) -> dict[str, Tensor]:
        """The scalars after step t; `update` sees those from before it."""
        del t
        return dict(scalars)
