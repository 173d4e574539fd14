"""Long short-term memory."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.activations import Choice
from specc.fields import OptionalActivation
from specc.initializers import Initializer
from specc.layer import Cost, Lowering, Weight
from specc.layers.axes import known
from specc.layers.cells import Noise, States
from specc.layers.gates import Gated, GateFields
from specc.layers.recurrence import Recurrence, same_fields
from specc.primitives import Tensor
from specc.tensors import Shape


class ForgetOnes(Initializer):
    """Another initializer's values, but 1 in the second quarter of a vector."""

    abstract: ClassVar[bool] = True

    others: Initializer
    """The rest of the values."""

    @override
    def create(self, shape: tuple[int, ...], seed: int, name: str) -> npt.NDArray[np.float32]:
        return self._with_ones(self.others.create(shape, seed, name))

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return self._with_ones(self.others.draw(shape, rng))

    def _with_ones(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        units = len(values) // 4
        values[units : 2 * units] = 1.0
        return values


def forget_ones(bias: Weight) -> Weight:
    """A bias that starts with 1 at the forget gate, as Jozefowicz et al. (2015) recommend."""
    return Weight(
        bias.name,
        bias.shape,
        ForgetOnes.model_construct(others=bias.initializer),
        regularizer=bias.regularizer,
        constraint=bias.constraint,
    )


class Functions(Protocol):
    """The functions of gates and memory."""

    @property
    def activation(self) -> Choice | None:
        """Of the candidate and the memory."""
        ...

    @property
    def recurrent_activation(self) -> Choice | None:
        """Of the gates."""
        ...


def memory(
    cell: Functions, gates: list[Tensor], before: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Output and states from the gates i, f, c, o before their functions."""
    i, f, o = (activations.apply(cell.recurrent_activation, gates[k]) for k in (0, 1, 3))
    c = f * before + i * activations.apply(cell.activation, gates[2])
    h = o * activations.apply(cell.activation, c)
    return h, (h, c)


class LSTMFields(GateFields):
    """The fields that the cell and the layer share."""

    abstract: ClassVar[bool] = True

    recurrent_activation: OptionalActivation = "sigmoid"
    """Function applied to the gates."""
    unit_forget_bias: bool = True
    """Whether the bias of the forget gate starts as 1."""


class LSTMCell(LSTMFields, Gated):
    """One step c' = sigma(f) c + sigma(i) tanh(g), h' = sigma(o) tanh(c').

    The gates i, f, g, o are x W + h R + b.

    Shapes: x (N, d), h and c (N, units); results h' as output, h' and c' as states. Weights
    `kernel` W (d, 4 units), `recurrent_kernel` R (units, 4 units), `bias` b (4 units), the gates
    in the order i, f, g, o.

    Source: keras/src/layers/rnn/lstm.py (3.15.1); Hochreiter and Schmidhuber (1997).
    """

    gates: ClassVar[int] = 4
    count: ClassVar[int] = 2

    @override
    def bias_weight(self) -> Weight:
        bias = super().bias_weight()
        return forget_ones(bias) if self.unit_forget_bias else bias

    @override
    def advance(
        self, low: Lowering, entered: Tensor, states: States, noise: Noise
    ) -> tuple[Tensor, States]:
        gates = self.parts(entered + self.recurrent(low, states[0], noise))
        return memory(self, gates, states[1])

    @property
    @override
    def functions(self) -> tuple[Choice | None, ...]:
        return self.activation, self.recurrent_activation

    @override
    def whole(self, given: ops.Recurrent, *, states: bool) -> Tensor:
        function, gate = (str(each or "linear") for each in self.functions)
        return ops.lstm(given, function, gate, cell=states)

    @override
    def step_cost(self, step: Shape) -> Cost:
        each = 4 + 4 * self.use_bias + 4
        each += 3 * activations.get(self.recurrent_activation).ops
        each += 2 * activations.get(self.activation).ops
        return Cost(4 * self.units * (known(step, -1) + self.units), self.units * each)


class LSTM(Recurrence, LSTMFields):
    """c = sigma(f) c + sigma(i) tanh(g), h = sigma(o) tanh(c) at each step of a sequence.

    The gates i, f, g, o are x W + h R + b.

    Shapes: sequences (N, T, d), initial_state two of (N, units), mask (N, T), true where a step
    counts; result (N, units), with `return_sequences` (N, T, units), and with `return_state` the
    last h and c (N, units). Weights `lstm_cell/kernel` W (d, 4 units), `lstm_cell/recurrent_kernel`
    R (units, 4 units), `lstm_cell/bias` b (4 units), the gates in the order i, f, g, o.

    Source: keras/src/layers/rnn/lstm.py (3.15.1); Hochreiter and Schmidhuber (1997).
    """

    use_cudnn: bool | Literal["auto"] = "auto"
    """Kept for Keras' sake: it chooses an algorithm, never a result."""
    zero_output_for_mask: bool = False
    """Whether the output of a step that the mask leaves out is 0, not the one before."""

    @property
    @override
    def inner(self) -> LSTMCell:
        return LSTMCell(**same_fields(self, LSTMCell))
