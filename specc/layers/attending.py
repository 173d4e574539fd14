"""What attention layers have in common: masks of scores, and the weighted mean of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specc import primitives as ops
from specc.layer import Lowering, Shapes
from specc.layers.dropout import kept
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, show

# A score of a masked position; e^-1e9 is 0 in every float type.
MASKED = -1e9


def key_shape(inputs: Shapes) -> Shape:
    """The keys' shape: the third input, or the values'."""
    given = inputs[2:3]
    return given[0] if given and given[0] else inputs[1:2][0]


def optional(inputs: Sequence[Tensor | None], index: int) -> Tensor | None:
    """Input `index`, if the call has it."""
    return inputs[index] if index < len(inputs) else None


def boolean(mask: Tensor) -> Tensor:
    """A mask of any element type as truth values."""
    return ops.cast(mask, "bool")


def both(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """Positions that both masks keep; an absent one keeps all."""
    if a is None or b is None:
        return b if a is None else a
    return ops.logical_and(a, b)


def causal(like: Tensor, queries: int, keys: int) -> Tensor:
    """(1, queries, keys): query i sees keys 0 to i."""
    return like.trace.constant(np.tril(np.ones((1, queries, keys), np.bool_)), "bool")


def band(like: Tensor, queries: int, keys: int, width: int) -> Tensor:
    """(1, queries, keys): query i sees keys nearer than `width`, on both sides."""
    distance = np.abs(np.arange(queries)[:, None] - np.arange(keys)[None, :])
    return like.trace.constant((distance < width)[None], "bool")


def full(mask: Tensor) -> bool:
    """Whether it is known that every row of the mask, which may have been reshaped, keeps a key."""
    while mask.op == "reshape":
        mask = mask.inputs[0]
    return mask.op == "constant" and bool(np.any(mask.attrs["value"], -1).all())


def dropped(low: Lowering, weights: Tensor, rate: float) -> Tensor:
    """Attention weights of which training drops some."""
    if not low.training or rate == 0.0:
        return weights
    if rate == 1.0:
        return weights * 0.0
    return weights * (kept(low, weights, weights.shape, rate) * (1.0 / (1.0 - rate)))


def returns_scores(flags: Mapping[str, Any]) -> bool:
    """Whether the call asks for the attention weights too."""
    return bool(flags.get("return_attention_scores", False))


def common_length(value: Shape, key: Shape) -> None:
    """Check that there is one key for each value.

    Raises:
        ShapeError: there is not.
    """
    if len(value) != len(key) or any(
        a is not None and b is not None and a != b
        for a, b in zip(value[1:-1], key[1:-1], strict=True)
    ):
        raise ShapeError(
            f"value {show(value)} and key {show(key)} differ in more than the last axis;"
            " give one key for each value"
        )


def check_mask(inputs: Shapes, index: int, name: str, wanted: Shape) -> None:
    """Check the last axes of a mask, input `index` if the call has it; each may have length 1.

    Raises:
        ShapeError: one has another length.
    """
    given = inputs[index : index + 1]
    if not given or not given[0]:
        return
    found = given[0][-len(wanted) :]
    if len(found) < len(wanted) or any(
        a != b and None not in (a, b) and a != 1 for a, b in zip(found, wanted, strict=True)
    ):
        raise ShapeError(f"{name} expects {show(wanted)}, found {show(given[0])}")


def lengths(x: Tensor) -> tuple[int, ...]:
    """All lengths but the batch."""
    return ints(x.shape[1:])
