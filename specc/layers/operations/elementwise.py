"""Functions of one tensor, element by element.

Integers and bools become floats first, but for those that keep the element type in Keras.
Source: keras/src/ops/numpy.py and keras/src/ops/math.py (3.15.1).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Operation
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.tensors import Shape, elements


class Unary(Operation):
    """A function of each element.

    Class attributes:
        keeps: whether integers stay integers.
    """

    abstract: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    keeps: ClassVar[bool] = False

    @abstractmethod
    def compute(self, x: Tensor) -> Tensor:
        """The function."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        return self.compute(x if self.keeps else floating(x))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))


class Absolute(Unary):
    """|x|."""

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.absolute(x)


class Negative(Unary):
    """-x."""

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return -x


class Exp(Unary):
    """e^x."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.exp(x)


class Expm1(Unary):
    """e^x - 1."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.exp(x) - 1.0


class Exp2(Unary):
    """2^x."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.exp(x * math.log(2.0))


class Log(Unary):
    """Natural logarithm."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.log(x)


class Log1p(Unary):
    """log(1 + x)."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.log(x + 1.0)


class Log2(Unary):
    """Logarithm to base 2."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.log(x) * (1.0 / math.log(2.0))


class Log10(Unary):
    """Logarithm to base 10."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.log(x) * (1.0 / math.log(10.0))


class Sqrt(Unary):
    """Square root."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sqrt(x)


class Rsqrt(Unary):
    """1 / sqrt(x)."""

    keras_module: ClassVar[str] = "keras.src.ops.math"

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.reciprocal(ops.sqrt(x))


class Cbrt(Unary):
    """Cube root, also of negative numbers."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sign(x) * ops.power(ops.absolute(x), 1.0 / 3.0)


class Square(Unary):
    """The square of x."""

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return x * x


class Reciprocal(Unary):
    """1 / x."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.reciprocal(x)


class Sign(Unary):
    """-1, 0 or 1."""

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sign(x)


class Floor(Unary):
    """Largest integer not above x."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.floor(x)


class Ceil(Unary):
    """Smallest integer not below x."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.ceil(x)


class Trunc(Unary):
    """The element without its fraction."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sign(x) * ops.floor(ops.absolute(x))


class Sin(Unary):
    """Sine of x in radians."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sin(x)


class Cos(Unary):
    """Cosine of x in radians."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.cos(x)


class Tan(Unary):
    """Tangent of x in radians."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sin(x) / ops.cos(x)


class Sinh(Unary):
    """Hyperbolic sine."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return (ops.exp(x) - ops.exp(-x)) * 0.5


class Cosh(Unary):
    """Hyperbolic cosine."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return (ops.exp(x) + ops.exp(-x)) * 0.5


class Tanh(Unary):
    """Hyperbolic tangent."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.tanh(x)


class Arcsinh(Unary):
    """Inverse hyperbolic sine: sign(x) log(|x| + sqrt(x^2 + 1))."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.sign(x) * ops.log(ops.absolute(x) + ops.sqrt(x * x + 1.0))


class Arccosh(Unary):
    """Inverse hyperbolic cosine: log(x + sqrt(x^2 - 1))."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.log(x + ops.sqrt(x * x - 1.0))


class Arctanh(Unary):
    """Inverse hyperbolic tangent: log((1 + x) / (1 - x)) / 2."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.log((x + 1.0) / (1.0 - x)) * 0.5


class Erf(Unary):
    """Gauss error function."""

    keras_module: ClassVar[str] = "keras.src.ops.math"

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.erf(x)


class Erfc(Unary):
    """1 - erf(x)."""

    keras_module: ClassVar[str] = "keras.src.ops.math"

    @override
    def compute(self, x: Tensor) -> Tensor:
        return 1.0 - ops.erf(x)


class Deg2rad(Unary):
    """Degrees in radians."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return x * (math.pi / 180.0)


class Rad2deg(Unary):
    """Radians in degrees."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return x * (180.0 / math.pi)


class LogicalNot(Unary):
    """Not, where anything but 0 counts as true."""

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.logical_not(ops.cast(x, "bool"))


class Isnan(Unary):
    """Whether x is not a number."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.logical_not(ops.equal(x, x))


class Isinf(Unary):
    """Whether x is infinite."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.equal(ops.absolute(x), math.inf)


class Isfinite(Unary):
    """Whether x is a finite number."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.less(ops.absolute(x), math.inf)


class StopGradient(Unary):
    """The same elements, through which no gradient flows."""

    operands: ClassVar[tuple[str, ...]] = ("variable",)
    keras_module: ClassVar[str] = "keras.src.ops.core"

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.stop_gradient(x)


class Copy(Unary):
    """The same elements."""

    keeps: ClassVar[bool] = True

    @override
    def compute(self, x: Tensor) -> Tensor:
        return x


class Round(Unary):
    """Nearest number of so many decimals, halves to even."""

    decimals: int = 0
    """Number of decimals."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        scale = 10.0**self.decimals
        return ops.rounded(x * scale) * (1.0 / scale) if self.decimals else ops.rounded(x)


class Arctan(Unary):
    """Inverse tangent."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.arctan(x)


class Arcsin(Unary):
    """Inverse sine: the inverse tangent of x / sqrt(1 - x^2)."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return ops.arctan(x / ops.sqrt(1.0 - x * x))


class Arccos(Unary):
    """Inverse cosine: pi/2 less the inverse sine."""

    @override
    def compute(self, x: Tensor) -> Tensor:
        return math.pi / 2 - ops.arctan(x / ops.sqrt(1.0 - x * x))
