"""Separable convolutions: a depthwise one, then a pointwise one that mixes the channels."""

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
from specc.layers.axes import channels_axis, from_channels_last, known, to_channels_last
from specc.layers.depthwise_conv import depthwise
from specc.layers.sliding import Sliding
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.tensors import Shape


class SeparableConvolution(Layer):
    """activation((x * D) P + b): depthwise kernel D over space, pointwise kernel P over channels.

    Shapes: x (N, *in, c), depthwise_kernel D (*kernel_size, c, m), pointwise_kernel P
    (1, ..., c m, filters), bias b (filters), result (N, *out, filters), m the depth_multiplier;
    channels second with `channels_first`.

    Source: keras/src/layers/convolutional/base_separable_conv.py (3.15.1); Chollet (2017).
    """

    abstract: ClassVar[bool] = True

    filters: PositiveInt
    """Number of filters: channels of the result."""
    kernel_size: Sizes
    """Size of the window."""
    strides: Sizes
    """Step of the window."""
    padding: Padding = "valid"
    """`valid` uses whole windows only; `same` pads so that stride 1 keeps the size."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    dilation_rate: Sizes
    """Distance of neighbouring cells of the window."""
    depth_multiplier: PositiveInt = 1
    """Number of depthwise filters of each channel."""
    activation: OptionalActivation = None
    """Function applied to the result."""
    use_bias: bool = True
    """Whether a bias is added."""
    depthwise_initializer: Initializer = GlorotUniform()
    """First values of the depthwise kernel."""
    pointwise_initializer: Initializer = GlorotUniform()
    """First values of the pointwise kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    depthwise_regularizer: Regularizer | None = None
    """Penalty on the depthwise kernel."""
    pointwise_regularizer: Regularizer | None = None
    """Penalty on the pointwise kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    depthwise_constraint: Constraint | None = None
    """Limit on the depthwise kernel after each update."""
    pointwise_constraint: Constraint | None = None
    """Limit on the pointwise kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""

    @property
    def sliding(self) -> Sliding:
        """The window of the depthwise part."""
        return Sliding(
            self.kernel_size, self.strides, self.padding, self.data_format, self.dilation_rate
        )

    def _between(self, shape: Shape) -> int:
        return known(shape, channels_axis(self.data_format)) * self.depth_multiplier

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        shape = self.sliding.output(inputs[0], self.filters)
        self._between(inputs[0])
        return activations.output_shape(self.activation, shape)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        between = self._between(inputs[0])
        each = (*self.kernel_size, between // self.depth_multiplier, self.depth_multiplier)
        mix = (*(1 for _ in self.kernel_size), between, self.filters)
        kernels = (
            weight(self, "depthwise_kernel", each, settings="depthwise"),
            weight(self, "pointwise_kernel", mix, settings="pointwise"),
        )
        return (*kernels, weight(self, "bias", (self.filters,))) if self.use_bias else kernels

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(ops.cast(inputs[0], inputs[0].trace.floatx), self.data_format)
        between = depthwise(x, low.weight("depthwise_kernel"), None, self.sliding)
        spatial = len(self.kernel_size)
        y = ops.conv(
            between,
            low.weight("pointwise_kernel"),
            low.weight("bias") if self.use_bias else None,
            strides=(1,) * spatial,
            pads=((0, 0),) * spatial,
        )
        return activations.apply(self.activation, from_channels_last(y, self.data_format))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        places = self.sliding.positions(output)
        each = self.use_bias + activations.get(self.activation).ops
        macs = places * self._between(inputs[0]) * (self.sliding.cells + self.filters)
        return Cost(macs, places * self.filters * each)

    @override
    def window(self, inputs: Shapes) -> Window:
        return self.sliding.window(inputs[0])


class SeparableConv1D(SeparableConvolution):
    """activation((x * D) P + b) along one axis: depthwise kernel D, pointwise kernel P.

    Shapes: x (N, steps, c), depthwise_kernel D (k, c, m), pointwise_kernel P (1, c m, filters),
    bias b (filters), result (N, out, filters), m the depth_multiplier; channels second with
    `channels_first`.

    Source: keras/src/layers/convolutional/separable_conv1d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("separable_convolution1d",)

    kernel_size: IntSingle
    """Length of the window."""
    strides: IntSingle = (1,)
    """Step of the window."""
    dilation_rate: IntSingle = (1,)
    """Distance of neighbouring cells of the window."""


class SeparableConv2D(SeparableConvolution):
    """activation((x * D) P + b) over two axes: depthwise kernel D, pointwise kernel P.

    Shapes: x (N, h, w, c), depthwise_kernel D (kh, kw, c, m), pointwise_kernel P
    (1, 1, c m, filters), bias b (filters), result (N, oh, ow, filters), m the depth_multiplier;
    channels second with `channels_first`.

    Source: keras/src/layers/convolutional/separable_conv2d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("separable_convolution2d",)

    kernel_size: IntPair
    """Height and width of the window."""
    strides: IntPair = (1, 1)
    """Steps of the window, down and across."""
    dilation_rate: IntPair = (1, 1)
    """Distance of neighbouring cells of the window, down and across."""
