"""`Loss`: what every loss is, and how per-sample values become one number."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, TypeAlias

from specc import primitives as ops
from specc.family import Member
from specc.losses.weighting import divide_no_nan, spread
from specc.primitives import Tensor
from specc.tensors import DType, Shape

# Keras also has "none", a vector; what is minimised here is one number.
Reduction: TypeAlias = Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"]
# Keras' backend.epsilon(): the clip of probabilities and the floor of denominators.
EPSILON = 1e-7


class Loss(Member):
    """A scalar to minimise, from targets and predictions."""

    family_name: ClassVar[str] = "loss"

    reduction: Reduction = "sum_over_batch_size"
    """How per-sample values become one: `sum_over_batch_size` divides by their number."""

    def target(self, output: Shape) -> tuple[Shape, DType]:
        """Shape and element type of the targets for a model output of shape `output`.

        Raises:
            ShapeError: no target fits such an output; the message says what output would.
        """
        return output, "float32"

    @abstractmethod
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Losses, one for each sample (and position): the last axis of y_pred is folded."""

    def counted(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """Which values count, as bool of their shape; None when all do."""
        del y_true, values
        return None

    def total(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The loss of a batch, a scalar.

        sum_over_batch_size, mean: sum(w v) / count(v), the count being that of unmasked values;
        sum: sum(w v); mean_with_sample_weight: sum(w v) / sum(w). Masked values weigh 0. An empty
        sum of weights or of the mask gives 0.

        Shapes: `weight` (N,) or any leading axes of the values, and so `mask` (bool).

        Source: keras/src/losses/loss.py, reduce_weighted_values and apply_mask (3.15.1).
        """
        values = self.values(y_true, y_pred)
        counted = self.counted(y_true, values)
        if counted is not None:
            mask = counted if mask is None else ops.logical_and(mask, counted)
        kept = None if mask is None else _kept(mask, values)
        if kept is not None:
            weight = kept if weight is None else spread(weight, kept.rank) * kept
        if weight is not None:
            values = values * spread(weight, values.rank)
        if values.rank == 0:
            return values
        if self.reduction == "sum":
            return ops.reduce_sum(values)
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            each = spread(weight, values.rank)
            if each.shape != values.shape:
                each = ops.broadcast_to(each, values.shape, values)
            return divide_no_nan(ops.reduce_sum(values), ops.reduce_sum(each))
        if kept is not None:
            return divide_no_nan(ops.reduce_sum(values), ops.reduce_sum(kept))
        return ops.reduce_mean(values)


def _kept(mask: Tensor, values: Tensor) -> Tensor:
    """1 for each value that counts, else 0, in the values' shape.

    A loss that has one value for positions that a mask tells apart counts at each of them.
    """
    kept = spread(ops.cast(mask, values.dtype), values.rank)
    if kept.rank > values.rank or kept.shape == values.shape:
        return kept
    return ops.broadcast_to(kept, values.shape, values)
