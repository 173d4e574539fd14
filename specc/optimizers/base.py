"""`Optimizer`: fields, slots and the update rule of one tensor; the common part of every step.

Order of a step (keras/src/optimizers/base_optimizer.py, apply): clip gradients, decoupled weight
decay, update, moving average of weights; constraints and the step counter follow in the compiler.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.family import Member
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that the optimizer keeps for a weight (or, as a scalar, for the whole model).

    Attributes:
        start: the initial value of every element, or "weight" for a copy of the weight.
        shape: its shape; None for that of the weight.
        group: slots of one group follow each other weight by weight in Keras' order of optimizer
            variables; all weights' slots of a lower group come first.
    """

    name: str
    start: float | Literal["weight"] = 0.0
    shape: tuple[int, ...] | None = None
    group: int = 0


CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")


class AnyOptimizer(Member):
    """What a spec may name as optimizer: an update rule, or something around one."""

    family_name: ClassVar[str] = "optimizer"

    @property
    @abstractmethod
    def rules(self) -> tuple[Optimizer, ...]:
        """The update rules in it."""

    @abstractmethod
    def rule_of(self, weight: str) -> Optimizer:
        """The update rule of the weight with a name."""

    @property
    def rate(self) -> float | Schedule | None:
        """The learning rate of the only rule; None where there are several."""
        rules = self.rules
        return rules[0].learning_rate if len(rules) == 1 else None

    @property
    def schedule(self) -> Schedule | None:
        """The schedule of the only rule, if it has one."""
        return self.rate if isinstance(self.rate, Schedule) else None

    @property
    def averages(self) -> bool:
        """Whether averages of weights are kept."""
        return any(rule.use_ema for rule in self.rules)

    def scalars(self) -> tuple[Slot, ...]:
        """What is kept for the whole model."""
        return ()


class Optimizer(AnyOptimizer):
    """An update rule.

    Class attributes:
        elementwise: each element's update needs only that element: the compiler may then pack all
            weights into one vector and emit the rule once.
    """

    abstract: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True

    learning_rate: float | Schedule = 0.001
    """Step size, or a schedule of it."""

    weight_decay: Annotated[float, Field(ge=0)] | None = None
    """Decoupled decay: w -= w * weight_decay * learning_rate, before the update."""

    clipnorm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Upper limit of each weight's gradient norm."""

    clipvalue: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Upper limit of each gradient element's magnitude."""

    global_clipnorm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Upper limit of the norm of all gradients together."""

    use_ema: bool = False
    """Keep a moving average of the weights."""

    ema_momentum: Annotated[float, Field(ge=0, le=1)] = 0.99
    """Momentum of that average; the first step copies the weights."""

    ema_overwrite_frequency: Annotated[int, Field(ge=1)] | None = None
    """Replace the weights by their average every so many steps."""

    loss_scale_factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Factor of the loss that gradients are taken of; they are divided by it before all else."""

    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = None
    """Update once in so many steps, with the mean of their gradients."""

    @model_validator(mode="after")
    def _one_clip(self) -> Self:
        """At most one way of clipping, as in Keras."""
        given = [name for name in CLIPS if getattr(self, name) is not None]
        if len(given) > 1:
            raise PydanticCustomError(
                "two_clips",
                "expected one of clipnorm, clipvalue, global_clipnorm, found {given}; keep one",
                {"given": " and ".join(given)},
            )
        return self

    @classmethod
    @override
    def first_field(cls) -> str | None:
        """`sgd: 0.1` sets the learning rate, Keras' first argument of every optimizer."""
        return "learning_rate"

    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        """The rule's own slots for a weight of this shape called `path`."""
        del shape, path
        return ()

    @property
    @override
    def rules(self) -> tuple[Optimizer, ...]:
        return (self,)

    @override
    def rule_of(self, weight: str) -> Optimizer:
        return self

    def decay(self, slots: Mapping[str, Tensor]) -> float | None:
        """The decoupled decay of the weight that has these slots."""
        del slots
        return self.weight_decay

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


def only_rule(value: AnyOptimizer) -> AnyOptimizer:
    """A validator of optimizers that are update rules themselves."""
    if not isinstance(value, Optimizer):
        raise PydanticCustomError(
            "update_rule", "expected an update rule (adam, sgd, ...), found {found}",
            {"found": value.key},
        )  # fmt: skip
    return value
