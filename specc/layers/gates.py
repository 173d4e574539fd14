"""What simple, long short-term and gated cells have in common: fields, weights, projections."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.activations import Choice
from specc.constraints import Constraint
from specc.fields import OptionalActivation, Rate
from specc.initializers import GlorotUniform, Initializer, Orthogonal, Zeros
from specc.layer import Layer, Lowering, Shapes, Weight
from specc.layers.axes import known
from specc.layers.cells import (
    Cell,
    Course,
    Noise,
    Ran,
    States,
    at_step,
    dropped,
    factors,
    shown,
    unchanged,
)
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.recurrence import FUNCTIONS
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape, show


class GateFields(Layer):
    """The fields that a cell and the layer that runs it share."""

    abstract: ClassVar[bool] = True

    units: PositiveInt
    """Length of the state, and of the output."""
    activation: OptionalActivation = "tanh"
    """Function applied to the candidate state."""
    use_bias: bool = True
    """Whether a bias is added."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the kernel."""
    recurrent_initializer: Initializer = Orthogonal()
    """First values of the recurrent kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    kernel_regularizer: Regularizer | None = None
    """Penalty on the kernel."""
    recurrent_regularizer: Regularizer | None = None
    """Penalty on the recurrent kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    kernel_constraint: Constraint | None = None
    """Limit on the kernel after each update."""
    recurrent_constraint: Constraint | None = None
    """Limit on the recurrent kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""
    dropout: Rate = 0.0
    """Part of the inputs that training drops, the same at each step."""
    recurrent_dropout: Rate = 0.0
    """Part of the states that training drops, the same at each step."""
    seed: int | None = None
    """Overrides the training seed for this layer."""


class Gated(GateFields, Cell):
    """A cell of `gates` products of the input and as many of the state, side by side.

    Weights: `kernel` (d, gates units), `recurrent_kernel` (units, gates units), `bias`.

    Class attributes:
        gates: products side by side.
        count: states, all of `units`.
    """

    abstract: ClassVar[bool] = True
    gates: ClassVar[int] = 1
    count: ClassVar[int] = 1

    @property
    @override
    def state_count(self) -> int:
        return self.count

    @override
    def state_shapes(self, step: Shape) -> Shapes:
        if len(step) != 2:  # noqa: PLR2004
            raise ShapeError(f"expected (batch, features) at each step, found {show(step)}")
        return (unchanged((step[0], self.units), *self.functions),) * self.count

    def bias_weight(self) -> Weight:
        """The bias."""
        return weight(self, "bias", (self.gates * self.units,))

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        wide = self.gates * self.units
        kernel = weight(self, "kernel", (known(inputs[0], -1), wide))
        recurrent = weight(self, "recurrent_kernel", (self.units, wide), settings="recurrent")
        return (kernel, recurrent, *((self.bias_weight(),) if self.use_bias else ()))

    @override
    def noise(self, low: Lowering, step: Tensor, states: States) -> Noise:
        # Keras draws for each gate by itself as soon as states are dropped too.
        count = self.gates if self.recurrent_dropout else 1
        return Noise(
            factors(low, step, self.dropout, count),
            factors(low, states[0], self.recurrent_dropout, count),
        )

    def input_bias(self, low: Lowering) -> Tensor | None:
        """What is added to the products of the input."""
        return low.weight("bias") if self.use_bias else None

    @override
    def enter(self, low: Lowering, x: Tensor, noise: Noise) -> Tensor:
        kernel, bias = low.weight("kernel"), self.input_bias(low)
        if len(noise.inputs) <= 1:
            y = dropped(x, noise.inputs[0]) if noise.inputs else x
            return ops.dense(y, kernel, bias)
        y = self.products([dropped(x, factor) for factor in noise.inputs], kernel)
        return y if bias is None else y + bias

    def products(self, xs: list[Tensor], kernel: Tensor) -> Tensor:
        """Each gate's input times the gate's part of a kernel, side by side."""
        kernels = ops.split(kernel, (self.units,) * len(xs), 1)
        return ops.concat([ops.dense(x, k) for x, k in zip(xs, kernels, strict=True)], -1)

    def recurrent(self, low: Lowering, h: Tensor, noise: Noise) -> Tensor:
        """The state times the recurrent kernel. Shapes: h (N, units), result (N, gates units)."""
        kernel = low.weight("recurrent_kernel")
        if len(noise.states) <= 1:
            return ops.dense(h * noise.states[0] if noise.states else h, kernel)
        return self.products([h * factor for factor in noise.states], kernel)

    def is_whole(self, low: Lowering) -> bool:
        """Whether the recurrence is one that targets know as a whole."""
        dropping = low.training and self.recurrent_dropout > 0.0
        return not dropping and all(str(each or "linear") in FUNCTIONS for each in self.functions)

    @property
    def functions(self) -> tuple[Choice | None, ...]:
        """The functions of the step: `activation`, then the gates' where there are gates."""
        return (self.activation,)

    @abstractmethod
    def whole(self, given: ops.Recurrent, *, states: bool) -> Tensor:
        """The states of all steps; with `states`, what else is asked for behind them."""

    @override
    def run(self, low: Lowering, x: Tensor, course: Course) -> Ran:
        if course.unroll or not self.is_whole(low):
            return super().run(low, x, course)
        noise = factors(low, at_step(x, 0), self.dropout, 1)
        bias = low.weight("bias") if self.use_bias else None
        mask = None if course.mask is None else ops.cast(course.mask, "bool")
        given = ops.Recurrent(
            dropped(x, noise[0]) if noise else x,
            low.weight("kernel"), low.weight("recurrent_kernel"), bias, course.start, mask,
        )  # fmt: skip
        made = self.whole(given, states=course.states)
        steps = ints(x.shape[1:2])[0]
        hidden = ops.slice_axis(made, 1, 0, steps)
        further = ints(made.shape[1:2])[0] - steps
        lasts = [at_step(hidden, -1), *(at_step(made, steps + i) for i in range(further))]
        return Ran(shown(hidden, course), tuple(lasts))

    def parts(self, gates: Tensor) -> list[Tensor]:
        """The gates one by one. Shapes: (N, gates units) to (N, units)."""
        return ops.split(gates, (self.units,) * self.gates, -1)
