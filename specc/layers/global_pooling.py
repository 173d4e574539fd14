"""Global pooling: one number for each channel of a whole image or sequence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Cost, Layer, Lowering, Shapes, Window
from specc.layers.attending import boolean, optional
from specc.layers.axes import expect_image, spatial_axes
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.tensors import Shape, elements


class GlobalPooling(Layer):
    """One number for each channel.

    Shapes: x (N, *in, c), result (N, c), or (N, 1, ..., c) with `keepdims`; channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/base_global_pooling.py (3.15.1).
    """

    abstract: ClassVar[bool] = True
    spatial: ClassVar[int] = 2

    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    keepdims: bool = False
    """Whether the spatial axes stay, with length 1."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are folded."""
        return spatial_axes(self.spatial, self.data_format)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        expect_image(x, self.spatial, self.data_format)
        kept = [1 if i in self.axes else n for i, n in enumerate(x)]
        return tuple(n for i, n in enumerate(kept) if self.keepdims or i not in self.axes)

    @abstractmethod
    def fold(self, x: Tensor) -> Tensor:
        """The number of each channel."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return self.fold(inputs[0])

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(inputs[0][1:]))

    @override
    def window(self, inputs: Shapes) -> Window:
        flat = (1,) * self.spatial
        return Window(None, flat, flat, ((0, 0),) * self.spatial, self.axes)


class _Mean(GlobalPooling):
    abstract: ClassVar[bool] = True

    @override
    def fold(self, x: Tensor) -> Tensor:
        return ops.reduce_mean(floating(x), self.axes, keepdims=self.keepdims)


class _Maximum(GlobalPooling):
    abstract: ClassVar[bool] = True

    @override
    def fold(self, x: Tensor) -> Tensor:
        number = ops.cast(x, "int32") if x.dtype == "bool" else x
        return ops.cast(ops.reduce_max(number, self.axes, keepdims=self.keepdims), x.dtype)


class GlobalAveragePooling1D(_Mean):
    """Mean of each channel over all steps, or over those where the mask is true.

    Shapes: x (N, steps, c), mask (N, steps), result (N, c), or (N, 1, c) with `keepdims`; channels
    second with `channels_first`.

    Source: keras/src/layers/pooling/global_average_pooling1d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("global_avg_pool1d",)
    max_inputs: ClassVar[int | None] = 2
    arguments: ClassVar[tuple[str, ...]] = ("inputs", "mask")
    mask_arguments: ClassVar[Mapping[str, str]] = {"mask": "inputs"}
    spatial: ClassVar[int] = 1

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, mask = floating(inputs[0]), optional(inputs, 1)
        if mask is None:
            return self.fold(x)
        (steps,) = self.axes
        counted = ops.expand_dims(ops.cast(boolean(mask), x.dtype), 3 - steps)
        total = ops.reduce_sum(x * counted, steps, keepdims=self.keepdims)
        return total / ops.reduce_sum(counted, steps, keepdims=self.keepdims)


class GlobalAveragePooling2D(_Mean):
    """Mean of each channel over the image.

    Shapes: x (N, h, w, c), result (N, c), or (N, 1, 1, c) with `keepdims`; channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/global_average_pooling2d.py (3.15.1); Lin et al. (2014).
    """

    aliases: ClassVar[tuple[str, ...]] = ("global_avg_pool2d",)


class GlobalMaxPooling1D(_Maximum):
    """Maximum of each channel over all steps.

    Shapes: x (N, steps, c), result (N, c), or (N, 1, c) with `keepdims`; channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/global_max_pooling1d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("global_max_pool1d",)
    spatial: ClassVar[int] = 1


class GlobalMaxPooling2D(_Maximum):
    """Maximum of each channel over the image.

    Shapes: x (N, h, w, c), result (N, c), or (N, 1, 1, c) with `keepdims`; channels second with
    `channels_first`.

    Source: keras/src/layers/pooling/global_max_pooling2d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("global_max_pool2d",)


class GlobalAveragePooling3D(_Mean):
    """Mean of each channel over the volume.

    Shapes: x (N, d, h, w, c), result (N, c), or (N, 1, 1, 1, c) with `keepdims`; channels second
    with `channels_first`.

    Source: keras/src/layers/pooling/global_average_pooling3d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("global_avg_pool3d",)
    spatial: ClassVar[int] = 3


class GlobalMaxPooling3D(_Maximum):
    """Maximum of each channel over the volume.

    Shapes: x (N, d, h, w, c), result (N, c), or (N, 1, 1, 1, c) with `keepdims`; channels second
    with `channels_first`.

    Source: keras/src/layers/pooling/global_max_pooling3d.py (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("global_max_pool3d",)
    spatial: ClassVar[int] = 3
