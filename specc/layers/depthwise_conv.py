"""Depthwise convolutions: every channel has its own filters."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveInt
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import DataFormat, IntPair, IntSingle, OptionalActivation, Padding, Sizes
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight, Window
from specc.layers.axes import (
    channels_axis,
    expect_image,
    from_channels_last,
    known,
    to_channels_last,
)
from specc.layers.sliding import Sliding
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.tensors import Shape


def depthwise(x: Tensor, kernel: Tensor, bias: Tensor | None, sliding: Sliding) -> Tensor:
    """Each channel with its own m filters; channel i gives channels i m to i m + m - 1.

    Shapes: x (N, *in, c), kernel (*k, c, m), bias (c m), result (N, *out, c m).
    """
    *size, channels, multiplier = ints(kernel.shape)
    return ops.conv(
        x,
        ops.reshape(kernel, (*size, 1, channels * multiplier)),
        bias,
        strides=sliding.strides,
        pads=sliding.pads(ints(x.shape[1:-1])),
        dilations=sliding.steps,
        groups=channels,
    )


class DepthwiseConvolution(Layer):
    """activation(x * W + b), where a filter sees one channel only.

    Shapes: x (N, *in, c), kernel W (*kernel_size, c, depth_multiplier), bias b
    (c depth_multiplier), result (N, *out, c depth_multiplier); channels second with
    `channels_first`.

    Source: keras/src/layers/convolutional/base_depthwise_conv.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    kernel_size: Sizes
    """Size of the window."""
    strides: Sizes
    """Step of the window."""
    padding: Padding = "valid"
    """`valid` uses whole windows only; `same` pads so that stride 1 keeps the size."""
    depth_multiplier: PositiveInt = 1
    """Number of filters of each channel."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    dilation_rate: Sizes
    """Distance of neighbouring cells of the window."""
    activation: OptionalActivation = None
    """Function applied to the result."""
    use_bias: bool = True
    """Whether a bias is added."""
    depthwise_initializer: Initializer = GlorotUniform()
    """First values of the kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    depthwise_regularizer: Regularizer | None = None
    """Penalty on the kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    depthwise_constraint: Constraint | None = None
    """Limit on the kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""

    @property
    def sliding(self) -> Sliding:
        """The window."""
        return Sliding(
            self.kernel_size, self.strides, self.padding, self.data_format, self.dilation_rate
        )

    def _channels(self, shape: Shape) -> int:
        return known(shape, channels_axis(self.data_format))

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_image(x, len(self.kernel_size), self.data_format)
        shape = self.sliding.output(x, self._channels(x) * self.depth_multiplier)
        return activations.output_shape(self.activation, shape)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        channels = self._channels(inputs[0])
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        kernel = weight(self, "kernel", shape, settings="depthwise")
        if not self.use_bias:
            return (kernel,)
        return (kernel, weight(self, "bias", (channels * self.depth_multiplier,)))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(ops.cast(inputs[0], inputs[0].trace.floatx), self.data_format)
        bias = low.weight("bias") if self.use_bias else None
        y = depthwise(x, low.weight("kernel"), bias, self.sliding)
        return activations.apply(self.activation, from_channels_last(y, self.data_format))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        channels = self._channels(inputs[0]) * self.depth_multiplier
        made = self.sliding.positions(output) * channels
        each = self.use_bias + activations.get(self.activation).ops
        return Cost(made * self.sliding.cells, made * each)

    @override
    def window(self, inputs: Shapes) -> Window:
        return self.sliding.window(inputs[0])


class DepthwiseConv1D(DepthwiseConvolution):
    """activation(x * W + b) along one axis, where a filter sees one channel only.

    Shapes: x (N, steps, c), kernel W (k, c, depth_multiplier), bias b (c depth_multiplier), result
    (N, out, c depth_multiplier); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/depthwise_conv1d.py (3.15.1).
    """

    kernel_size: IntSingle
    """Length of the window."""
    strides: IntSingle = (1,)
    """Step of the window."""
    dilation_rate: IntSingle = (1,)
    """Distance of neighbouring cells of the window."""


class DepthwiseConv2D(DepthwiseConvolution):
    """activation(x * W + b) over two axes, where a filter sees one channel only.

    Shapes: x (N, h, w, c), kernel W (kh, kw, c, depth_multiplier), bias b (c depth_multiplier),
    result (N, oh, ow, c depth_multiplier); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/depthwise_conv2d.py (3.15.1).
    """

    kernel_size: IntPair
    """Height and width of the window."""
    strides: IntPair = (1, 1)
    """Steps of the window, down and across."""
    dilation_rate: IntPair = (1, 1)
    """Distance of neighbouring cells of the window, down and across."""
