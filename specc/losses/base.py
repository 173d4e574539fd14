"""`Loss`: what every loss is, and how per-sample values become one number."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, TypeAlias

from specc import primitives as ops
from specc.family import Member
from specc.losses.weighting import check_spreads, divide_no_nan, spread, spread_over
from specc.primitives import Tensor
from specc.primitives.tensor import broadcast_dims
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

    @property
    def ignores(self) -> bool:
        """Whether `counted` may leave values out."""
        return False

    def counted(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """Which values count, as bool of their shape; None when all do."""
        del y_true, values
        return None

    def by_sample(self, rank: int) -> bool:
        """Whether the first axis of the values is the batch, for predictions of `rank` axes."""
        del rank
        return True

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
        sum of weights or of the mask gives 0. Values of the batch as a whole weigh as its samples
        do on average (in Keras `sum` counts each sample once there are weights, once without).

        Shapes: `weight` (N,) or any leading axes of the values, and so `mask` (bool).

        Raises:
            ShapeError: the mask or the weights do not broadcast with the values' leading axes.

        Source: keras/src/losses/loss.py, reduce_weighted_values and apply_mask (3.15.1).
        """
        values = self.values(y_true, y_pred)
        if not self.by_sample(y_pred.rank):
            return self._whole(values, weight, mask)
        if weight is not None:
            check_spreads(weight, values, "sample weights")
        counted = self.counted(y_true, values)
        if counted is not None:
            mask = counted if mask is None else ops.logical_and(mask, counted)
        kept = None if mask is None else _kept(mask, values)
        if kept is not None:
            weight = kept if weight is None else spread(weight, kept.rank) * kept
        if weight is not None:
            values = values * spread(weight, values.rank)
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

    def _whole(self, values: Tensor, weight: Tensor | None, mask: Tensor | None) -> Tensor:
        """The loss of values that belong to no sample; a mask counts each of its positions."""
        is_sum = self.reduction == "sum"
        found = ops.reduce_sum(values) if is_sum else ops.reduce_mean(values)
        if self.reduction == "mean_with_sample_weight":
            return found
        if mask is None:
            return found if weight is None else found * ops.reduce_mean(weight)
        kept = ops.cast(mask, values.dtype)
        weighed = kept if weight is None else kept * spread_over(weight, kept)
        share = ops.reduce_sum(weighed)
        return found * (share if is_sum else divide_no_nan(share, ops.reduce_sum(kept)))


def _kept(mask: Tensor, values: Tensor) -> Tensor:
    """1 for each value that counts, else 0, in the values' shape or one that they spread to."""
    check_spreads(mask, values, "the output's mask")
    kept = spread(ops.cast(mask, values.dtype), values.rank)
    return ops.broadcast_to(kept, broadcast_dims(kept.shape, values.shape), values)
