"""The gated recurrent unit."""

from __future__ import annotations

from typing import ClassVar, Literal

from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.activations import Choice
from specc.fields import OptionalActivation
from specc.layer import Cost, Lowering, Weight
from specc.layers.axes import known
from specc.layers.cells import Noise, States
from specc.layers.gates import Gated, GateFields
from specc.layers.recurrence import Recurrence, same_fields
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.tensors import Shape


class GRUFields(GateFields):
    """The fields that the cell and the layer share."""

    abstract: ClassVar[bool] = True

    recurrent_activation: OptionalActivation = "sigmoid"
    """Function applied to the gates."""
    reset_after: bool = True
    """Whether the reset gate acts on the state's product, not on the state."""


class GRUCell(GRUFields, Gated):
    """One step h' = z h + (1 - z) tanh(candidate), z and r = sigma(x W + h R + b).

    The candidate is x W + b + r (h R + b'), without `reset_after` x W + (r h) R + b.

    Shapes: x (N, d), h (N, units); results h' twice, as output and as state. Weights `kernel` W
    (d, 3 units), `recurrent_kernel` R (units, 3 units), `bias` (2, 3 units), of which the second
    row is b', or (3 units) without `reset_after`; the gates in the order z, r, candidate.

    Source: keras/src/layers/rnn/gru.py (3.15.1); Cho et al. (2014).
    """

    gates: ClassVar[int] = 3

    @override
    def bias_weight(self) -> Weight:
        wide = 3 * self.units
        return weight(self, "bias", (2, wide) if self.reset_after else (wide,))

    def _bias(self, low: Lowering, row: int) -> Tensor | None:
        if not self.use_bias:
            return None
        bias = low.weight("bias")
        if not self.reset_after:
            return bias if row == 0 else None
        return ops.unstack(bias, 0)[row]

    @override
    def input_bias(self, low: Lowering) -> Tensor | None:
        return self._bias(low, 0)

    @override
    def advance(
        self, low: Lowering, entered: Tensor, states: States, noise: Noise
    ) -> tuple[Tensor, States]:
        (h,) = states
        x_z, x_r, x_c = self.parts(entered)
        if self.reset_after:
            product, bias = self.recurrent(low, h, noise), self._bias(low, 1)
            h_z, h_r, h_c = self.parts(product if bias is None else product + bias)
            z, r = self._gate(x_z + h_z), self._gate(x_r + h_r)
            c = x_c + r * h_c
        else:
            kernels = self.parts(low.weight("recurrent_kernel"))
            factors = noise.states or (None,)
            hs = [h if factor is None else h * factor for factor in factors]
            hs = hs if len(hs) == self.gates else hs * self.gates
            z = self._gate(x_z + ops.dense(hs[0], kernels[0]))
            r = self._gate(x_r + ops.dense(hs[1], kernels[1]))
            # Without noise of its own for each gate Keras resets the state as it was.
            reset = hs[2] if len(factors) == self.gates else h
            c = x_c + ops.dense(r * reset, kernels[2])
        after = z * h + (1.0 - z) * activations.apply(self.activation, c)
        return after, (after,)

    def _gate(self, x: Tensor) -> Tensor:
        return activations.apply(self.recurrent_activation, x)

    @property
    @override
    def functions(self) -> tuple[Choice | None, ...]:
        return self.activation, self.recurrent_activation

    @override
    def whole(self, given: ops.Recurrent, *, states: bool) -> Tensor:
        function, gate = (str(each or "linear") for each in self.functions)
        return ops.gru(given, function, gate, reset_after=self.reset_after)

    @override
    def step_cost(self, step: Shape) -> Cost:
        each = 3 + 3 * self.use_bias * (1 + self.reset_after) + 5
        each += 2 * activations.get(self.recurrent_activation).ops
        each += activations.get(self.activation).ops
        return Cost(3 * self.units * (known(step, -1) + self.units), self.units * each)


class GRU(Recurrence, GRUFields):
    """h_t = z h_(t-1) + (1 - z) tanh(candidate) for each step t, z and r = sigma(x W + h R + b).

    The candidate is x W + b + r (h R + b'), without `reset_after` x W + (r h) R + b.

    Shapes: sequences (N, T, d), initial_state (N, units), mask (N, T), true where a step counts;
    result (N, units), with `return_sequences` (N, T, units), and with `return_state` h_T
    (N, units). Weights `gru_cell/kernel` W (d, 3 units), `gru_cell/recurrent_kernel` R (units,
    3 units), `gru_cell/bias` (2, 3 units), of which the second row is b', or (3 units) without
    `reset_after`; the gates in the order z, r, candidate.

    Source: keras/src/layers/rnn/gru.py (3.15.1); Cho et al. (2014).
    """

    use_cudnn: bool | Literal["auto"] = "auto"
    """Kept for Keras' sake: it chooses an algorithm, never a result."""
    zero_output_for_mask: bool = False
    """Whether the output of a step that the mask leaves out is 0, not the one before."""

    @property
    @override
    def inner(self) -> GRUCell:
        return GRUCell(**same_fields(self, GRUCell))
