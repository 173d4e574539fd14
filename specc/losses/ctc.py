"""Connectionist temporal classification: labels whose times are not known."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.losses.base import Loss
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import DType, Shape, show

# The logarithm of a probability that cannot be.
NEVER = -1e9


class CTC(Loss):
    """-log of the probability of all ways in which the steps can spell the labels.

    The output holds logits of each step, class 0 being "nothing new". Targets are the labels
    1, 2, ..., then 0 up to the number of steps.

    Shapes: y_pred (N, steps, classes), y_true (N, steps), int32.

    Source: Graves et al. (2006); keras/src/losses/losses.py, ctc (3.15.1), which also takes
    shorter rows of labels.
    """

    @override
    def target(self, output: Shape) -> tuple[Shape, DType]:
        if len(output) != 3:  # noqa: PLR2004
            raise ShapeError(f"ctc needs an output (batch, steps, classes), found {show(output)}")
        return output[:2], "int32"

    @override
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        steps, classes = ints(y_pred.shape[1:])
        labels = ops.cast(y_true, "int64")
        nothing = labels - labels
        # Nothing may come before, between and behind the labels.
        pairs = ops.concat([ops.expand_dims(nothing, -1), ops.expand_dims(labels, -1)], -1)
        pairs = ops.reshape(pairs, (labels.shape[0], 2 * steps))
        spelled = ops.concat([pairs, ops.slice_axis(nothing, 1, 0, 1)], 1)
        places = 2 * steps + 1
        chosen = ops.transpose(ops.one_hot(spelled, classes, y_pred.dtype), (0, 2, 1))
        logs = ops.matmul(ops.log_softmax(y_pred), chosen)
        # Two different labels may follow each other directly.
        before = ops.pad(ops.slice_axis(spelled, 1, 0, places - 2), ((0, 0), (2, 0)))
        direct = ops.cast(ops.equal(spelled, before), y_pred.dtype) * NEVER
        first = np.where(np.arange(places) < 2, 0.0, NEVER)  # noqa: PLR2004
        state = _step(logs, 0) + first
        for t in range(1, steps):
            came = [state, _shifted(state, 1), _shifted(state, 2) + direct]
            state = _log_sum(came) + _step(logs, t)
        length = ops.reduce_sum(ops.cast(ops.greater(labels, 0), "int64"), 1, keepdims=True)
        ends = labels.trace.constant(np.arange(places, dtype=np.int64)[None, :])
        behind = ops.equal(ends, length * 2)
        last = ops.logical_or(behind, ops.equal(ends, length * 2 - 1))
        state = state + (1.0 - ops.cast(last, state.dtype)) * NEVER
        top = ops.stop_gradient(ops.reduce_max(state, 1, keepdims=True))
        total = ops.reduce_sum(ops.exp(state - top), 1)
        return -(ops.log(total) + ops.squeeze(top, 1))


def _step(logs: Tensor, t: int) -> Tensor:
    """Step t. Shapes: logs (N, steps, places), result (N, places)."""
    return ops.squeeze(ops.slice_axis(logs, 1, t, t + 1), 1)


def _shifted(state: Tensor, by: int) -> Tensor:
    """What came from `by` places before. Shapes: (N, places)."""
    (places,) = ints(state.shape[1:])
    return ops.pad(ops.slice_axis(state, 1, 0, places - by), ((0, 0), (by, 0)), NEVER)


def _log_sum(parts: list[Tensor]) -> Tensor:
    """log of the sum of exponentials, without overflow."""
    top = parts[0]
    for part in parts[1:]:
        top = ops.maximum(top, part)
    top = ops.stop_gradient(top)
    total = ops.exp(parts[0] - top)
    for part in parts[1:]:
        total = total + ops.exp(part - top)
    return ops.log(total) + top
