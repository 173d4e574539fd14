"""What the cross-entropies share: logits behind an activation, clipping, checks of the output."""

from __future__ import annotations

from specc import primitives as ops
from specc.losses.base import EPSILON
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, show


def logits_behind(y_pred: Tensor, activation: str, axis: int | None = None) -> Tensor | None:
    """The input of the activation that made `y_pred`, else None.

    A cross-entropy of those is the same number without overflow, and with a cheaper gradient.
    """
    if y_pred.op != activation:
        return None
    if axis is not None and y_pred.attrs["axis"] != axis % y_pred.rank:
        return None
    return y_pred.inputs[0]


def clipped(p: Tensor) -> Tensor:
    """Probabilities kept inside [eps, 1 - eps], so that their logarithm is finite."""
    return ops.clip(p, EPSILON, 1.0 - EPSILON)


def normalised(p: Tensor, axis: int) -> Tensor:
    """Probabilities that sum to 1 along `axis`, then clipped."""
    return clipped(p / ops.reduce_sum(p, axis, keepdims=True))


def log_probabilities(y_pred: Tensor, axis: int, *, from_logits: bool) -> Tensor:
    """Logarithms of class probabilities along `axis`, from logits whenever they are at hand.

    Where only probabilities are known: log(clip(p / sum p, eps, 1 - eps)).

    Source: keras/src/backend/tensorflow/nn.py, categorical_crossentropy and _get_logits (3.15.1).
    """
    behind = logits_behind(y_pred, "Softmax", axis)
    if behind is not None:
        return ops.log_softmax(behind, axis)
    if from_logits:
        return ops.log_softmax(y_pred, axis)
    return ops.log(normalised(y_pred, axis))


def smoothed(y_true: Tensor, smoothing: float, share: float) -> Tensor:
    """Label smoothing, y (1 - s) + s * share, towards a share of 1/classes, or 1/2 when binary."""
    return y_true * (1.0 - smoothing) + smoothing * share if smoothing else y_true


def classes(output: Shape, axis: int, loss: str) -> int | None:
    """How many classes an output has along `axis`.

    Raises:
        ShapeError: there is no class axis, or just one class.
    """
    if len(output) < 2:  # noqa: PLR2004
        raise ShapeError(
            f"{loss} expects an output of (batch, ..., classes), found {show(output)}; "
            "end the model with one unit per class"
        )
    at = axis_index(axis, len(output))
    if at == 0:
        raise ShapeError(f"{loss} expects classes along axis {axis}, which is the batch's")
    count = output[at]
    if count == 1:
        raise ShapeError(
            f"{loss} expects at least 2 classes along axis {axis}, found an output of "
            f"{show(output)}; use binary_crossentropy, or one unit per class"
        )
    return count


def without_axis(output: Shape, axis: int) -> Shape:
    """The shape of class indices for an output with classes along `axis`."""
    axis = axis_index(axis, len(output))
    return output[:axis] + output[axis + 1 :]
