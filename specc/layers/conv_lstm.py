"""Long short-term memory whose products are convolutions."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import PositiveInt, model_validator
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import (
    DataFormat,
    IntPair,
    IntSingle,
    IntTriple,
    OptionalActivation,
    Padding,
    Rate,
    Sizes,
)
from specc.initializers import GlorotUniform, Initializer, Orthogonal, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.axes import channels_axis, from_channels_last, known, to_channels_last
from specc.layers.cells import Cell, Noise, States, dropped, factors, unchanged
from specc.layers.conv import refuse_strided_dilation
from specc.layers.lstm import forget_ones, memory
from specc.layers.recurrence import Recurrence, same_fields
from specc.layers.sliding import Sliding
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.tensors import Shape, Sym, elements


class ConvLSTMFields(Layer):
    """The fields that the cell and the layers share."""

    abstract: ClassVar[bool] = True

    filters: PositiveInt
    """Number of filters: channels of the state."""
    kernel_size: Sizes
    """Size of the windows."""
    strides: Sizes = (1,)
    """Step of the window over the input."""
    padding: Padding = "valid"
    """`valid` uses whole windows of the input only; `same` pads so that stride 1 keeps the size."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    dilation_rate: Sizes = (1,)
    """Distance of neighbouring cells of the window over the input."""
    activation: OptionalActivation = "tanh"
    """Function applied to the candidate and to the memory."""
    recurrent_activation: OptionalActivation = "sigmoid"
    """Function applied to the gates."""
    use_bias: bool = True
    """Whether a bias is added."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the kernel."""
    recurrent_initializer: Initializer = Orthogonal()
    """First values of the recurrent kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    unit_forget_bias: bool = True
    """Whether the bias of the forget gate starts as 1."""
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

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        refuse_strided_dilation(self.strides, self.dilation_rate)
        return self


class ConvLSTMCell(ConvLSTMFields, Cell):
    """One step of `lstm_cell` with convolutions in place of the products.

    Source: keras/src/layers/rnn/conv_lstm.py (3.15.1); Shi et al. (2015).
    """

    abstract: ClassVar[bool] = True

    @property
    @override
    def state_count(self) -> int:
        return 2

    @property
    def _sliding(self) -> Sliding:
        return Sliding(
            self.kernel_size, self.strides, self.padding, self.data_format, self.dilation_rate
        )

    @override
    def state_shapes(self, step: Shape) -> Shapes:
        shape = self._sliding.output(step, self.filters)
        return (unchanged(shape, self.activation, self.recurrent_activation),) * 2

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        wide = 4 * self.filters
        depth = known(inputs[0], channels_axis(self.data_format))
        kernel = weight(self, "kernel", (*self.kernel_size, depth, wide))
        shape = (*self.kernel_size, self.filters, wide)
        recurrent = weight(self, "recurrent_kernel", shape, settings="recurrent")
        if not self.use_bias:
            return (kernel, recurrent)
        bias = weight(self, "bias", (wide,))
        return (kernel, recurrent, forget_ones(bias) if self.unit_forget_bias else bias)

    @override
    def noise(self, low: Lowering, step: Tensor, states: States) -> Noise:
        return Noise(
            factors(low, step, self.dropout, 4),
            factors(low, states[0], self.recurrent_dropout, 4),
        )

    @override
    def enter(self, low: Lowering, x: Tensor, noise: Noise) -> Tensor:
        """The convolution of all steps at once, as further samples; channels last."""
        rank = len(self.kernel_size)
        xs = [dropped(x, factor) for factor in noise.inputs] or [x]
        lead = x.shape[: x.rank - rank - 1]
        rows = lead[0]
        if len(lead) > 1:
            (steps,) = ints(lead[1:])
            rows = Sym(rows.factor * steps) if isinstance(rows, Sym) else rows * steps
        bias = low.weight("bias") if self.use_bias else None
        y = self._convolved(
            [
                to_channels_last(ops.reshape(x, (rows, *x.shape[len(lead) :])), self.data_format)
                for x in xs
            ],
            low.weight("kernel"),
            self._sliding,
            bias,
        )
        return ops.reshape(y, (*lead, *y.shape[1:]))

    def _convolved(
        self, xs: list[Tensor], kernel: Tensor, sliding: Sliding, bias: Tensor | None
    ) -> Tensor:
        """Each gate's input with the gate's filters, side by side; one input serves all gates."""
        pads = sliding.pads(ints(xs[0].shape[1:-1]))

        def conv(x: Tensor, k: Tensor, b: Tensor | None = None) -> Tensor:
            steps = sliding.strides
            return ops.conv(x, k, b, strides=steps, pads=pads, dilations=sliding.dilations)

        if len(xs) == 1:
            return conv(xs[0], kernel, bias)
        kernels = ops.split(kernel, (self.filters,) * 4, -1)
        y = ops.concat([conv(x, k) for x, k in zip(xs, kernels, strict=True)], -1)
        return y if bias is None else y + bias

    @override
    def advance(
        self, low: Lowering, entered: Tensor, states: States, noise: Noise
    ) -> tuple[Tensor, States]:
        rank = len(self.kernel_size)
        hs = [states[0] * factor for factor in noise.states] or [states[0]]
        flat = Sliding(self.kernel_size, (1,) * rank, "same", self.data_format, (1,) * rank)
        last = [to_channels_last(h, self.data_format) for h in hs]
        turned = self._convolved(last, low.weight("recurrent_kernel"), flat, None)
        gates = [
            from_channels_last(gate, self.data_format)
            for gate in ops.split(entered + turned, (self.filters,) * 4, -1)
        ]
        return memory(self, gates, states[1])

    @override
    def step_cost(self, step: Shape) -> Cost:
        made = elements(self.state_shapes(step)[0][1:])
        depth = known(step, channels_axis(self.data_format)) + self.filters
        each = 8 + 4 * self.use_bias + 3 * activations.get(self.recurrent_activation).ops
        each += 2 * activations.get(self.activation).ops
        return Cost(4 * made * self._sliding.cells * depth, made * each)


class _ConvLSTM(Recurrence, ConvLSTMFields):
    abstract: ClassVar[bool] = True

    zero_output_for_mask: bool = False
    """Whether the output of a step that the mask leaves out is 0, not the one before."""

    @property
    @override
    def inner(self) -> ConvLSTMCell:
        return ConvLSTMCell(**same_fields(self, ConvLSTMCell))


class ConvLSTM1D(_ConvLSTM):
    """`lstm` over rows: the products are convolutions over one axis.

    Shapes: sequences (N, T, steps, c), initial_state two of (N, *out, filters), mask (N, T);
    result (N, *out, filters), with `return_sequences` (N, T, *out, filters), and with
    `return_state` the last h and c; channels before steps with `channels_first`. Weights
    `conv_lstm_cell/kernel` (*k, c, 4 filters), `conv_lstm_cell/recurrent_kernel`
    (*k, filters, 4 filters), `conv_lstm_cell/bias` (4 filters).

    Source: keras/src/layers/rnn/conv_lstm1d.py (3.15.1); Shi et al. (2015).
    """

    kernel_size: IntSingle
    """Size of the windows."""
    strides: IntSingle = (1,)
    """Step of the window over the input."""
    dilation_rate: IntSingle = (1,)
    """Distance of neighbouring cells of the window over the input."""


class ConvLSTM2D(_ConvLSTM):
    """`lstm` over images: the products are convolutions over two axes.

    Shapes: sequences (N, T, h, w, c), initial_state two of (N, *out, filters), mask (N, T);
    result (N, *out, filters), with `return_sequences` (N, T, *out, filters), and with
    `return_state` the last h and c; channels before h with `channels_first`. Weights as of
    `conv_lstm1d`.

    Source: keras/src/layers/rnn/conv_lstm2d.py (3.15.1); Shi et al. (2015).
    """

    kernel_size: IntPair
    """Size of the windows."""
    strides: IntPair = (1, 1)
    """Step of the window over the input."""
    dilation_rate: IntPair = (1, 1)
    """Distance of neighbouring cells of the window over the input."""


class ConvLSTM3D(_ConvLSTM):
    """`lstm` over volumes: the products are convolutions over three axes.

    Shapes: sequences (N, T, d, h, w, c), initial_state two of (N, *out, filters), mask (N, T);
    result (N, *out, filters), with `return_sequences` (N, T, *out, filters), and with
    `return_state` the last h and c; channels before d with `channels_first`. Weights as of
    `conv_lstm1d`.

    Source: keras/src/layers/rnn/conv_lstm3d.py (3.15.1); Shi et al. (2015).
    """

    kernel_size: IntTriple
    """Size of the windows."""
    strides: IntTriple = (1, 1, 1)
    """Step of the window over the input."""
    dilation_rate: IntTriple = (1, 1, 1)
    """Distance of neighbouring cells of the window over the input."""
