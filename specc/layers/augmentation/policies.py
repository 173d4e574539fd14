"""Chains of changes that are themselves chosen at random, and chains that are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.augmentation.base import (
    BYTES,
    Augmentation,
    Fraction,
    ValueRange,
    clipped,
    drawn,
)
from specc.layers.augmentation.histograms import AutoContrast, Equalization
from specc.layers.augmentation.hues import expect_colours
from specc.layers.augmentation.mixing import gamma
from specc.layers.augmentation.random_color import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
)
from specc.layers.augmentation.random_filters import (
    RandomPosterization,
    RandomSharpness,
    Solarization,
)
from specc.layers.augmentation.random_geometry import RandomRotation, RandomShear, RandomTranslation
from specc.layers.augmentation.warping import Interpolation
from specc.layers.axes import channels_axis
from specc.layers.nested import Nested, inner_names, inner_weights
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape


class _Policy(Augmentation):
    abstract: ClassVar[bool] = True
    if TYPE_CHECKING:  # Fields of every subclass, each in Keras' order.
        value_range: ValueRange
        factor: Fraction
        interpolation: Interpolation

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        shape = super().output_shape(inputs)
        expect_colours(inputs[0], inputs[0][channels_axis(self.data_format)], (1, 3))
        return shape

    def shapes(self) -> list[Augmentation]:
        """Changes of place."""
        f, way, data_format = self.factor, self.interpolation, self.data_format
        return [
            RandomShear(x_factor=f, y_factor=f, interpolation=way, data_format=data_format),
            RandomTranslation(
                height_factor=f, width_factor=f, interpolation=way, data_format=data_format
            ),
            RandomRotation(factor=f, interpolation=way, data_format=data_format),
        ]

    def colours(self) -> list[Augmentation]:
        """Changes of brightness and colour by `factor`."""
        kinds = (RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness)
        return [
            kind(factor=self.factor, value_range=self.value_range, data_format=self.data_format)
            for kind in kinds
        ]

    def levels(self) -> list[Augmentation]:
        """Changes of the scale of values."""
        f, limits, data_format = self.factor, self.value_range, self.data_format
        bits = float(max(1, int(8 * f[1])))
        return [
            RandomPosterization(factor=(1.0, bits), value_range=limits, data_format=data_format),
            Solarization(
                addition_factor=f,
                threshold_factor=f,
                value_range=limits,
                data_format=data_format,
            ),
            AutoContrast(value_range=limits, data_format=data_format),
            Equalization(value_range=limits, data_format=data_format),
        ]


class RandAugment(_Policy):
    """Training applies a few of eleven changes, one after the other, chosen anew in each step.

    They are those of random_shear, random_translation, random_rotation, random_brightness,
    random_color_degeneration, random_contrast, random_sharpness, random_posterization,
    solarization, auto_contrast and equalization.

    Shapes: x (N, h, w, c), c 1 or 3, or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/rand_augment.py (3.15.1); Cubuk et
    al. (2020).
    """

    value_range: ValueRange = BYTES
    """Limits of pixels."""
    num_ops: PositiveInt = 2
    """Number of changes."""
    factor: Fraction = (0, 0.5)
    """Range of their strengths; one number is for 0 to it."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def applied(self, low: Lowering, x: Tensor) -> Tensor:
        parts = [*self.shapes(), *self.colours(), *self.levels()]
        chosen = ops.floor(drawn(low, x, (0.0, float(len(parts))), (self.num_ops,)))
        # One draw for each kind of change: a kind that is chosen twice acts twice alike.
        draws = [part.draws(low, x) for part in parts]
        for i in range(self.num_ops):
            own = ops.slice_axis(chosen, 0, i, i + 1)
            for number, part in enumerate(parts):
                changed = part.changed(x, *draws[number])
                x = ops.where(ops.equal(own, float(number)), changed, x)
        return x


class AugMix(_Policy):
    """Training mixes each image with a mean of changed copies: m x + (1 - m) sum of w_i x_i.

    Each copy went through a chain of changes, those of `rand_augment`. As in a compiled Keras model
    the kinds of changes are chosen once, when the graph is made, from the layer's seed; strengths
    and weights are drawn in each step, the w_i by a Dirichlet and m by a beta distribution.

    Shapes: x (N, h, w, c), c 1 or 3, or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/aug_mix.py (3.15.1); Hendrycks et al.
    (2020).
    """

    value_range: ValueRange = BYTES
    """Limits of pixels."""
    num_chains: PositiveInt = 3
    """Number of copies."""
    chain_depth: PositiveInt = 3
    """Number of changes of a copy, of which some may be none."""
    factor: Fraction = (0, 0.3)
    """Range of their strengths; one number is for 0 to it."""
    alpha: PositiveFloat = 1.0
    """Parameter of both distributions."""
    all_ops: bool = True
    """Whether brightness, colour, contrast and sharpness are among the changes."""
    interpolation: Interpolation = "bilinear"
    """How pixels come about from those around them."""
    seed: int | None = None
    """Overrides the training seed for this layer, and chooses the kinds of changes (null: 0)."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    def _chains(self) -> list[list[Augmentation]]:
        parts = [*self.shapes(), *self.levels(), *(self.colours() if self.all_ops else [])]
        rng = np.random.default_rng(self.seed or 0)
        picks = rng.integers(0, len(parts) + 1, (self.num_chains, self.chain_depth))
        return [[parts[pick] for pick in row if pick < len(parts)] for row in picks]

    @override
    def applied(self, low: Lowering, x: Tensor) -> Tensor:
        shares = gamma(low, x, self.alpha, self.num_chains)
        shares = shares / ops.reduce_sum(shares, keepdims=True)
        pair = gamma(low, x, self.alpha, 2)
        kept = ops.slice_axis(pair / ops.reduce_sum(pair, keepdims=True), 0, 0, 1)
        total = x * 0.0
        for i, chain in enumerate(self._chains()):
            copy = x
            for part in chain:
                copy = part.applied(low, copy)
            total = total + copy * ops.slice_axis(shares, 0, i, i + 1)
        return clipped(x * kept + total * (1.0 - kept), self.value_range)


class Pipeline(Layer):
    """Layers one after the other, as one layer.

    Shapes: those of the layers. Weights of each under its kind: `normalization/mean`.

    Source: keras/src/layers/preprocessing/pipeline.py (3.15.1).
    """

    layers: tuple[Layer, ...]
    """The layers."""

    def _named(self) -> list[tuple[str, Layer]]:
        return list(zip(inner_names(self.layers), self.layers, strict=True))

    def _shapes(self, inputs: Shapes) -> list[Shapes]:
        """What enters each layer, and what leaves the last."""
        found = [inputs]
        for layer in self.layers:
            made = layer.output_shape(found[-1])
            one = tuple(dim for dim in made if not isinstance(dim, tuple))
            if len(one) != len(made):
                raise ShapeError(f"{layer.key} has several results; a pipeline passes on one")
            found.append((one,))
        return found

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return self._shapes(inputs)[-1][0]

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        steps = zip(self._named(), self._shapes(inputs), strict=False)
        return tuple(w for (name, layer), x in steps for w in inner_weights(name, layer, x))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        x = inputs[0]
        for name, layer in self._named():
            made = layer.lower(Nested(low, name, low.flags), x)
            x = made[0] if isinstance(made, tuple) else made
        return x

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        shapes = self._shapes(inputs)
        steps = zip(self.layers, shapes, shapes[1:], strict=False)
        costs = [layer.cost(x, y[0]) for layer, x, y in steps]
        return Cost(sum(c.macs for c in costs), sum(c.ops for c in costs))
