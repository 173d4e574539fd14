"""`Cell`: one step of a recurrence, and the loop that runs it over a sequence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.activations import Choice
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.dropout import kept
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, show

States: TypeAlias = "tuple[Tensor, ...]"


@dataclass(frozen=True, slots=True)
class Noise:
    """Factors that drop inputs and states, drawn once for a sequence: none, one, one a gate."""

    inputs: States = ()
    states: States = ()


@dataclass(frozen=True, slots=True)
class Course:
    """How a recurrence runs over a sequence.

    Attributes:
        mask: (N, T), true where a step counts; None when all do. Others repeat what was before.
        zeros: whether the output of a step that does not count is 0.
        start: states before the first step; zeros when empty.
        states: whether the last states are asked for.
        unroll: whether each step is to be written out.
    """

    mask: Tensor | None = None
    zeros: bool = False
    start: States = ()
    states: bool = True
    unroll: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """What a recurrence gives: (N, T, ...) outputs in the order of the steps, and last states.

    The states may be missing where they are not asked for.
    """

    outputs: Tensor
    states: States

    @property
    def last(self) -> Tensor:
        """The output of the last step."""
        return at_step(self.outputs, -1)


class Cell(Layer):
    """One step of a recurrence: (input, states) to (output, states).

    A subclass splits its step in two: `enter` is what does not depend on the states, so that a
    recurrence does it once for all steps, `advance` is the rest.
    """

    abstract: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None
    several_outputs: ClassVar[bool] = True

    @property
    @abstractmethod
    def state_count(self) -> int:
        """Number of states."""

    @abstractmethod
    def state_shapes(self, step: Shape) -> Shapes:
        """Shapes of the states for an input of one step."""

    def made(self, states: Shapes) -> Shape:
        """The output's shape."""
        return states[0]

    @abstractmethod
    def enter(self, low: Lowering, x: Tensor, noise: Noise) -> Tensor:
        """What the step makes of its input alone. Shapes: x (N, ..., d), any number of axes."""

    @abstractmethod
    def advance(
        self, low: Lowering, entered: Tensor, states: States, noise: Noise
    ) -> tuple[Tensor, States]:
        """The output and the new states."""

    def noise(self, low: Lowering, step: Tensor, states: States) -> Noise:
        """Dropout of inputs and states. Shapes: step (N, d)."""
        del low, step, states
        return Noise()

    @override
    def output_shape(self, inputs: Shapes) -> Shape | Shapes:
        x, states = inputs[0], inputs[1:]
        wanted = self.state_shapes(x)
        if len(states) != len(wanted):
            raise ShapeError(f"takes an input and {len(wanted)} states, received {len(states)}")
        for state, shape in zip(states, wanted, strict=True):
            if state[1:] != shape[1:]:
                raise ShapeError(f"expected a state {show(shape)}, found {show(state)}")
        return (self.made(wanted), *wanted)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        x, states = ops.cast(inputs[0], inputs[0].trace.floatx), inputs[1:]
        noise = self.noise(low, x, states)
        output, after = self.advance(low, self.enter(low, x, noise), states, noise)
        return (output, *after)

    def run(self, low: Lowering, x: Tensor, course: Course) -> Ran:
        """The cell at every step of a sequence, its input part first and at once.

        Shapes: x (N, T, ...). Source: keras/src/backend/tensorflow/rnn.py, rnn (3.15.1).
        """
        step = at_step(x, 0)
        start = course.start or self.zeros(step)
        noise = self.noise(low, step, start)
        entered = ops.unstack(self.enter(low, x, noise), 1)
        marks = _marks(course, x)
        states, outputs = start, list[Tensor]()
        before: Tensor | None = None
        for t, step_input in enumerate(entered):
            output, after = self.advance(low, step_input, states, noise)
            if marks is not None:
                mark, rest = marks[0][t], marks[1][t]
                # An output that is a state stays one tensor as long as both have one past.
                same = output is after[0] and (before is states[0] or not course.start)
                after = tuple(
                    _either(mark, new, rest, old) for new, old in zip(after, states, strict=True)
                )
                if course.zeros:
                    output = output * _wide(mark, output)
                elif same:
                    output = after[0]
                else:
                    output = _either(mark, output, rest, before)
            before, states = output, after
            outputs.append(output)
        return Ran(ops.stack(outputs, 1), states)

    def zeros(self, step: Tensor) -> States:
        """Zero states for an input of one step."""
        shape = tuple(d if isinstance(d, int) else None for d in step.shape)
        return tuple(zeros(step, state) for state in self.state_shapes(shape))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return self.step_cost(inputs[0])

    @abstractmethod
    def step_cost(self, step: Shape) -> Cost:
        """Work of one step of one sample."""


def zeros(step: Tensor, shape: Shape) -> Tensor:
    """Zeros of a shape whose first axis is the batch of `step`."""
    full = (step.shape[0], *(d for d in shape[1:] if d is not None))
    return ops.broadcast_to(step.trace.constant(0.0), full, step)


def factors(low: Lowering, like: Tensor, rate: float, count: int) -> States:
    """`count` independent dropouts of `like`: 0 or 1 / (1 - rate); none where nothing is dropped.

    Source: keras/src/layers/rnn/dropout_rnn_cell.py (3.15.1).
    """
    if not low.training or not 0.0 < rate < 1.0:
        return ()
    scale = 1.0 / (1.0 - rate)
    return tuple(kept(low, like, like.shape, rate) * scale for _ in range(count))


def dropped(x: Tensor, factor: Tensor) -> Tensor:
    """A step's or a whole sequence's inputs times a factor of one step."""
    return x * (factor if x.rank == factor.rank else ops.expand_dims(factor, 1))


def at_step(x: Tensor, step: int) -> Tensor:
    """One step of a sequence; a negative one counts from the end. Shapes: (N, T, ...), (N, ...)."""
    at = step % ints(x.shape[1:2])[0]
    return ops.squeeze(ops.slice_axis(x, 1, at, at + 1), 1)


def shown(outputs: Tensor, course: Course) -> Tensor:
    """What a sequence of states shows: where a mask leaves a step out, the output before or 0.

    Before the first step that counts that is 0, whatever the state was at the start.
    """
    if course.mask is None or not (course.zeros or course.start):
        return outputs
    mark = ops.cast(ops.cast(course.mask, "bool"), outputs.dtype)
    if not course.zeros:
        mark = ops.clip(ops.cumsum(mark, 1), 0.0, 1.0)
    return outputs * ops.expand_dims(mark, -1)


def unchanged(state: Shape, *functions: Choice | None) -> Shape:
    """The shape of a state, which is also that of what its functions make.

    Raises:
        ShapeError: a function would change it.
    """
    for function in functions:
        if activations.output_shape(function, state) != state:
            raise ShapeError(f"{function} changes the shape of a state {show(state)}")
    return state


def _marks(course: Course, x: Tensor) -> tuple[list[Tensor], list[Tensor]] | None:
    """For each step 1 where it counts, and 1 where it does not. Shapes: (N, 1)."""
    if course.mask is None:
        return None
    mark = ops.cast(ops.cast(course.mask, "bool"), x.dtype)
    return ops.split(mark, _ones(mark), 1), ops.split(1.0 - mark, _ones(mark), 1)


def _ones(mark: Tensor) -> Sequence[int]:
    steps = mark.shape[1]
    return (1,) * (steps if isinstance(steps, int) else 0)


def _wide(mark: Tensor, like: Tensor) -> Tensor:
    """(N, 1) as (N, 1, ..., 1)."""
    return ops.reshape(mark, (*mark.shape, *(1,) * (like.rank - mark.rank)))


def _either(mark: Tensor, new: Tensor, rest: Tensor, old: Tensor | None) -> Tensor:
    """`new` where a step counts, else `old`; None stands for zeros."""
    chosen = new * _wide(mark, new)
    return chosen if old is None else chosen + old * _wide(rest, old)
