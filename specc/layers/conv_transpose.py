"""Transposed convolutions, which enlarge: the adjoint of a convolution in its input."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import (
    DataFormat,
    ExtraPair,
    ExtraSingle,
    ExtraTriple,
    IntPair,
    IntSingle,
    IntTriple,
    OptionalActivation,
    Padding,
    Sizes,
)
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight, Window
from specc.layers.axes import (
    channels_axis,
    expect_image,
    from_channels_last,
    known,
    spatial_axes,
    to_channels_last,
)
from specc.layers.conv import refuse_strided_dilation
from specc.layers.sliding import Sliding
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import transposed_length
from specc.tensors import Shape


class TransposedConvolution(Layer):
    """activation(sum of W times x at every place + b): each input element writes a window.

    Shapes: x (N, *in, c), kernel W (*kernel_size, filters, c), bias b (filters), result
    (N, *out, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/base_conv_transpose.py and
    keras/src/backend/common/backend_utils.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    filters: PositiveInt
    """Number of filters: channels of the result."""
    kernel_size: Sizes
    """Size of the window."""
    strides: Sizes
    """Distance of the windows of neighbouring input elements."""
    padding: Padding = "valid"
    """`valid` keeps all that is written; `same` cuts the result to size times stride."""
    output_padding: Sizes | None = None
    """Elements added to the smallest result, less than the stride; Keras' choice when absent."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    dilation_rate: Sizes
    """Distance of neighbouring cells of the window."""
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
        refuse_strided_dilation(self.strides, self.dilation_rate)
        extra = self.output_padding or (0,) * len(self.strides)
        if any(more >= step for more, step in zip(extra, self.strides, strict=True)):
            raise PydanticCustomError(
                "output_padding",
                "expected output_padding to be less than strides, found {extra} and {strides}",
                {"extra": list(extra), "strides": list(self.strides)},
            )
        return self

    def _lengths(self, sizes: Shape) -> Shape:
        extra = self.output_padding or (None,) * len(sizes)
        return tuple(
            transposed_length(n, k, s, d, self.padding, more)
            for n, k, s, d, more in zip(
                sizes, self.kernel_size, self.strides, self.dilation_rate, extra, strict=True
            )
        )

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        spatial = len(self.kernel_size)
        expect_image(x, spatial, self.data_format)
        known(x, channels_axis(self.data_format))
        sizes = self._lengths(tuple(x[axis] for axis in spatial_axes(spatial, self.data_format)))
        inner = (*sizes, self.filters)
        if self.data_format == "channels_first":
            inner = (self.filters, *sizes)
        return activations.output_shape(self.activation, (x[0], *inner))

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        channels = known(inputs[0], channels_axis(self.data_format))
        kernel = weight(self, "kernel", (*self.kernel_size, self.filters, channels))
        return (kernel, weight(self, "bias", (self.filters,))) if self.use_bias else (kernel,)

    def _pads(self, sizes: Sizes, lengths: Sizes) -> tuple[tuple[int, int], ...]:
        # What the full result (n-1)s + e has too much is cut on both sides, the odd element on the
        # right; what it lacks is appended on the right, which needs no padding here.
        pads: list[tuple[int, int]] = []
        for n, out, k, s, d in zip(
            sizes, lengths, self.kernel_size, self.strides, self.dilation_rate, strict=True
        ):
            excess = max(0, (n - 1) * s + d * (k - 1) + 1 - out)
            pads.append((excess // 2, excess - excess // 2))
        return tuple(pads)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = to_channels_last(ops.cast(inputs[0], inputs[0].trace.floatx), self.data_format)
        sizes = ints(x.shape[1:-1])
        lengths = tuple(n for n in self._lengths(sizes) if n is not None)
        y = ops.conv_transpose(
            x,
            low.weight("kernel"),
            low.weight("bias") if self.use_bias else None,
            strides=self.strides,
            pads=self._pads(sizes, lengths),
            output=lengths,
            dilations=self.dilation_rate,
        )
        return activations.apply(self.activation, from_channels_last(y, self.data_format))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        # Counted at the input, where every element meets the whole kernel; parts that `same` cuts
        # away are included, as padding is in a convolution.
        window = Sliding(self.kernel_size, self.strides, self.padding, self.data_format)
        channels = known(inputs[0], channels_axis(self.data_format))
        read = window.positions(inputs[0]) * channels
        made = window.positions(output) * self.filters
        each = self.use_bias + activations.get(self.activation).ops
        return Cost(read * window.cells * self.filters, made * each)

    @override
    def window(self, inputs: Shapes) -> Window:
        axes = spatial_axes(len(self.kernel_size), self.data_format)
        # An axis of unknown length is cut as any other one: what is too much does not depend on it.
        sizes = tuple(inputs[0][axis] or 1 for axis in axes)
        pads = self._pads(sizes, tuple(n for n in self._lengths(sizes) if n is not None))
        steps = self.strides, self.dilation_rate
        return Window(self.kernel_size, *steps, pads, axes, transposed=True)


class Conv1DTranspose(TransposedConvolution):
    """activation of the adjoint of a convolution along one axis, plus a bias.

    Shapes: x (N, steps, c), kernel (k, filters, c), bias (filters), result (N, out, filters);
    channels second with `channels_first`.

    Source: keras/src/layers/convolutional/conv1d_transpose.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("convolution1d_transpose",)

    kernel_size: IntSingle
    """Length of the window."""
    strides: IntSingle = (1,)
    """Distance of the windows of neighbouring input elements."""
    output_padding: ExtraSingle | None = None
    """Elements added to the smallest result, less than the stride; Keras' choice when absent."""
    dilation_rate: IntSingle = (1,)
    """Distance of neighbouring cells of the window."""


class Conv2DTranspose(TransposedConvolution):
    """activation of the adjoint of a convolution over two axes, plus a bias.

    Shapes: x (N, h, w, c), kernel (kh, kw, filters, c), bias (filters), result
    (N, oh, ow, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/conv2d_transpose.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("convolution2d_transpose",)

    kernel_size: IntPair
    """Height and width of the window."""
    strides: IntPair = (1, 1)
    """Distance of the windows of neighbouring input elements, down and across."""
    output_padding: ExtraPair | None = None
    """Elements added to the smallest result, less than the stride; Keras' choice when absent."""
    dilation_rate: IntPair = (1, 1)
    """Distance of neighbouring cells of the window, down and across."""


class Conv3DTranspose(TransposedConvolution):
    """activation of the adjoint of a convolution over three axes, plus a bias.

    Shapes: x (N, d, h, w, c), kernel (kd, kh, kw, filters, c), bias (filters), result
    (N, od, oh, ow, filters); channels second with `channels_first`.

    Source: keras/src/layers/convolutional/conv3d_transpose.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("convolution3d_transpose",)

    kernel_size: IntTriple
    """Depth, height and width of the window."""
    strides: IntTriple = (1, 1, 1)
    """Distance of the windows of neighbouring input elements along each axis."""
    output_padding: ExtraTriple | None = None
    """Elements added to the smallest result, less than the stride; Keras' choice when absent."""
    dilation_rate: IntTriple = (1, 1, 1)
    """Distance of neighbouring cells of the window along each axis."""
