"""Images mixed with others of their batch, or with changed copies of themselves.

Labels are not mixed: as in Keras a layer that is given images alone changes these alone.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import PositiveFloat
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Lowering
from specc.layers.augmentation.base import Augmentation, Fraction, drawn, mixed
from specc.layers.augmentation.random_filters import rectangle
from specc.primitives import Tensor

# Pairs that are drawn to find an accepted one; all fail once in 3e7 samples at the worst alpha.
_TRIES = 12


def shuffled(low: Lowering, x: Tensor) -> Tensor:
    """A random order of the samples (int64): positions of uniform numbers by size. Shape (N,)."""
    return ops.order_descending(low.uniform(x, (x.shape[0],)))


def symmetric_beta(low: Lowering, x: Tensor, alpha: Tensor | float) -> Tensor:
    """Numbers of the beta distribution with both parameters alpha, one a sample: (N, 1).

    Up to alpha 1/2 by Johnk's accepted pairs, above by Ulrich's formula, which needs no luck:
    1/2 + sqrt(1 - u^(2 / (2 alpha - 1))) cos(2 pi v) / 2. Shapes: alpha () or a number.

    Source: Johnk (1964); Ulrich (1984), Computer generation of distributions on the m-sphere.
    """
    if not isinstance(alpha, Tensor):
        return _johnk(low, x, alpha) if alpha <= 0.5 else _ulrich(low, x, alpha)  # noqa: PLR2004
    small, large = _johnk(low, x, alpha), _ulrich(low, x, alpha)
    return ops.where(ops.greater(alpha, 0.5), large, small)


def _positive(u: Tensor) -> Tensor:
    """Uniform numbers without 0."""
    return u + 2.0**-25


def _johnk(low: Lowering, x: Tensor, alpha: Tensor | float) -> Tensor:
    shape = (x.shape[0], _TRIES)
    a = ops.log(_positive(low.uniform(x, shape))) / alpha
    b = ops.log(_positive(low.uniform(x, shape))) / alpha
    accepted = ops.cast(ops.less_equal(ops.exp(a) + ops.exp(b), 1.0), x.dtype)
    # The first accepted pair: no other stands before it.
    first = accepted * ops.cast(ops.less(ops.cumsum(accepted, -1), 1.5), x.dtype)
    odds = ops.clip(b - a, -80.0, 80.0)
    return ops.reduce_sum(ops.reciprocal(ops.exp(odds) + 1.0) * first, -1, keepdims=True)


def _ulrich(low: Lowering, x: Tensor, alpha: Tensor | float) -> Tensor:
    shape = (x.shape[0], 1)
    u, v = _positive(low.uniform(x, shape)), low.uniform(x, shape)
    if isinstance(alpha, Tensor):
        power = 2.0 / ops.maximum(2.0 * alpha - 1.0, 1e-6)
        kept = ops.exp(ops.log(u) * power)
    else:
        kept = ops.exp(ops.log(u) * (2.0 / (2.0 * alpha - 1.0)))
    return 0.5 + 0.5 * ops.sqrt(ops.maximum(1.0 - kept, 0.0)) * ops.cos(v * (2.0 * math.pi))


def gamma(low: Lowering, x: Tensor, alpha: float, count: int) -> Tensor:
    """`count` numbers of the gamma distribution with shape alpha and scale 1.

    Source: Marsaglia and Tsang (2000), A simple method for generating gamma variables; below alpha
    1 a number for alpha + 1 times u^(1 / alpha).
    """
    d = (alpha if alpha >= 1.0 else alpha + 1.0) - 1.0 / 3.0
    z = low.normal(x, (count, _TRIES))
    u = _positive(low.uniform(x, (count, _TRIES)))
    root = z * (1.0 / math.sqrt(9.0 * d)) + 1.0
    v = root * root * root
    valid = ops.cast(ops.greater(v, 0.0), x.dtype)
    safe = v * valid + (1.0 - valid)
    below = ops.less(ops.log(u), z * z * 0.5 + d - safe * d + ops.log(safe) * d)
    accepted = valid * ops.cast(below, x.dtype)
    first = accepted * ops.cast(ops.less(ops.cumsum(accepted, -1), 1.5), x.dtype)
    made = ops.reduce_sum(safe * first, -1) * d
    if alpha >= 1.0:
        return made
    lift = ops.log(_positive(low.uniform(x, (count,)))) / alpha
    return made * ops.exp(lift)


class MixUp(Augmentation):
    """Training mixes each image with another of its batch: m x + (1 - m) x', m by a beta draw.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/mix_up.py (3.15.1); Zhang et al.
    (2018), mixup.
    """

    apart: ClassVar[bool] = False

    alpha: PositiveFloat = 0.2
    """Both parameters of the beta distribution: small ones leave images nearly as they are."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        return shuffled(low, x), symmetric_beta(low, x, self.alpha)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        order, share = draws
        share = ops.reshape(share, (x.shape[0], 1, 1, 1))
        return x * share + ops.gather_rows(x, order) * (1.0 - share)


class CutMix(Augmentation):
    """Training puts a rectangle of another image of the batch into each image.

    The rectangle has 1 - m of the image's area, m by a beta draw.

    Shapes: x (N, h, w, c), or (N, c, h, w) with `channels_first`; result the same.

    Source: keras/src/layers/preprocessing/image_preprocessing/cut_mix.py (3.15.1); Yun et al.
    (2019), CutMix.
    """

    apart: ClassVar[bool] = False

    factor: Fraction = (0, 1.0)
    """Range of the beta distribution's parameters, drawn for a batch; one number is for 0 to it."""
    seed: int | None = None
    """Overrides the training seed for this layer."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        alpha = drawn(low, x, self.factor, (1,)) + 1e-6
        kept = symmetric_beta(low, x, alpha)
        return rectangle(low, x, 1.0 - kept), shuffled(low, x)

    @override
    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        mask, order = draws
        return mixed(mask, ops.gather_rows(x, order), x)
