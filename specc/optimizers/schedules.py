"""Learning-rate schedules: functions of the step counter, computed in the graph.

A step is exact in float32 up to 2^24. Source of every rule and default:
keras/src/optimizers/schedules/learning_rate_schedule.py (3.15.1).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.family import Member
from specc.primitives import Tensor


class Schedule(Member):
    """A learning rate for each step."""

    family_name: ClassVar[str] = "schedule"

    @abstractmethod
    def at(self, step: Tensor) -> Tensor:
        """The rate at `step` = 0, 1, ... (a float scalar)."""


def holds(condition: Tensor, like: Tensor) -> Tensor:
    """1 where the condition holds, else 0, in the element type of `like`."""
    return ops.cast(condition, like.dtype)


class ExponentialDecay(Schedule):
    """initial_learning_rate * decay_rate^(step / decay_steps)."""

    initial_learning_rate: float
    """The rate at step 0."""

    decay_steps: Annotated[int, Field(gt=0)]
    """Steps after which the rate has been multiplied by decay_rate once."""

    decay_rate: float
    """Factor per decay_steps."""

    staircase: bool = False
    """Whether the rate stays the same within decay_steps: the exponent is cut to an integer."""

    @override
    def at(self, step: Tensor) -> Tensor:
        p = step / float(self.decay_steps)
        p = ops.floor(p) if self.staircase else p
        return ops.power(self.decay_rate, p) * self.initial_learning_rate


class PiecewiseConstantDecay(Schedule):
    """values[i] for boundaries[i - 1] < step <= boundaries[i]."""

    boundaries: Annotated[list[int | float], Field(min_length=1)]
    """Last steps of all values but the last one, ascending."""

    values: list[float]
    """Rates, one more than boundaries."""

    @model_validator(mode="after")
    def _one_more_value(self) -> Self:
        if len(self.values) != len(self.boundaries) + 1:
            raise PydanticCustomError(
                "piecewise",
                "expected one value more than boundaries, found {values} values and {boundaries}"
                " boundaries",
                {"values": len(self.values), "boundaries": len(self.boundaries)},
            )
        if list(self.boundaries) != sorted(self.boundaries):
            raise PydanticCustomError("piecewise", "expected boundaries in ascending order")
        return self

    @override
    def at(self, step: Tensor) -> Tensor:
        bounds, values = self.boundaries, self.values
        rate = holds(ops.less_equal(step, float(bounds[0])), step) * values[0]
        for low, high, value in zip(bounds[:-1], bounds[1:], values[1:-1], strict=True):
            inside = ops.logical_and(
                ops.greater(step, float(low)), ops.less_equal(step, float(high))
            )
            rate = rate + holds(inside, step) * value
        return rate + holds(ops.greater(step, float(bounds[-1])), step) * values[-1]


class PolynomialDecay(Schedule):
    """(initial - end) (1 - step / decay_steps)^power + end, then end.

    With cycle, decay_steps is taken as often as needed to reach beyond the step.
    """

    initial_learning_rate: float
    """The rate at step 0."""

    decay_steps: Annotated[int, Field(gt=0)]
    """Steps until the end."""

    end_learning_rate: float = 0.0001
    """The rate from then on."""

    power: float = 1.0
    """1 is a straight line."""

    cycle: bool = False
    """Whether the rate rises again behind the end, to fall over a longer time."""

    @override
    def at(self, step: Tensor) -> Tensor:
        if self.cycle:
            cycles = ops.maximum(ops.ceil(step / float(self.decay_steps)), 1.0)
            p = step / (cycles * float(self.decay_steps))
        else:
            p = ops.minimum(step, float(self.decay_steps)) / float(self.decay_steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return ops.power(1.0 - p, self.power) * span + self.end_learning_rate


class InverseTimeDecay(Schedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    initial_learning_rate: float
    """The rate at step 0."""

    decay_steps: Annotated[int, Field(gt=0)]
    """The unit of time, in steps."""

    decay_rate: float
    """How much the denominator grows in a unit of time."""

    staircase: bool = False
    """Whether the rate stays the same within a unit of time."""

    @override
    def at(self, step: Tensor) -> Tensor:
        p = step / float(self.decay_steps)
        p = ops.floor(p) if self.staircase else p
        return self.initial_learning_rate / (p * self.decay_rate + 1.0)


def cosine_wave(fraction: Tensor) -> Tensor:
    """(1 + cos(pi fraction)) / 2: from 1 at 0 to 0 at 1."""
    return (ops.cos(fraction * math.pi) + 1.0) * 0.5


class CosineDecay(Schedule):
    """base ((1 - alpha) (1 + cos(pi step / decay_steps)) / 2 + alpha), after an optional warm-up.

    The warm-up rises in a straight line from initial_learning_rate to warmup_target, which is
    then the base; without one the base is initial_learning_rate (Loshchilov and Hutter, 2017).
    """

    initial_learning_rate: float
    """The rate at step 0."""

    decay_steps: Annotated[int, Field(gt=0)]
    """Steps of the decay, after the warm-up."""

    alpha: float = 0.0
    """The last rate, as a share of the base."""

    warmup_target: float | None = None
    """The rate that the warm-up rises to; None: no warm-up."""

    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps of the warm-up."""

    @override
    def at(self, step: Tensor) -> Tensor:
        if self.warmup_target is None:
            return self._decayed(step, self.initial_learning_rate)
        decayed = self._decayed(ops.relu(step - float(self.warmup_steps)), self.warmup_target)
        if not self.warmup_steps:
            return decayed
        rise = self.warmup_target - self.initial_learning_rate
        warm = step / float(self.warmup_steps) * rise + self.initial_learning_rate
        warming = holds(ops.less(step, float(self.warmup_steps)), step)
        return warm * warming + decayed * (1.0 - warming)

    def _decayed(self, step: Tensor, base: float) -> Tensor:
        fraction = ops.minimum(step, float(self.decay_steps)) / float(self.decay_steps)
        return cosine_wave(fraction) * (base * (1.0 - self.alpha)) + base * self.alpha


class CosineDecayRestarts(Schedule):
    """Cosine decays one after the other, each t_mul times as long and m_mul times as high.

    initial ((1 - alpha) m_mul^i (1 + cos(pi f)) / 2 + alpha), f in [0, 1) the share of period i
    that has passed (Loshchilov and Hutter, 2017).
    """

    initial_learning_rate: float
    """The rate at step 0."""

    first_decay_steps: Annotated[int, Field(gt=0)]
    """Steps of the first period."""

    t_mul: Annotated[float, Field(gt=0)] = 2.0
    """Length of a period in terms of the one before."""

    m_mul: float = 1.0
    """Height of a period in terms of the one before."""

    alpha: float = 0.0
    """The lowest rate, as a share of the initial one."""

    @override
    def at(self, step: Tensor) -> Tensor:
        passed = step / float(self.first_decay_steps)
        if self.t_mul == 1.0:
            period = ops.floor(passed)
            fraction = passed - period
        else:
            # Period i starts when (t_mul^i - 1) / (t_mul - 1) first periods have passed.
            reached = ops.log(passed * (self.t_mul - 1.0) + 1.0) / math.log(self.t_mul)
            # A float32 logarithm can fall short of a whole period by this much.
            period = ops.floor(reached + 1e-5)
            length = ops.power(self.t_mul, period)
            fraction = (passed - (length - 1.0) / (self.t_mul - 1.0)) / length
        height = ops.power(self.m_mul, period)
        wave = cosine_wave(fraction) * height * (1.0 - self.alpha)
        return (wave + self.alpha) * self.initial_learning_rate
