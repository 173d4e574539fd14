"""Cross-entropies that weigh hard examples more (Lin et al., 2017) or less (Zhang, 2018).

Source of rules and defaults: keras/src/losses/losses.py (3.15.1).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.along import Along
from specc.losses.base import Loss
from specc.losses.crossentropy import binary_crossentropy, chosen, class_count
from specc.losses.probabilities import classes, normalised, smoothed, without_axis
from specc.primitives import Tensor
from specc.tensors import DType, Shape


class BinaryFocalCrossentropy(Along):
    """mean of (1 - q)^gamma times the binary cross-entropy, q = y p + (1 - y)(1 - p).

    Balanced, each term also has the weight y alpha + (1 - y)(1 - alpha).
    """

    apply_class_balancing: bool = False
    """Whether classes are weighed by alpha."""

    alpha: float = 0.25
    """Weight of class 1; class 0 has 1 - alpha."""

    gamma: float = 2.0
    """How strongly easy examples are weighed down; 0 is the plain cross-entropy."""

    from_logits: bool = False
    """The model's output is z with p = sigmoid(z)."""

    label_smoothing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """s: targets become y (1 - s) + s / 2."""

    axis: int = -1
    """The axis over which the mean is taken."""

    @property
    @override
    def folded(self) -> tuple[int, ...]:
        return (self.axis,)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = smoothed(ops.cast(y_true, y_pred.dtype), self.label_smoothing, 0.5)
        p = ops.sigmoid(y_pred) if self.from_logits else y_pred
        right = y * p + (1.0 - y) * (1.0 - p)
        loss = ops.power(1.0 - right, self.gamma) * binary_crossentropy(y, p, from_logits=False)
        if self.apply_class_balancing:
            loss = loss * (y * self.alpha + (1.0 - y) * (1.0 - self.alpha))
        return ops.reduce_mean(loss, self.axis)


class CategoricalFocalCrossentropy(Loss):
    """Sum of -alpha (1 - p)^gamma y log p over the classes; p is normalised and clipped."""

    alpha: float = 0.25
    """Weight of every class."""

    gamma: float = 2.0
    """How strongly easy examples are weighed down; 0 is alpha times the plain cross-entropy."""

    from_logits: bool = False
    """The model's output is z with p = softmax(z)."""

    label_smoothing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """s: targets become y (1 - s) + s / classes."""

    axis: int = -1
    """The axis of classes."""

    @override
    def target(self, output: Shape) -> tuple[Shape, DType]:
        classes(output, self.axis, self.key)
        return output, "float32"

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y = ops.cast(y_true, y_pred.dtype)
        if self.label_smoothing:
            y = smoothed(y, self.label_smoothing, 1.0 / class_count(y_pred, -1))
        p = ops.softmax(y_pred, self.axis) if self.from_logits else y_pred
        p = normalised(p, self.axis)
        weight = ops.power(1.0 - p, self.gamma) * self.alpha
        return -ops.reduce_sum(weight * y * ops.log(p), self.axis)


class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p[y]^q) / q for the class index y: between cross-entropy (q to 0) and MAE (q to 1)."""

    q: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Robustness to wrong labels."""

    @override
    def target(self, output: Shape) -> tuple[Shape, DType]:
        classes(output, -1, self.key)
        return without_axis(output, -1), "int32"

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        p = ops.reduce_sum(chosen(y_true, y_pred, -1) * y_pred, -1)
        return (1.0 - ops.power(p, self.q)) * (1.0 / self.q)
