"""Convolutions of one, two and three spatial axes, whole or in groups."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import (
    CausalPadding,
    DataFormat,
    IntPair,
    IntSingle,
    IntTriple,
    OptionalActivation,
    Padding,
    Sizes,
)
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight, Window
from specc.layers.axes import channels_axis, from_channels_last, known, to_channels_last
from specc.layers.sliding import Sliding
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape


class Convolution(Layer):
    """activation(x * W + b): cross-correlation of every channel with every filter, summed.

    Shapes: x (N, *in, c), kernel W (*kernel_size, c/groups, filters), bias b (filters), result
    (N, *out, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/base_conv.py (3.15.1).
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
    groups: PositiveInt = 1
    """Number of parts of channels and filters that do not see each other."""
    activation: OptionalActivation = None
    """Function applied to the result."""
    use_bias: bool = True
    """Whether a bias is added."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    kernel_regularizer: Regularizer | None = None
    """Penalty on the kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    kernel_constraint: Constraint | None = None
    """Limit on the kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.filters % self.groups:
            raise PydanticCustomError(
                "groups",
                "expected filters to be a multiple of groups, found {filters} and {groups}",
                {"filters": self.filters, "groups": self.groups},
            )
        refuse_strided_dilation(self.strides, self.dilation_rate)
        return self

    @property
    def sliding(self) -> Sliding:
        """The window."""
        return Sliding(
            self.kernel_size, self.strides, self.padding, self.data_format, self.dilation_rate
        )

    def _channels(self, shape: Shape) -> int:
        channels = known(shape, channels_axis(self.data_format))
        if channels % self.groups:
            raise ShapeError(
                f"{channels} input channels do not divide into {self.groups} groups;"
                f" use groups that divide {channels}"
            )
        return channels

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        shape = self.sliding.output(inputs[0], self.filters)
        self._channels(inputs[0])
        return activations.output_shape(self.activation, shape)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        depth = self._channels(inputs[0]) // self.groups
        kernel = weight(self, "kernel", (*self.kernel_size, depth, self.filters))
        return (kernel, weight(self, "bias", (self.filters,))) if self.use_bias else (kernel,)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(ops.cast(inputs[0], inputs[0].trace.floatx), self.data_format)
        y = ops.conv(
            x,
            low.weight("kernel"),
            low.weight("bias") if self.use_bias else None,
            strides=self.strides,
            pads=self.sliding.pads(ints(x.shape[1:-1])),
            dilations=self.dilation_rate,
            groups=self.groups,
        )
        return activations.apply(self.activation, from_channels_last(y, self.data_format))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        depth = self._channels(inputs[0]) // self.groups
        made = self.sliding.positions(output) * self.filters
        each = self.use_bias + activations.get(self.activation).ops
        return Cost(made * self.sliding.cells * depth, made * each)

    @override
    def window(self, inputs: Shapes) -> Window:
        return self.sliding.window(inputs[0])


def refuse_strided_dilation(strides: Sizes, dilations: Sizes) -> None:
    """Check Keras' rule that one window is not both strided and dilated.

    Raises:
        PydanticCustomError: it is.
    """
    if max(strides) > 1 and max(dilations) > 1:
        raise PydanticCustomError(
            "strided_dilation",
            "expected strides or dilation_rate to be 1, found {strides} and {dilations}",
            {"strides": list(strides), "dilations": list(dilations)},
        )


class Conv1D(Convolution):
    """activation(x * W + b) along one axis: a convolution of sequences.

    Shapes: x (N, steps, c), kernel W (k, c/groups, filters), bias b (filters), result
    (N, out, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/conv1d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("convolution1d",)

    kernel_size: IntSingle
    """Length of the window."""
    strides: IntSingle = (1,)
    """Step of the window."""
    padding: CausalPadding = "valid"
    """`valid`, `same`, or `causal`: step t sees steps up to t only."""
    dilation_rate: IntSingle = (1,)
    """Distance of neighbouring cells of the window."""


class Conv2D(Convolution):
    """activation(x * W + b) over two axes: a convolution of images.

    Shapes: x (N, h, w, c), kernel W (kh, kw, c/groups, filters), bias b (filters), result
    (N, oh, ow, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/conv2d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("convolution2d",)

    kernel_size: IntPair
    """Height and width of the window."""
    strides: IntPair = (1, 1)
    """Steps of the window, down and across."""
    dilation_rate: IntPair = (1, 1)
    """Distance of neighbouring cells of the window, down and across."""


class Conv3D(Convolution):
    """activation(x * W + b) over three axes: a convolution of volumes.

    Shapes: x (N, d, h, w, c), kernel W (kd, kh, kw, c/groups, filters), bias b (filters), result
    (N, od, oh, ow, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/conv3d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("convolution3d",)

    kernel_size: IntTriple
    """Depth, height and width of the window."""
    strides: IntTriple = (1, 1, 1)
    """Steps of the window along depth, height and width."""
    dilation_rate: IntTriple = (1, 1, 1)
    """Distance of neighbouring cells of the window along depth, height and width."""
