"""`Tensor`: one value of the primitive graph, and `Trace`: the place where they are made.

A tensor has the *logical* shape that the layer speaks of (Keras' layout). How it lies in memory
is the target's business.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc.errors import InternalError
from specc.tensors import FLOATS, Dim, Dims, DType, Sym

Array: TypeAlias = npt.NDArray[Any]
Operand: TypeAlias = "Tensor | float | int | bool | Array"


@dataclass(slots=True)
class Trace:
    """What all tensors of one lowering share.

    Attributes:
        floatx: element type of floating weights and inputs; float64 in gradient checks.
        scopes: the layer path under which tensors are made at the moment.
        count: tensors made so far; their serial numbers give a deterministic order.
    """

    floatx: DType = "float32"
    scopes: list[str] = field(default_factory=list[str])
    count: int = 0

    @contextmanager
    def scope(self, name: str) -> Generator[None]:
        """Everything made inside belongs to `name`, which errors and node names then show."""
        self.scopes.append(name)
        try:
            yield
        finally:
            self.scopes.pop()

    def emit(
        self, op: str, inputs: Sequence[Tensor], shape: Dims, dtype: DType, **attrs: Any
    ) -> Tensor:
        """A new tensor: primitive `op` applied to `inputs`."""
        self.count += 1
        return Tensor(
            self, op, tuple(inputs), attrs, tuple(shape), dtype, "/".join(self.scopes), self.count
        )

    def constant(self, value: float | Array, dtype: DType | None = None) -> Tensor:
        """A tensor known at compile time; floats take `floatx` unless `dtype` says otherwise."""
        array = np.asarray(value)
        if dtype is None:
            own = cast("DType", str(array.dtype))
            dtype = self.floatx if array.dtype.kind == "f" else own
        array = array.astype(np.dtype(dtype), copy=False)
        return self.emit("constant", (), array.shape, dtype, value=array)


@dataclass(frozen=True, eq=False, slots=True)
class Tensor:
    """Primitive `op` applied to `inputs`: logical shape, element type, and the layer it is from.

    Arithmetic operators broadcast like NumPy; Python numbers take the tensor's element type.
    """

    trace: Trace = field(repr=False)
    op: str
    inputs: tuple[Tensor, ...] = field(repr=False)
    attrs: Mapping[str, Any]
    shape: Dims
    dtype: DType
    scope: str
    serial: int

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __add__(self, other: Operand) -> Tensor:
        return binary("Add", self, other)

    def __radd__(self, other: Operand) -> Tensor:
        return binary("Add", other, self)

    def __sub__(self, other: Operand) -> Tensor:
        return binary("Sub", self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return binary("Sub", other, self)

    def __mul__(self, other: Operand) -> Tensor:
        return binary("Mul", self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return binary("Mul", other, self)

    def __truediv__(self, other: Operand) -> Tensor:
        return binary("Div", self, other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return binary("Div", other, self)

    def __pow__(self, other: Operand) -> Tensor:
        return binary("Pow", self, other)

    def __neg__(self) -> Tensor:
        return unary("Neg", self)


def unary(op: str, x: Tensor, dtype: DType | None = None, **attrs: Any) -> Tensor:
    """An elementwise primitive of one input; `op` is the name of the ONNX op with its meaning."""
    return x.trace.emit(op, (x,), x.shape, dtype or x.dtype, **attrs)


def binary(op: str, a: Operand, b: Operand, dtype: DType | None = None) -> Tensor:
    """An elementwise primitive of two inputs, broadcast like NumPy.

    Raises:
        InternalError: neither operand is a tensor, or the element types differ.
    """
    x, y = promote(a, b)
    if x.dtype != y.dtype:
        raise InternalError(f"{op} of {x.dtype} and {y.dtype} in {x.trace.scopes}")
    return x.trace.emit(op, (x, y), broadcast_dims(x.shape, y.shape), dtype or x.dtype)


def promote(*operands: Operand) -> tuple[Tensor, ...]:
    """All operands as tensors; numbers and arrays take the element type of the first tensor."""
    like = next((x for x in operands if isinstance(x, Tensor)), None)
    if like is None:
        raise InternalError("a primitive needs at least one tensor")
    return tuple(
        x if isinstance(x, Tensor) else like.trace.constant(np.asarray(x), like.dtype)
        for x in operands
    )


def broadcast_dims(*shapes: Dims) -> Dims:
    """The common shape of operands, aligned on the last axis.

    Raises:
        InternalError: lengths differ and neither is 1 (layers check this before with a place).
    """
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    out: list[Dim] = []
    for dims in zip(*padded, strict=True):
        lengths = {dim for dim in dims if dim != 1}
        if len(lengths) > 1:
            raise InternalError(f"shapes {shapes} do not broadcast")
        out.append(lengths.pop() if lengths else 1)
    return tuple(out)


def is_float(x: Tensor) -> bool:
    """Whether the element type is a floating one."""
    return x.dtype in FLOATS


def ints(dims: Dims) -> tuple[int, ...]:
    """`dims` as ints.

    Raises:
        InternalError: one of them is the batch.
    """
    if any(isinstance(dim, Sym) for dim in dims):
        raise InternalError(f"{dims} has a symbolic axis where a known length is needed")
    return tuple(dim for dim in dims if isinstance(dim, int))
