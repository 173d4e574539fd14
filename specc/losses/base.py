"""`Loss`: what every loss is, and how per-sample values become one number."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, TypeAlias

from specc import primitives as ops
from specc.family import Member
from specc.primitives import Tensor
from specc.tensors import DType, Shape

Reduction: TypeAlias = Literal[
    "sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"
]
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

    def total(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """The loss of a batch, a scalar. `weight` (batch or values' shape), `mask` (values' shape).

        sum_over_batch_size: sum(w v) / count(v); mean_with_sample_weight: sum(w v) / sum(w).
        """
        values = self.values(y_true, y_pred)
        raise NotImplementedError(f"{values}{weight}{mask}{ops}")
