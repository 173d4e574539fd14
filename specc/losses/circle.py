"""Circle loss of embeddings (Sun et al., 2020)."""

from __future__ import annotations

from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import Loss
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import DType, Shape, show

# Stands for the logarithm of 0 in a sum of exponentials.
NOTHING = -1e30


def log_sum_exp(x: Tensor, mask: Tensor) -> Tensor:
    """Log of the sum of e^x over the last axis, where the mask is 1; about -1e30 where nowhere."""
    x = x * mask + (1.0 - mask) * NOTHING
    top = ops.stop_gradient(ops.reduce_max(x, -1, keepdims=True))
    return ops.log(ops.reduce_sum(ops.exp(x - top), -1)) + ops.squeeze(top, -1)


class Circle(Loss):
    """softplus(lse(pairs of a class) + lse(pairs of different classes)) for each embedding.

    With the distance d = max(1 - cosine, 0) of two embeddings of unit length:
    pairs of a class count -gamma max(m + d, 0) (m - d), others gamma max(1 + m - d, 0)
    (1 - m - d). Embeddings without a loss are not counted in the mean.

    Source: keras/src/losses/losses.py, circle (3.15.1).
    """

    gamma: float = 80.0
    """Scale."""

    margin: float = 0.4
    """m: relaxation of the decision boundary."""

    remove_diagonal: bool = True
    """Whether an embedding is no pair with itself."""

    @override
    def target(self, output: Shape) -> tuple[Shape, DType]:
        if len(output) != 2:  # noqa: PLR2004
            raise ShapeError(
                f"circle expects embeddings of (batch, length), found {show(output)}; flatten them"
            )
        return output[:1], "int32"

    @override
    def counted(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        return ops.greater(values, 0.0)

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels = ops.cast(ops.reshape(y_true, (y_pred.shape[0],)), "int32")
        same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))
        positive = ops.cast(same, y_pred.dtype)
        negative = 1.0 - positive
        if self.remove_diagonal:
            ones = ops.cast(ops.equal(labels, labels), y_pred.dtype)
            place = ops.cumsum(ones, 0)
            own = ops.equal(ops.expand_dims(place, 1), ops.expand_dims(place, 0))
            positive = positive * (1.0 - ops.cast(own, y_pred.dtype))
        distance = ops.relu(1.0 - ops.matmul(y_pred, ops.transpose(y_pred, (1, 0))))
        near = ops.relu((distance + self.margin) * positive)
        far = ops.relu(((1.0 + self.margin) - distance) * negative)
        pull = near * (distance - self.margin) * self.gamma
        push = far * ((1.0 - self.margin) - distance) * self.gamma
        return ops.softplus(log_sum_exp(pull, positive) + log_sum_exp(push, negative))
