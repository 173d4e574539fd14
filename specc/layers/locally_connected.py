"""Convolutions whose kernel differs from place to place."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import PositiveInt
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import DataFormat, IntPair, IntSingle, OptionalActivation, one_of
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight, Window
from specc.layers.axes import (
    channels_axis,
    from_channels_last,
    known,
    spatial_axes,
    to_channels_last,
)
from specc.layers.sliding import Sliding
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.tensors import Shape


class _LocallyConnected(Layer):
    abstract: ClassVar[bool] = True

    filters: PositiveInt
    """Number of filters: channels of the result."""
    kernel_size: tuple[int, ...]
    """Lengths of the window."""
    strides: tuple[int, ...] = (1,)
    """Steps of the window."""
    padding: Annotated[Literal["valid"], one_of("valid")] = "valid"
    """Only whole windows count."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    activation: OptionalActivation = None
    """Function applied to the result."""
    use_bias: bool = True
    """Whether a bias is added, one for each place and filter."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the kernels."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    kernel_regularizer: Regularizer | None = None
    """Penalty on the kernels."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    kernel_constraint: Constraint | None = None
    """Limit on the kernels after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""

    @property
    def sliding(self) -> Sliding:
        """The window."""
        return Sliding(self.kernel_size, self.strides, self.padding, self.data_format)

    def _places(self, shape: Shape) -> tuple[int, ...]:
        """Number of windows along each spatial axis."""
        made = self.sliding.output(shape, self.filters)
        return tuple(
            known(made, axis) for axis in spatial_axes(len(self.kernel_size), self.data_format)
        )

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        self._places(inputs[0])
        known(inputs[0], channels_axis(self.data_format))
        shape = self.sliding.output(inputs[0], self.filters)
        return activations.output_shape(self.activation, shape)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        places = self._places(inputs[0])
        depth = known(inputs[0], channels_axis(self.data_format))
        cells = math.prod(self.kernel_size) * depth
        kernel = weight(self, "kernel", (math.prod(places), cells, self.filters))
        if not self.use_bias:
            return (kernel,)
        return (kernel, weight(self, "bias", (*places, self.filters)))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(ops.cast(inputs[0], inputs[0].trace.floatx), self.data_format)
        rank = len(self.kernel_size)
        sizes = ints(x.shape[1:])
        places: list[int] = []
        # Each spatial axis becomes (windows, cells of a window).
        for i, (kernel, step) in enumerate(zip(self.kernel_size, self.strides, strict=True)):
            count = (sizes[i] - kernel) // step + 1
            index = np.arange(count)[:, None] * step + np.arange(kernel)[None, :]
            x = ops.take(x, index, 1 + 2 * i)
            places.append(count)
        windows, cells = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
        # As in Keras 2 the channels of a cell stand together, or with channels first the cells of
        # a channel.
        last = self.data_format == "channels_last"
        inner = (*cells, 2 * rank + 1) if last else (2 * rank + 1, *cells)
        x = ops.transpose(x, (*windows, 0, *inner))
        lead, width = math.prod(places), math.prod(self.kernel_size) * sizes[-1]
        batch = x.shape[rank]
        y = ops.matmul(ops.reshape(x, (lead, batch, width)), low.weight("kernel"))
        y = ops.reshape(ops.transpose(y, (1, 0, 2)), (batch, *places, self.filters))
        if self.use_bias:
            y = y + low.weight("bias")
        return activations.apply(self.activation, from_channels_last(y, self.data_format))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        depth = known(inputs[0], channels_axis(self.data_format))
        made = self.sliding.positions(output) * self.filters
        each = self.use_bias + activations.get(self.activation).ops
        return Cost(made * self.sliding.cells * depth, made * each)

    @override
    def window(self, inputs: Shapes) -> Window:
        return self.sliding.window(inputs[0])


class LocallyConnected1D(_LocallyConnected):
    """activation(x W_i + b_i) for window i of a sequence: each place has a kernel of its own.

    Shapes: x (N, steps, c), kernel (out, k c, filters), bias (out, filters), result (N, out,
    filters); channels second with `channels_first`, cells then follow one another by channel.

    Source: Keras 2, layers/local.py (implementation 1), LocallyConnected1D.
    """

    keras_module: ClassVar[str] = ""

    kernel_size: IntSingle
    """Length of the window."""
    strides: IntSingle = (1,)
    """Step of the window."""


class LocallyConnected2D(_LocallyConnected):
    """activation(x W_ij + b_ij) for window (i, j) of an image: each place has a kernel of its own.

    Shapes: x (N, h, w, c), kernel (oh ow, kh kw c, filters), bias (oh, ow, filters), result
    (N, oh, ow, filters); channels second with `channels_first`, cells then follow one another by
    channel.

    Source: Keras 2, layers/local.py (implementation 1), LocallyConnected2D.
    """

    keras_module: ClassVar[str] = ""

    kernel_size: IntPair
    """Height and width of the window."""
    strides: IntPair = (1, 1)
    """Steps of the window, down and across."""
