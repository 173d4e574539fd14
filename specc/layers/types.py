"""Element types: what tensors of several become, as Keras promotes them."""

from __future__ import annotations

from collections.abc import Sequence

from specc import primitives as ops
from specc.primitives import Tensor
from specc.tensors import FLOATS, DType

# Narrow to wide; of two element types the result has the wider one, any float beats any integer.
# Source: keras/src/backend/common/dtypes.py, the lattice of result_type (3.15.1).
WIDTH: tuple[DType, ...] = (
    "bool", "uint8", "int8", "int32", "uint32", "int64", "float16", "float32", "float64",
)  # fmt: skip


def float_type(tensors: Sequence[Tensor]) -> DType:
    """The element type of a float among these tensors."""
    floats: list[DType] = [x.dtype for x in tensors if ops.is_float(x)]
    return widest(floats) if floats else tensors[0].trace.floatx


def integer_type(tensors: Sequence[Tensor]) -> DType:
    """The element type of an integer among these tensors: theirs, unless they are bools."""
    known: list[DType] = [x.dtype for x in tensors if x.dtype != "bool"]
    return widest(known) if known else "int32"


def widest(types: Sequence[DType]) -> DType:
    """The element type that holds all of them, the way Keras promotes."""
    return WIDTH[max(map(WIDTH.index, types))]


def promoted(tensors: Sequence[Tensor], *, least: DType = "bool") -> list[Tensor]:
    """All in their common element type, which is at least `least`; texts only meet texts."""
    if all(x.dtype == "string" for x in tensors):
        return list(tensors)
    wide = widest([*(x.dtype for x in tensors), least])
    if wide in FLOATS:
        # An int64 next to a float16 is a float16 as well.
        wide = float_type(tensors)
    return [ops.cast(x, wide) for x in tensors]


def floating(x: Tensor) -> Tensor:
    """The tensor as a float, integers and bools in the usual float type."""
    return x if ops.is_float(x) else ops.cast(x, x.trace.floatx)
