"""From a layer's fields to a weight: those of `kernel` are `kernel_initializer`, and so on."""

from __future__ import annotations

from specc.initializers import Initializer
from specc.layer import Layer, Weight
from specc.tensors import DType


def weight(
    layer: Layer,
    name: str,
    shape: tuple[int, ...],
    *,
    settings: str | None = None,
    trainable: bool = True,
    dtype: DType = "float32",
) -> Weight:
    """The weight `name` with the initializer, regularizer and constraint that `layer` gives it.

    They are the fields `{settings}_initializer`, `{settings}_regularizer` and
    `{settings}_constraint`, the last two optional; `settings` is the weight's name by default.
    """
    prefix = settings or name
    initializer: Initializer = getattr(layer, f"{prefix}_initializer")
    return Weight(
        name,
        shape,
        initializer,
        trainable=trainable,
        dtype=dtype,
        regularizer=getattr(layer, f"{prefix}_regularizer", None),
        constraint=getattr(layer, f"{prefix}_constraint", None),
    )
