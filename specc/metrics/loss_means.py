"""Means of losses, reported as metrics. The rules are those of `specc.losses`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc.losses import Loss, crossentropy, divergence, focal, hinge, regression
from specc.metrics.base import MeanMetric, Metric
from specc.primitives import Tensor
from specc.tensors import Shape


class LossMean(MeanMetric):
    """The mean of a loss that has the same fields."""

    abstract: ClassVar[bool] = True
    better: ClassVar[str] = "down"
    loss: ClassVar[type[Loss]]

    def rule(self) -> Loss:
        """The loss."""
        own = type(self).model_fields.keys() - Metric.model_fields.keys()
        return self.loss(**{name: getattr(self, name) for name in own})

    @override
    def expected(self, output: Shape) -> Shape:
        return self.rule().target(output)[0]

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.rule().values(y_true, y_pred)

    @property
    @override
    def ignores(self) -> bool:
        return self.rule().ignores

    @override
    def counted(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        return self.rule().counted(y_true, values)


class MeanSquaredError(LossMean):
    """Mean of (p - y)^2."""

    aliases: ClassVar[tuple[str, ...]] = ("mse",)
    loss: ClassVar[type[Loss]] = regression.MeanSquaredError


class MeanAbsoluteError(LossMean):
    """Mean of |p - y|."""

    aliases: ClassVar[tuple[str, ...]] = ("mae",)
    loss: ClassVar[type[Loss]] = regression.MeanAbsoluteError


class MeanAbsolutePercentageError(LossMean):
    """100 times the mean of |y - p| / |y|."""

    aliases: ClassVar[tuple[str, ...]] = ("mape",)
    loss: ClassVar[type[Loss]] = regression.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(LossMean):
    """Mean of (log(1 + p) - log(1 + y))^2."""

    aliases: ClassVar[tuple[str, ...]] = ("msle",)
    loss: ClassVar[type[Loss]] = regression.MeanSquaredLogarithmicError


class Hinge(LossMean):
    """Mean of max(1 - y p, 0)."""

    loss: ClassVar[type[Loss]] = hinge.Hinge


class SquaredHinge(LossMean):
    """Mean of max(1 - y p, 0)^2."""

    loss: ClassVar[type[Loss]] = hinge.SquaredHinge


class CategoricalHinge(LossMean):
    """Mean of max(1 + wrong - right, 0), the scores of classes."""

    loss: ClassVar[type[Loss]] = hinge.CategoricalHinge


class KLDivergence(LossMean):
    """Mean of sum y log(y / p)."""

    key: ClassVar[str] = "kl_divergence"
    aliases: ClassVar[tuple[str, ...]] = ("kld",)
    loss: ClassVar[type[Loss]] = divergence.KLDivergence


class Poisson(LossMean):
    """Mean of p - y log p."""

    loss: ClassVar[type[Loss]] = divergence.Poisson


class LogCoshError(LossMean):
    """Mean of log(cosh(p - y))."""

    title: ClassVar[str] = "logcosh"
    aliases: ClassVar[tuple[str, ...]] = ("log_cosh", "logcosh")
    loss: ClassVar[type[Loss]] = regression.LogCosh


class Huber(LossMean):
    """Mean of e^2 / 2 for errors e = p - y up to 1, of |e| - 1 / 2 beyond."""

    loss: ClassVar[type[Loss]] = regression.Huber


class BinaryFocalCrossentropy(LossMean):
    """Mean of binary cross-entropies times (1 - p of the right side)^2."""

    loss: ClassVar[type[Loss]] = focal.BinaryFocalCrossentropy


class CategoricalFocalCrossentropy(LossMean):
    """Mean of -0.25 sum y (1 - p)^2 log p."""

    loss: ClassVar[type[Loss]] = focal.CategoricalFocalCrossentropy


class BinaryCrossentropy(LossMean):
    """Mean of -y log p - (1 - y) log(1 - p)."""

    aliases: ClassVar[tuple[str, ...]] = ("bce",)
    loss: ClassVar[type[Loss]] = crossentropy.BinaryCrossentropy

    from_logits: bool = False
    """The model's output is z with p = sigmoid(z)."""

    label_smoothing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """s: targets become y (1 - s) + s / 2."""


class CategoricalCrossentropy(LossMean):
    """Mean of -sum y log p."""

    loss: ClassVar[type[Loss]] = crossentropy.CategoricalCrossentropy

    from_logits: bool = False
    """The model's output is z with p = softmax(z)."""

    label_smoothing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """s: targets become y (1 - s) + s / classes."""

    axis: int = -1
    """The axis of classes."""


class SparseCategoricalCrossentropy(LossMean):
    """Mean of -log p[y].

    As in Keras, positions of the ignored class count as 0, and not at all where the metric weighs
    samples: in `weighted_metrics` when there are weights.
    """

    loss: ClassVar[type[Loss]] = crossentropy.SparseCategoricalCrossentropy

    from_logits: bool = False
    """The model's output is z with p = softmax(z)."""

    ignore_class: int | None = None
    """Class index of positions that are ignored."""

    axis: int = -1
    """The axis of classes."""
