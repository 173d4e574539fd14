"""Functions of two tensors or constants, element by element, broadcast like NumPy.

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Combination, Constant, broadcast
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.tensors import DType, Shape, elements


class Binary(Combination):
    """A function of two operands in their common element type.

    Class attributes:
        least: the narrowest element type in which it is computed.
    """

    abstract: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    operands: ClassVar[tuple[str, ...]] = ("x1", "x2")
    least: ClassVar[DType] = "bool"
    x2: Constant = None
    """The second operand, when it is no input."""
    x1: Constant = None
    """The first operand, when it is no input."""

    @abstractmethod
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        """The function."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return broadcast(self.operand_shapes(inputs))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        given = self.operand_tensors(inputs)
        least = given[0].trace.floatx if self.least == "float32" else self.least
        if self.least == "float32" and any(map(ops.is_float, given)):
            least = "bool"
        return self.compute(*promoted(given, least=least))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))


class Add(Binary):
    """Sum; for bools whether either holds."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_or(a, b) if a.dtype == "bool" else a + b


class Subtract(Binary):
    """The first minus the second."""

    least: ClassVar[DType] = "uint8"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b


class Multiply(Binary):
    """Product; for bools whether both hold."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_and(a, b) if a.dtype == "bool" else a * b


class TrueDivide(Binary):
    """The first over the second, integers as floats."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return a / b


class Divide(TrueDivide):
    """The first over the second, integers as floats."""


class DivideNoNan(TrueDivide):
    """The first over the second, 0 where the second is 0."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        zero = ops.equal(b, 0.0)
        # Nowhere is there a division by 0, so no gradient is NaN.
        return ops.where(zero, 0.0, a) / ops.where(zero, 1.0, b)


class FloorDivide(Binary):
    """Largest integer not above the quotient."""

    least: ClassVar[DType] = "int32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return _floored(a, b)


class Mod(Binary):
    """What the floored quotient leaves: x1 - x2 floor(x1 / x2), with the sign of x2."""

    least: ClassVar[DType] = "int32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b * _floored(a, b)


def _floored(a: Tensor, b: Tensor) -> Tensor:
    """The floored quotient; integers divide as float64, exact up to 2^53."""
    if ops.is_float(a):
        return ops.floor(a / b)
    quotient = ops.cast(a, "float64") / ops.cast(b, "float64")
    return ops.cast(ops.floor(quotient), a.dtype)


class Power(Binary):
    """The first to the power of the second."""

    least: ClassVar[DType] = "int32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        # A power of 2 is exact for negative numbers and has the simpler gradient.
        return a * a if self.x2 == 2 else ops.power(a, b)  # noqa: PLR2004


class Maximum(Binary):
    """The larger of two."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_or(a, b) if a.dtype == "bool" else ops.maximum(a, b)


class Minimum(Binary):
    """The smaller of two."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_and(a, b) if a.dtype == "bool" else ops.minimum(a, b)


class Hypot(Binary):
    """sqrt(x1^2 + x2^2)."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.sqrt(a * a + b * b)


class Logaddexp(Binary):
    """log(e^x1 + e^x2), computed without overflow."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.maximum(a, b) + ops.softplus(-ops.absolute(a - b))


class Comparison(Binary):
    """A relation of two operands, as bools."""

    abstract: ClassVar[bool] = True
    relation: ClassVar[Callable[[Tensor, Tensor], Tensor]]
    # onnxruntime compares no bools but for equality.
    least: ClassVar[DType] = "int32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return type(self).relation(a, b)


class Equal(Comparison):
    """Whether two are equal."""

    relation: ClassVar[Callable[[Tensor, Tensor], Tensor]] = staticmethod(ops.equal)


class NotEqual(Comparison):
    """Whether two differ."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_not(ops.equal(a, b))


class Greater(Comparison):
    """Whether the first is larger."""

    relation: ClassVar[Callable[[Tensor, Tensor], Tensor]] = staticmethod(ops.greater)


class GreaterEqual(Comparison):
    """Whether the first is at least the second."""

    relation: ClassVar[Callable[[Tensor, Tensor], Tensor]] = staticmethod(ops.greater_equal)


class Less(Comparison):
    """Whether the first is smaller."""

    relation: ClassVar[Callable[[Tensor, Tensor], Tensor]] = staticmethod(ops.less)


class LessEqual(Comparison):
    """Whether the first is at most the second."""

    relation: ClassVar[Callable[[Tensor, Tensor], Tensor]] = staticmethod(ops.less_equal)


class Logical(Binary):
    """A function of two truth values; anything but 0 counts as true."""

    abstract: ClassVar[bool] = True

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b = (ops.cast(x, "bool") for x in self.operand_tensors(inputs))
        return self.compute(a, b)


class LogicalAnd(Logical):
    """Whether both hold."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_and(a, b)


class LogicalOr(Logical):
    """Whether either holds."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_or(a, b)


class LogicalXor(Logical):
    """Whether exactly one holds."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.logical_not(ops.equal(a, b))
