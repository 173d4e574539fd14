"""Low-rank adapters: a frozen matrix plus the product of two small ones that training changes.

Source: Hu et al. (2021), LoRA; keras/src/layers/core/dense.py, enable_lora (3.15.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from specc import primitives as ops
from specc.initializers import HeUniform, Zeros
from specc.layer import Layer, Lowering, Weight
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


class Adapted(Layer):
    """A layer with adapters, which Keras' files hold as a part of what they adapt.

    Source: keras/src/layers/core/dense.py, save_own_variables and load_own_variables (3.15.1).

    Class attributes:
        main: name of the weight that is adapted.
    """

    abstract: ClassVar[bool] = True
    main: ClassVar[str] = "kernel"

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        names = [w.name for w in weights]
        adapting = (f"lora_{self.main}_a", f"lora_{self.main}_b")
        return (
            super().stored(weights)
            if adapting[0] not in names
            else {"": [name for name in names if name not in adapting]}
        )

    @override
    def merged(self, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        down, up = (arrays.get(f"lora_{self.main}_{part}") for part in "ab")
        if down is None or up is None:
            return {}
        rank, alpha = down.shape[-1], getattr(self, "lora_alpha", None)
        product = np.asarray(down @ up * ((rank if alpha is None else alpha) / rank))
        return {self.main: arrays[self.main] + product}
