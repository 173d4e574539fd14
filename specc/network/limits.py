"""Sizes that no tensor may have."""

from __future__ import annotations

from specc.tensors import ITEM_BYTES, DType, Shape, elements, show

# An ONNX file cannot hold more (protobuf), and an activation this large for a single sample
# is a mistake in the spec.
MAX_BYTES = 2**31


def size_problem(what: str, shape: Shape, dtype: DType = "float32") -> str | None:
    """Why a tensor of this shape cannot be; None when it can. Open lengths count as 1."""
    if any(dim is not None and dim <= 0 for dim in shape):
        return f"{what} {show(shape)} would be empty"
    size = elements(shape) * ITEM_BYTES[dtype]
    if size > MAX_BYTES:
        return (
            f"{what} {show(shape)} takes {size / 2**30:.1f} GiB"
            + (" for one sample" if None in shape else "")
            + "; the limit for a tensor is 2 GiB"
        )
    return None
