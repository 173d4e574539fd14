"""Cross-entropies: binary, categorical, and categorical with integer targets."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.errors import InternalError
from specc.losses.along import Along
from specc.losses.base import Loss
from specc.losses.probabilities import (
    classes,
    clipped,
    log_probabilities,
    logits_behind,
    smoothed,
    without_axis,
)
from specc.primitives import Tensor, is_float
from specc.shapes import axis_index
from specc.tensors import DType, Shape


def binary_crossentropy(y: Tensor, y_pred: Tensor, *, from_logits: bool) -> Tensor:
    """-y log p - (1 - y) log(1 - p), elementwise; p is clipped to [eps, 1 - eps].

    On logits z, given or behind a sigmoid, it is softplus(z) - z y, which does not saturate.

    Source: keras/src/backend/tensorflow/nn.py, binary_crossentropy (3.15.1).
    """
    logits = y_pred if from_logits else None
    behind = logits_behind(y_pred, "Sigmoid")
    logits = logits if behind is None else behind
    if logits is not None:
        return ops.softplus(logits) - logits * y
    p = clipped(y_pred)
    return -(y * ops.log(p) + (1.0 - y) * ops.log(1.0 - p))


class BinaryCrossentropy(Along):
    """mean of -y log p - (1 - y) log(1 - p) over `axis`.

    Source: keras/src/losses/losses.py, binary_crossentropy (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("bce",)

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
        return ops.reduce_mean(
            binary_crossentropy(y, y_pred, from_logits=self.from_logits), self.axis
        )


class CategoricalCrossentropy(Loss):
    """-sum y log p over the classes; targets are one-hot or probabilities.

    Source: keras/src/losses/losses.py, categorical_crossentropy (3.15.1).
    """

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
            # Keras divides by the length of the last axis, whatever `axis` is.
            y = smoothed(y, self.label_smoothing, 1.0 / class_count(y_pred, -1))
        logs = log_probabilities(y_pred, self.axis, from_logits=self.from_logits)
        return -ops.reduce_sum(y * logs, self.axis)


class SparseCategoricalCrossentropy(Loss):
    """-log p[y] for the class index y.

    Source: keras/src/losses/losses.py, sparse_categorical_crossentropy (3.15.1).
    """

    from_logits: bool = False
    """The model's output is z with p = softmax(z)."""

    ignore_class: int | None = None
    """Positions with this class index do not count."""

    axis: int = -1
    """The axis of classes."""

    @override
    def target(self, output: Shape) -> tuple[Shape, DType]:
        classes(output, self.axis, self.key)
        return without_axis(output, self.axis), "int32"

    @property
    @override
    def ignores(self) -> bool:
        return self.ignore_class is not None

    @override
    def counted(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        if self.ignore_class is None:
            return None
        return ops.logical_not(ops.equal(y_true, self.ignore_class))

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        logs = log_probabilities(y_pred, self.axis, from_logits=self.from_logits)
        picked = -ops.reduce_sum(chosen(y_true, y_pred, self.axis) * logs, self.axis)
        counted = self.counted(y_true, picked)
        return picked if counted is None else picked * ops.cast(counted, picked.dtype)


def chosen(y_true: Tensor, y_pred: Tensor, axis: int) -> Tensor:
    """One-hot rows of class indices, in the shape and element type of `y_pred`."""
    ids = ops.cast(y_true, "int32") if is_float(y_true) else y_true
    rows = ops.one_hot(ids, class_count(y_pred, axis), y_pred.dtype)
    return ops.move_axis(rows, -1, axis_index(axis, y_pred.rank))


def class_count(y_pred: Tensor, axis: int) -> int:
    """The length of a class axis, which is never the batch."""
    dim = y_pred.shape[axis]
    if not isinstance(dim, int):
        raise InternalError(f"classes along the batch axis {axis} of {y_pred.shape}")
    return dim
