"""Shapes and element types, without any runtime: what every other module agrees on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from typing_extensions import override

DType: TypeAlias = Literal[
    "float32", "float64", "float16", "int8", "uint8", "int32", "uint32", "int64", "bool", "string"
]
ITEM_BYTES: dict[str, int] = {
    "float32": 4, "float64": 8, "float16": 2, "int8": 1, "uint8": 1,
    "int32": 4, "uint32": 4, "int64": 8, "bool": 1, "string": 8,
}  # fmt: skip
FLOATS: frozenset[str] = frozenset({"float16", "float32", "float64"})

# A layer's view: an int, or None for the batch and other axes whose length is not known.
Shape: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Sym:
    """A symbolic length: `factor` times the batch size N.

    The batch is the only length a compiled graph leaves open, so one factor says everything.
    """

    factor: int = 1

    @override
    def __str__(self) -> str:
        return "N" if self.factor == 1 else f"{self.factor}*N"


BATCH = Sym()
# A compiler's view: an int or a multiple of the batch.
Dim: TypeAlias = int | Sym
Dims: TypeAlias = tuple[Dim, ...]


def product(dims: Sequence[Dim]) -> Dim:
    """Number of elements, a multiple of the batch when one axis is symbolic.

    Raises:
        ValueError: two symbolic axes; their product is not a multiple of the batch.
    """
    symbolic = [dim for dim in dims if isinstance(dim, Sym)]
    count = math.prod(dim for dim in dims if isinstance(dim, int))
    if not symbolic:
        return count
    if len(symbolic) > 1:
        raise ValueError(f"{tuple(map(str, dims))} has more than one symbolic axis")
    return Sym(count * symbolic[0].factor)


def elements(shape: Shape, batch: int = 1) -> int:
    """Number of elements with every unknown axis taken as `batch`."""
    return math.prod(batch if dim is None else dim for dim in shape)


def show(shape: Shape) -> str:
    """Keras' rendering: `(None, 26, 26, 32)`, `(None,)`."""
    return str(tuple(shape))
