"""Functions that look at signs, at what is infinite and at what is no number.

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Lowering, Shapes
from specc.layers.operations.arithmetic import Binary
from specc.layers.operations.base import Combination, Constant, broadcast
from specc.layers.operations.elementwise import Absolute, Unary
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.tensors import DType, Shape


class Fabs(Absolute):
    """|x| as a float."""

    keeps: ClassVar[bool] = False


class Signbit(Unary):
    """Whether x is negative; -0 is."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        # 1 / -0 is -inf.
        return ops.less(ops.where(ops.equal(x, 0.0), ops.reciprocal(x), x), 0.0)


class Isposinf(Unary):
    """Whether x is +infinity."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.equal(x, math.inf)


class Isneginf(Unary):
    """Whether x is -infinity."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.equal(x, -math.inf)


class NanToNum(Unary):
    """Numbers in the place of what is no number, and of infinities."""

    keeps: ClassVar[bool] = True
    nan: float = 0.0
    """For what is no number."""
    posinf: float | None = None
    """For +infinity; the largest number when left out."""
    neginf: float | None = None
    """For -infinity; the smallest number when left out."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        if not ops.is_float(x):
            return x
        largest = float(np.finfo(np.dtype(x.dtype)).max)
        x = ops.where(ops.equal(x, x), x, self.nan)
        x = ops.where(ops.equal(x, math.inf), largest if self.posinf is None else self.posinf, x)
        return ops.where(
            ops.equal(x, -math.inf), -largest if self.neginf is None else self.neginf, x
        )


class Sinc(Unary):
    """sin(pi x) / (pi x), 1 at 0."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        zero = ops.equal(x, 0.0)
        # Where it is not taken, the quotient is one of harmless numbers: its gradient counts too.
        angle = ops.where(zero, 1.0, x) * math.pi
        return ops.where(zero, 1.0, ops.sin(angle) / angle)


class Arctan2(Binary):
    """The angle of the point (x2, x1) in radians, -pi to pi."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.arctan2(a, b)


class Heaviside(Binary):
    """0 below 0, 1 above it, x2 at 0."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.where(ops.less(a, 0.0), 0.0, ops.where(ops.greater(a, 0.0), 1.0, b))


class Fmod(Binary):
    """What is left of x1 after whole multiples of x2, with the sign of x1."""

    least: ClassVar[DType] = "int32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        if not ops.is_float(a):
            real = self.compute(ops.cast(a, "float64"), ops.cast(b, "float64"))
            return ops.cast(real, a.dtype)
        size, step = ops.absolute(a), ops.absolute(b)
        return ops.sign(a) * (size - step * ops.floor(size / step))


class Fmax(Binary):
    """The larger of two, or the one that is a number."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        if not ops.is_float(a):
            return ops.logical_or(a, b) if a.dtype == "bool" else ops.maximum(a, b)
        a, b = ops.where(ops.equal(a, a), a, b), ops.where(ops.equal(b, b), b, a)
        return ops.maximum(a, b)


class Fmin(Binary):
    """The smaller of two, or the one that is a number."""

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        if not ops.is_float(a):
            return ops.logical_and(a, b) if a.dtype == "bool" else ops.minimum(a, b)
        a, b = ops.where(ops.equal(a, a), a, b), ops.where(ops.equal(b, b), b, a)
        return ops.minimum(a, b)


class Logaddexp2(Binary):
    """log2(2^x1 + 2^x2), computed without overflow."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        gap = -ops.absolute(a - b) * math.log(2.0)
        return ops.maximum(a, b) + ops.softplus(gap) * (1.0 / math.log(2.0))


class Isclose(Combination):
    """Whether |x1 - x2| is at most atol + rtol |x2|."""

    operands: ClassVar[tuple[str, ...]] = ("x1", "x2", "rtol", "atol")
    equal_nan: bool = False
    """Whether two that are no numbers are close."""
    x2: Constant = None
    """The second operand, when it is no input."""
    x1: Constant = None
    """The first operand, when it is no input."""
    rtol: Constant = 1e-5
    """Distance for each unit of |x2|."""
    atol: Constant = 1e-8
    """Distance that is always allowed."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return broadcast(self.operand_shapes(inputs))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b, rtol, atol = promoted(self.operand_tensors(inputs))
        near = ops.less_equal(ops.absolute(a - b), atol + rtol * ops.absolute(b))
        if not self.equal_nan:
            return near
        same = ops.logical_and(*(ops.logical_not(ops.equal(x, x)) for x in (a, b)))
        return ops.logical_or(near, same)


class Ldexp(Binary):
    """x1 times 2 to the power x2."""

    least: ClassVar[DType] = "float32"

    @override
    def compute(self, a: Tensor, b: Tensor) -> Tensor:
        return a * ops.power(2.0, b)
