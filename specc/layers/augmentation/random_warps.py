"""Images seen from another side, or bent like rubber, at random."""

from __future__ import annotations

from typing import Literal, TypeAlias

from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, Rate
from specc.layer import Lowering
from specc.layers.augmentation.base import (
    BYTES,
    Augmentation,
    Fraction,
    ValueRange,
    chance,
    clipped,
    drawn,
    mixed,
)
from specc.layers.augmentation.random_filters import bell, weighted
from specc.layers.augmentation.warping import Interpolation, at, columns, rows, sampled
from specc.primitives import Tensor
from specc.primitives.tensor import ints

# Those of map_coordinates; `mirror` does not repeat the border.
BentMode: TypeAlias = Literal["reflect", "wrap", "constant", "nearest", "mirror"]


class RandomPerspective(Augmentation):
    """Training shows some images as from another side: their corners move towards the first.

    Each coordinate of a corner is multiplied by 1 + scale r, r uniform in -1/2 to 1/2.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_perspective.py (3.15.1);
    Heckbert (1989), Fundamentals of texture mapping, for the map of a square to four points.
    """

    factor: Fraction = (0, 1.0)
    """Range of the probability; one number p is for 0 to p."""
    scale: Rate = 1.0
    """How far corners move."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    fill_value: float = 0.0
    """What lies around the image."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        acted = chance(low, x, self.factor)
        half = 0.5 * self.scale
        moves = ops.broadcast_to(
            drawn(low, x, (-half, half), (x.shape[0], 4, 2)), (x.shape[0], 4, 2), x
        )
        return acted, moves

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        acted, moves = draws
        height, width = ints(x.shape[1:3])
        right, bottom = float(width - 1), float(height - 1)

        def corner(number: int, place: tuple[float, float]) -> tuple[Tensor, Tensor]:
            own = ops.slice_axis(moves, 1, number, number + 1)
            across, down = (ops.slice_axis(own, 2, i, i + 1) for i in (0, 1))
            return (across + 1.0) * place[0], (down + 1.0) * place[1]

        corners = ((0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom))
        a, b, c = _to_unit_square(*(corner(i, p) for i, p in enumerate(corners)))
        u, v = columns(x), rows(x)
        across, down, depth = (m[0] * u + m[1] * v + m[2] for m in (a, b, c))
        shape = x.shape[:3]
        xs = ops.broadcast_to(across / depth * right, shape, x)
        ys = ops.broadcast_to(down / depth * bottom, shape, x)
        seen = sampled(x, xs, ys, self.interpolation, "constant", self.fill_value)
        return mixed(acted, seen, x)


_Point: TypeAlias = tuple[Tensor, Tensor]
_Row: TypeAlias = tuple[Tensor, Tensor, Tensor]


def _to_unit_square(p0: _Point, p1: _Point, p2: _Point, p3: _Point) -> tuple[_Row, _Row, _Row]:
    """The projective map of four points to (0, 0), (1, 0), (0, 1), (1, 1), up to a factor.

    It is the adjugate of the matrix that maps the square to the points.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = p0, p1, p2, p3
    dx1, dy1, dx2, dy2 = x1 - x3, y1 - y3, x2 - x3, y2 - y3
    sx, sy = x0 - x1 + x3 - x2, y0 - y1 + y3 - y2
    # All entries times the determinant, so that nothing is divided.
    det = dx1 * dy2 - dx2 * dy1
    g, h = sx * dy2 - sy * dx2, dx1 * sy - dy1 * sx
    a, b, c = det * (x1 - x0) + g * x1, det * (x2 - x0) + h * x2, det * x0
    d, e, f = det * (y1 - y0) + g * y1, det * (y2 - y0) + h * y2, det * y0
    return (
        (e * det - f * h, c * h - b * det, b * f - c * e),
        (f * g - d * det, a * det - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )


class RandomElasticTransform(Augmentation):
    """Training bends some images: pixels come from places moved by smoothed noise.

    For a strength s the noise is normal with deviation d = s min(h, w) / 20, smoothed by a bell
    curve of deviation d, and multiplied by s max(h, w) / 10.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/random_elastic_transform.py and
    keras/src/backend/tensorflow/image.py, elastic_transform (3.15.1).
    """

    factor: Fraction = (0, 1.0)
    """Range of the probability; one number p is for 0 to p."""
    scale: Fraction = (0, 1.0)
    """Range of the strength, one for the batch; one number is for 0 to it."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    fill_mode: BentMode = "reflect"
    """What lies around the image: its mirror, its copies, `fill_value`, or its nearest pixel."""
    fill_value: float = 0.0
    """What lies around the image with `constant`."""
    value_range: ValueRange = BYTES
    """Limits of pixels."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        if 0.0 in (self.scale[1], self.factor[1]):
            return ()
        acted = chance(low, x, self.factor)
        strength = ops.broadcast_to(drawn(low, x, self.scale, (1,)), (1,))
        shape = (*x.shape[:3],)
        return acted, strength, low.normal(x, shape), low.normal(x, shape)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        if not draws:
            return x
        acted, strength, *noise = draws
        height, width = ints(x.shape[1:3])
        alpha, sigma = strength * (0.1 * max(height, width)), strength * (0.05 * min(height, width))
        # The window is as wide as the drawn deviation wants; its largest size is known.
        reach = 3.0 * ops.floor(sigma)
        size = 6 * int(0.05 * min(height, width) * self.scale[1]) + 1
        curve = bell(sigma + 1e-12, size, reach)
        moves = [
            weighted(weighted(each * sigma, curve, 1, size), curve, 2, size) * alpha
            for each in noise
        ]
        bent = self._read(x, columns(x) + moves[0], rows(x) + moves[1])
        return clipped(mixed(acted, bent, x), self.value_range)

    def _read(self, x: Tensor, across: Tensor, down: Tensor) -> Tensor:
        """`x` at whole places around the points, each brought into the image by itself."""
        if self.interpolation == "nearest":
            return self._at(x, ops.rounded(across), ops.rounded(down))
        x0, y0 = ops.floor(across), ops.floor(down)
        right, below = ops.expand_dims(across - x0, -1), ops.expand_dims(down - y0, -1)
        top = self._at(x, x0, y0) * (1.0 - right) + self._at(x, x0 + 1.0, y0) * right
        bottom = self._at(x, x0, y0 + 1.0) * (1.0 - right)
        bottom = bottom + self._at(x, x0 + 1.0, y0 + 1.0) * right
        return top * (1.0 - below) + bottom * below

    def _at(self, x: Tensor, across: Tensor, down: Tensor) -> Tensor:
        height, width = ints(x.shape[1:3])
        fill = self.fill_value if self.fill_mode == "constant" else None
        return at(
            x, _folded(down, height, self.fill_mode), _folded(across, width, self.fill_mode), fill
        )


def _folded(place: Tensor, size: int, mode: BentMode) -> Tensor:
    """Whole positions brought onto an axis; those of `constant` and `nearest` stay."""
    if mode == "wrap":
        return place - ops.floor(place / float(size)) * float(size)
    if mode in ("reflect", "mirror"):
        # As in Keras, below 0 both modes mirror without repeating the border.
        t = ops.absolute(place)
        t = t - ops.floor(t / (2.0 * size)) * (2.0 * size)
        over = ops.cast(ops.greater_equal(t, float(size)), t.dtype)
        back = 2.0 * size - 2.0 * t - (1.0 if mode == "reflect" else 0.0)
        return t + over * back
    return place
