"""How often a class is right. Source: keras/src/metrics/accuracy_metrics.py (3.15.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.errors import InternalError
from specc.losses.crossentropy import class_count
from specc.metrics.base import MeanMetric, Metric
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, show


class Accuracy(Metric):
    """How often the predicted class is right, whatever way targets are written.

    An output with a last axis of 1 is binary; else targets with fewer axes than the output, or
    with a last axis of 1, are class indices; else they are one-hot.

    Source: keras/src/trainers/compile_utils.py, is_binary_or_sparse_categorical (3.15.1).
    """

    aliases: ClassVar[tuple[str, ...]] = ("acc",)

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        name = self.log_name
        if output[-1] == 1:
            return BinaryAccuracy(name=name).resolve(output, target)
        if len(target) < len(output) or target[-1] == 1:
            return SparseCategoricalAccuracy(name=name).resolve(output, target)
        return CategoricalAccuracy(name=name).resolve(output, target)

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        raise InternalError("accuracy is computed by what it resolves to")

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        raise InternalError("accuracy is computed by what it resolves to")


def matches(a: Tensor, b: Tensor) -> Tensor:
    """1 where a equals b, else 0, in the trace's float type."""
    return ops.cast(ops.equal(a, b), a.trace.floatx)


def indices(y_true: Tensor, output_rank: int) -> Tensor:
    """Class indices without a trailing axis of length 1 that the output does not account for."""
    if y_true.rank == output_rank and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    return ops.cast(y_true, "int64")


class ExactAccuracy(MeanMetric):
    """How often predictions equal targets exactly. Keras' class `Accuracy`."""

    title: ClassVar[str] = "accuracy"

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return matches(ops.cast(y_true, y_pred.dtype), y_pred)


class BinaryAccuracy(MeanMetric):
    """How often p > threshold equals the target."""

    threshold: float = 0.5
    """Above it the prediction is class 1."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        positive = ops.cast(ops.greater(y_pred, self.threshold), y_pred.dtype)
        return matches(ops.cast(y_true, y_pred.dtype), positive)


class CategoricalAccuracy(MeanMetric):
    """How often the largest prediction is where the largest target is."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return matches(ops.argmax(y_true), ops.argmax(y_pred))


class SparseCategoricalAccuracy(MeanMetric):
    """How often the largest prediction is at the target's class index."""

    @override
    def expected(self, output: Shape) -> Shape:
        return output[:-1]

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return matches(indices(y_true, y_pred.rank), ops.argmax(y_pred))


class _TopK(MeanMetric):
    """How often fewer than k predictions are above the one of the true class."""

    abstract: ClassVar[bool] = True

    k: Annotated[int, Field(ge=1)] = 5
    """How many of the largest predictions count as right."""

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        if len(output) < 2:  # noqa: PLR2004
            raise ShapeError(f"{self.key} expects (batch, ..., classes), found {show(output)}")
        return super().resolve(output, target)

    def within(self, ids: Tensor, y_pred: Tensor) -> Tensor:
        """1 where the prediction at `ids` has fewer than k larger ones in its row, else 0."""
        chosen = ops.one_hot(ids, class_count(y_pred, -1), y_pred.dtype)
        own = ops.reduce_sum(chosen * y_pred, -1, keepdims=True)
        above = ops.reduce_sum(ops.cast(ops.greater(y_pred, own), y_pred.dtype), -1)
        return ops.cast(ops.less(above, float(self.k)), y_pred.trace.floatx)


class TopKCategoricalAccuracy(_TopK):
    """How often the class of a one-hot target is among the k largest predictions."""

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.within(ops.argmax(y_true), y_pred)


class SparseTopKCategoricalAccuracy(_TopK):
    """How often a target's class index is among the k largest predictions."""

    from_sorted_ids: bool = False
    """The model's output lists class indices, best first, rather than scores."""

    @override
    def expected(self, output: Shape) -> Shape:
        return output[:-1]

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        ids = indices(y_true, y_pred.rank)
        if not self.from_sorted_ids:
            return self.within(ids, y_pred)
        best = ops.slice_axis(y_pred, -1, 0, min(self.k, class_count(y_pred, -1)))
        same = matches(ops.expand_dims(ids, -1), ops.cast(best, "int64"))
        return ops.reduce_max(same, -1)
