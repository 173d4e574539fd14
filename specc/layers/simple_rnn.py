"""The simple recurrent network: one product of the input and one of the state."""

from __future__ import annotations

from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.layer import Cost, Lowering
from specc.layers.axes import known
from specc.layers.cells import Noise, States
from specc.layers.gates import Gated, GateFields
from specc.layers.recurrence import Recurrence, same_fields
from specc.primitives import Tensor
from specc.tensors import Shape


class SimpleRNNCell(Gated):
    """One step h' = activation(x W + h R + b).

    Shapes: x (N, d), h (N, units); results h' twice, as output and as state. Weights `kernel` W
    (d, units), `recurrent_kernel` R (units, units), `bias` b (units).

    Source: keras/src/layers/rnn/simple_rnn.py (3.15.1); Elman (1990).
    """

    @override
    def advance(
        self, low: Lowering, entered: Tensor, states: States, noise: Noise
    ) -> tuple[Tensor, States]:
        h = activations.apply(self.activation, entered + self.recurrent(low, states[0], noise))
        return h, (h,)

    @override
    def whole(self, given: ops.Recurrent, *, states: bool) -> Tensor:
        return ops.simple_rnn(given, str(self.activation or "linear"))

    @override
    def step_cost(self, step: Shape) -> Cost:
        each = 1 + self.use_bias + activations.get(self.activation).ops
        return Cost(self.units * (known(step, -1) + self.units), self.units * each)


class SimpleRNN(Recurrence, GateFields):
    """h_t = activation(x_t W + h_(t-1) R + b) for each step t of a sequence.

    Shapes: sequences (N, T, d), initial_state (N, units), mask (N, T), true where a step counts;
    result (N, units), with `return_sequences` (N, T, units), and with `return_state` h_T
    (N, units). Weights `simple_rnn_cell/kernel` W (d, units), `simple_rnn_cell/recurrent_kernel`
    R (units, units), `simple_rnn_cell/bias` b (units).

    Source: keras/src/layers/rnn/simple_rnn.py (3.15.1); Elman (1990).
    """

    zero_output_for_mask: bool = False
    """Whether the output of a step that the mask leaves out is 0, not the one before."""

    @property
    @override
    def inner(self) -> SimpleRNNCell:
        return SimpleRNNCell(**same_fields(self, SimpleRNNCell))
