"""Low-rank adapters: a frozen matrix plus the product of two small ones that training changes.

Source: Hu et al. (2021), LoRA; keras/src/layers/core/dense.py, enable_lora (3.15.1).
"""

from __future__ import annotations

from dataclasses import replace

from specc import primitives as ops
from specc.initializers import HeUniform, Zeros
from specc.layer import Lowering, Weight
from specc.primitives import Tensor
from specc.shapes import ShapeError


def adapters(main: Weight, rank: int | None) -> tuple[Weight, tuple[Weight, ...]]:
    """The main weight, frozen when there is a rank, and its adapters (..., rank), (rank, last).

    Raises:
        ShapeError: the main weight has a constraint, which its sum with a product cannot keep.
    """
    if rank is None:
        return main, ()
    if main.constraint is not None:
        raise ShapeError(f"lora_rank and {main.name}_constraint do not go together; leave one out")
    down = Weight(
        f"lora_{main.name}_a", (*main.shape[:-1], rank), HeUniform(), regularizer=main.regularizer
    )
    up = Weight(
        f"lora_{main.name}_b", (rank, main.shape[-1]), Zeros(), regularizer=main.regularizer
    )
    return replace(main, trainable=False), (down, up)


def adapted(low: Lowering, name: str, rank: int | None, alpha: float | None) -> Tensor:
    """The weight `name` plus alpha / rank times the product of its adapters."""
    main = low.weight(name)
    if rank is None:
        return main
    down, up = low.weight(f"lora_{name}_a"), low.weight(f"lora_{name}_b")
    return main + ops.dense(down, up) * ((rank if alpha is None else alpha) / rank)
