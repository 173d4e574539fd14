"""Images turned, enlarged, shifted and slanted at random."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Lowering
from specc.layers.augmentation.base import (
    Augmentation,
    Mirrored,
    OptionalSigned,
    Signed,
    drawn,
)
from specc.layers.augmentation.warping import FillMode, Interpolation, affine
from specc.primitives import Tensor
from specc.primitives.tensor import ints


class _Warped(Augmentation):
    abstract: ClassVar[bool] = True
    if TYPE_CHECKING:  # Fields of every subclass, each in Keras' order.
        fill_mode: FillMode
        interpolation: Interpolation
        fill_value: float

    def warped(
        self,
        x: Tensor,
        across: tuple[Tensor | float, Tensor | float, Tensor | float],
        down: tuple[Tensor | float, Tensor | float, Tensor | float],
    ) -> Tensor:
        """Pixel (u, v) from (a0 u + a1 v + a2, b0 u + b1 v + b2)."""
        return affine(x, across, down, self.interpolation, self.fill_mode, self.fill_value)

    def one(self, low: Lowering, x: Tensor, limits: tuple[float, float]) -> Tensor:
        """One number for each sample, as (N, 1, 1)."""
        return drawn(low, x, limits, (x.shape[0], 1, 1))


def _middle(x: Tensor) -> tuple[float, float]:
    """Column and row of the middle."""
    height, width = ints(x.shape[1:3])
    return (width - 1) / 2, (height - 1) / 2


class RandomRotation(_Warped):
    """Training turns each image around its middle, by a part of a full turn.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_rotation.py (3.15.1).
    """

    factor: Signed
    """Range of the angle in full turns; one number f is for -f to f."""
    fill_mode: FillMode = "reflect"
    """What lies around the image: its mirror, its copies, `fill_value`, or its nearest pixel."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    fill_value: float = 0.0
    """What lies around the image with `constant`."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        turn = 2.0 * math.pi
        return (self.one(low, x, (self.factor[0] * turn, self.factor[1] * turn)),)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        cx, cy = _middle(x)
        cos, sin = ops.cos(draws[0]), ops.sin(draws[0])
        return self.warped(
            x,
            (cos, -sin, cx - cos * cx + sin * cy),
            (sin, cos, cy - sin * cx - cos * cy),
        )


class RandomZoom(_Warped):
    """Training enlarges or reduces each image around its middle: 1 + factor pixels become one.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_zoom.py (3.15.1).
    """

    height_factor: Signed
    """Range of the change along the height; one number f is for -f to f, below 0 enlarges."""
    width_factor: OptionalSigned = None
    """The same along the width; the height's draw by default, which keeps the proportions."""
    fill_mode: FillMode = "reflect"
    """What lies around the image: its mirror, its copies, `fill_value`, or its nearest pixel."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    fill_value: float = 0.0
    """What lies around the image with `constant`."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        height = self.one(low, x, (1 + self.height_factor[0], 1 + self.height_factor[1]))
        if self.width_factor is None:
            return height, height
        return height, self.one(low, x, (1 + self.width_factor[0], 1 + self.width_factor[1]))

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        cx, cy = _middle(x)
        height, width = draws
        return self.warped(x, (width, 0.0, (1.0 - width) * cx), (0.0, height, (1.0 - height) * cy))


class RandomTranslation(_Warped):
    """Training shifts each image by parts of its height and width, down and to the right.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_translation.py (3.15.1).
    """

    height_factor: Signed
    """Range of the shift as a part of the height; one number f is for -f to f."""
    width_factor: Signed
    """The same for the width."""
    fill_mode: FillMode = "reflect"
    """What lies around the image: its mirror, its copies, `fill_value`, or its nearest pixel."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    fill_value: float = 0.0
    """What lies around the image with `constant`."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return self.one(low, x, self.height_factor), self.one(low, x, self.width_factor)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        height, width = ints(x.shape[1:3])
        down, across = draws
        return self.warped(
            x, (1.0, 0.0, -(across * float(width))), (0.0, 1.0, -(down * float(height)))
        )


class RandomShear(_Warped):
    """Training slants each image: pixel (u, v) comes from (u + s v, v + t u), s and t of one sign.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_shear.py (3.15.1).
    """

    x_factor: Mirrored = (0.0, 0.0)
    """Range of s, before a random sign; one number f is for -f to f."""
    y_factor: Mirrored = (0.0, 0.0)
    """Range of t."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    fill_mode: FillMode = "reflect"
    """What lies around the image: its mirror, its copies, `fill_value`, or its nearest pixel."""
    fill_value: float = 0.0
    """What lies around the image with `constant`."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        backwards = ops.greater(self.one(low, x, (0.0, 1.0)), 0.5)
        sign = 1.0 - 2.0 * ops.cast(backwards, x.dtype)
        down = self.one(low, x, self.y_factor) * sign
        return down, self.one(low, x, self.x_factor) * sign

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        down, across = draws
        return self.warped(x, (1.0, across, 0.0), (down, 1.0, 0.0))
