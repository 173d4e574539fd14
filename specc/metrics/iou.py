"""Intersection over union of classes. Source: keras/src/metrics/iou_metrics.py (3.15.1)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import EPSILON
from specc.losses.weighting import spread_over
from specc.metrics.base import Metric
from specc.metrics.confusion import flat
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import DType, Shape, elements, show

MATRIX = "total_confusion_matrix"
Classes = Annotated[int, Field(ge=1)]
Binary = Annotated[int, Field(ge=0, le=1)]


class Overlap(Metric):
    """Mean of tp / (tp + fp + fn) over some classes, from a confusion matrix.

    Indices outside the classes, and positions of an ignored class, are not counted.
    """

    abstract: ClassVar[bool] = True
    keras_dtypes: ClassVar[tuple[DType, ...]] = ("float32", "int32", "int64")

    @abstractmethod
    def size(self) -> int:
        """The number of classes."""

    def targets(self) -> list[int]:
        """The classes that are averaged; all by default."""
        return list(range(self.size()))

    @abstractmethod
    def labels(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """Class indices of targets and predictions."""

    def ignored(self) -> int | None:
        """The class whose positions are not counted."""
        return None

    def counted_shapes(self, output: Shape, target: Shape) -> tuple[Shape, Shape]:
        """Shapes of the class indices of targets and predictions.

        Raises:
            ShapeError: there is no such axis of classes.
        """
        return target, output

    @override
    def expected(self, output: Shape) -> None:
        # `resolve` looks at the classes on both sides.
        return None

    @override
    def resolve(self, output: Shape, target: Shape) -> Metric:
        y, p = self.counted_shapes(output, target)
        if elements(y[1:]) != elements(p[1:]):
            raise ShapeError(
                f"{show(target)} targets and {show(output)} predictions are not as many classes;"
                " say with sparse_y_true and sparse_y_pred which have an axis of them"
            )
        wrong = [k for k in self.targets() if not 0 <= k < self.size()]
        if wrong:
            raise ShapeError(f"there is no class {wrong[0]} among {self.size()}")
        return self

    @override
    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        return {MATRIX: (self.size(), self.size())}

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        y, p = self.labels(y_true, y_pred)
        rows = ops.one_hot(flat(y), self.size(), y.trace.floatx)
        ignored = self.ignored()
        if ignored is not None:
            counted = ops.logical_not(ops.equal(flat(y), ignored))
            rows = rows * ops.expand_dims(ops.cast(counted, rows.dtype), -1)
        if weight is not None:
            each = spread_over(weight, y) + ops.cast(y, rows.dtype) * 0.0
            rows = rows * ops.expand_dims(flat(each), -1)
        hits = ops.one_hot(flat(p), self.size(), rows.dtype)
        return {MATRIX: ops.matmul(ops.transpose(rows, (1, 0)), hits)}

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        matrix = sums[MATRIX]
        hits = ops.reduce_sum(matrix * np.eye(self.size()), 0)
        union = ops.reduce_sum(matrix, 0) + ops.reduce_sum(matrix, 1) - hits
        ids = np.asarray(self.targets())
        hits, union = ops.take(hits, ids, 0), ops.take(union, ids, 0)
        valid = ops.cast(ops.greater(union, 1e-9), union.dtype)
        share = hits / (union + EPSILON) * valid
        return ops.reduce_sum(share) / (ops.reduce_sum(valid) + EPSILON)


class MeanIoU(Overlap):
    """Mean over all classes of tp / (tp + fp + fn)."""

    key: ClassVar[str] = "mean_iou"
    title: ClassVar[str] = "mean_io_u"
    aliases: ClassVar[tuple[str, ...]] = ("mean_io_u",)

    num_classes: Classes
    """The number of classes."""

    ignore_class: int | None = None
    """Positions with this target do not count."""

    sparse_y_true: bool = True
    """Whether targets are class indices rather than one-hot."""

    sparse_y_pred: bool = True
    """Whether predictions are class indices rather than scores."""

    axis: int = -1
    """The axis of classes where there is one."""

    @override
    def size(self) -> int:
        return self.num_classes

    @override
    def ignored(self) -> int | None:
        return self.ignore_class

    @override
    def counted_shapes(self, output: Shape, target: Shape) -> tuple[Shape, Shape]:
        y = target if self.sparse_y_true else _without(target, self.axis)
        return y, output if self.sparse_y_pred else _without(output, self.axis)

    @override
    def labels(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        y = y_true if self.sparse_y_true else ops.argmax(y_true, self.axis)
        p = y_pred if self.sparse_y_pred else ops.argmax(y_pred, self.axis)
        return ops.cast(y, "int64"), ops.cast(p, "int64")


def _without(shape: Shape, axis: int) -> Shape:
    """A shape without its axis of classes, which is not the batch."""
    at = axis_index(axis, len(shape))
    if at == 0:
        raise ShapeError(f"axis {axis} of {show(shape)} is the batch, not classes")
    return (*shape[:at], *shape[at + 1 :])


class IoU(MeanIoU):
    """Mean over the target classes of tp / (tp + fp + fn)."""

    key: ClassVar[str] = "iou"
    title: ClassVar[str] = "io_u"
    aliases: ClassVar[tuple[str, ...]] = ("io_u",)

    target_class_ids: Annotated[list[int], Field(min_length=1)]
    """The classes that are averaged."""

    @override
    def targets(self) -> list[int]:
        return self.target_class_ids


class OneHotMeanIoU(MeanIoU):
    """As mean_iou, with one-hot targets and, by default, scores as predictions."""

    key: ClassVar[str] = "one_hot_mean_iou"
    title: ClassVar[str] = "one_hot_mean_io_u"
    aliases: ClassVar[tuple[str, ...]] = ("one_hot_mean_io_u",)

    sparse_y_true: bool = False
    """Whether targets are class indices rather than one-hot."""

    sparse_y_pred: bool = False
    """Whether predictions are class indices rather than scores."""


class OneHotIoU(IoU):
    """As iou, with one-hot targets and, by default, scores as predictions."""

    key: ClassVar[str] = "one_hot_iou"
    title: ClassVar[str] = "one_hot_io_u"
    aliases: ClassVar[tuple[str, ...]] = ("one_hot_io_u",)

    sparse_y_true: bool = False
    """Whether targets are class indices rather than one-hot."""

    sparse_y_pred: bool = False
    """Whether predictions are class indices rather than scores."""


class BinaryIoU(Overlap):
    """Mean over the target classes 0 and 1 of tp / (tp + fp + fn), p >= threshold being 1."""

    key: ClassVar[str] = "binary_iou"
    title: ClassVar[str] = "binary_io_u"
    aliases: ClassVar[tuple[str, ...]] = ("binary_io_u",)

    target_class_ids: Annotated[list[Binary], Field(min_length=1)] = Field(
        default_factory=lambda: [0, 1]
    )
    """The classes that are averaged."""

    threshold: float = 0.5
    """From it on a prediction is class 1."""

    @override
    def size(self) -> int:
        return 2

    @override
    def targets(self) -> list[int]:
        return self.target_class_ids

    @override
    def labels(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        positive = ops.greater_equal(y_pred, self.threshold)
        return ops.cast(y_true, "int64"), ops.cast(positive, "int64")
