"""Elementwise primitives. Each has the meaning of the ONNX op (opset 18) that it names."""

from __future__ import annotations

import math

from specc.primitives.tensor import Operand, Tensor, binary, broadcast_dims, promote, unary
from specc.tensors import DType


def exp(x: Tensor) -> Tensor:
    """e^x."""
    return unary("Exp", x)


def log(x: Tensor) -> Tensor:
    """Natural logarithm."""
    return unary("Log", x)


def sqrt(x: Tensor) -> Tensor:
    """Square root."""
    return unary("Sqrt", x)


def reciprocal(x: Tensor) -> Tensor:
    """1 / x."""
    return unary("Reciprocal", x)


def absolute(x: Tensor) -> Tensor:
    """|x|."""
    return unary("Abs", x)


def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1; no gradient flows."""
    return unary("Sign", x)


def floor(x: Tensor) -> Tensor:
    """Largest integer not above x; no gradient flows."""
    return unary("Floor", x)


def ceil(x: Tensor) -> Tensor:
    """Smallest integer not below x; no gradient flows."""
    return unary("Ceil", x)


def rounded(x: Tensor) -> Tensor:
    """Nearest integer, halves to even; no gradient flows."""
    return unary("Round", x)


def sin(x: Tensor) -> Tensor:
    """Sine of x in radians."""
    return unary("Sin", x)


def cos(x: Tensor) -> Tensor:
    """Cosine of x in radians."""
    return unary("Cos", x)


def arctan(x: Tensor) -> Tensor:
    """The angle in radians, -pi/2 to pi/2, whose tangent is x."""
    return unary("Atan", x)


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return unary("Tanh", x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x)."""
    return unary("Sigmoid", x)


def erf(x: Tensor) -> Tensor:
    """Gauss error function."""
    return unary("Erf", x)


def capped_relu(x: Tensor, cap: float) -> Tensor:
    """min(max(x, 0), cap); no gradient flows at 0 and at the cap."""
    return x.trace.emit("capped_relu", (x,), x.shape, x.dtype, cap=float(cap))


def gelu(x: Tensor) -> Tensor:
    """x Phi(x) with the normal distribution's Phi: x/2 (1 + erf(x / sqrt 2))."""
    return x.trace.emit("gelu", (x,), x.shape, x.dtype)


def relu(x: Tensor) -> Tensor:
    """max(x, 0); the gradient at 0 is 0, as in TensorFlow."""
    return unary("Relu", x)


def leaky_relu(x: Tensor, alpha: float) -> Tensor:
    """X for x >= 0, alpha x below."""
    return unary("LeakyRelu", x, alpha=float(alpha))


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """X for x >= 0, alpha (e^x - 1) below."""
    return unary("Elu", x, alpha=float(alpha))


def selu(x: Tensor, alpha: float, gamma: float) -> Tensor:
    """Gamma times (x for x > 0, alpha (e^x - 1) below)."""
    return unary("Selu", x, alpha=float(alpha), gamma=float(gamma))


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x)."""
    return unary("Softplus", x)


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return unary("Softsign", x)


def hard_sigmoid(x: Tensor, alpha: float, beta: float) -> Tensor:
    """max(0, min(1, alpha x + beta))."""
    return unary("HardSigmoid", x, alpha=float(alpha), beta=float(beta))


def cast(x: Tensor, dtype: DType) -> Tensor:
    """The same values in another element type; floats lose their fraction towards zero."""
    return x if x.dtype == dtype else unary("Cast", x, dtype, to=dtype)


def power(a: Operand, b: Operand) -> Tensor:
    """A to the power b."""
    return binary("Pow", a, b)


def maximum(a: Operand, b: Operand) -> Tensor:
    """The larger of two, broadcast; on ties the gradient is halved between them."""
    return binary("Max", a, b)


def minimum(a: Operand, b: Operand) -> Tensor:
    """The smaller of two, broadcast; on ties the gradient is halved between them."""
    return binary("Min", a, b)


def clip(x: Tensor, low: float, high: float) -> Tensor:
    """Limited to [low, high]; no gradient outside."""
    return x.trace.emit("clip", (x,), x.shape, x.dtype, low=float(low), high=float(high))


def equal(a: Operand, b: Operand) -> Tensor:
    """Whether a = b, as bool."""
    return binary("Equal", a, b, "bool")


def greater(a: Operand, b: Operand) -> Tensor:
    """Whether a > b, as bool."""
    return binary("Greater", a, b, "bool")


def greater_equal(a: Operand, b: Operand) -> Tensor:
    """Whether a >= b, as bool."""
    return binary("GreaterOrEqual", a, b, "bool")


def less(a: Operand, b: Operand) -> Tensor:
    """Whether a < b, as bool."""
    return binary("Less", a, b, "bool")


def less_equal(a: Operand, b: Operand) -> Tensor:
    """Whether a <= b, as bool."""
    return binary("LessOrEqual", a, b, "bool")


def logical_and(a: Tensor, b: Tensor) -> Tensor:
    """Both, for bools."""
    return binary("And", a, b)


def logical_or(a: Tensor, b: Tensor) -> Tensor:
    """Either, for bools."""
    return binary("Or", a, b)


def logical_not(x: Tensor) -> Tensor:
    """Not, for bools."""
    return unary("Not", x)


def bitwise_xor(a: Operand, b: Operand) -> Tensor:
    """The bits in which two integers differ."""
    return binary("BitwiseXor", a, b)


def where(condition: Tensor, a: Operand, b: Operand) -> Tensor:
    """A where the condition holds, b elsewhere, all three broadcast.

    `Where` is slow on onnxruntime's CPU provider (20 times a multiplication): prefer masks.
    """
    x, y = promote(a, b)
    shape = broadcast_dims(condition.shape, x.shape, y.shape)
    return x.trace.emit("Where", (condition, x, y), shape, x.dtype)


def arctan2(y: Tensor, x: Tensor) -> Tensor:
    """The angle in radians, -pi to pi, of the point (x, y); 0 at the origin.

    It is measured from the nearer axis, so that neither values nor gradients divide by zero.
    """
    wide = cast(greater_equal(absolute(x), absolute(y)), x.dtype)
    origin = cast(equal(absolute(x) + absolute(y), 0.0), x.dtype)
    up = 2.0 * cast(greater_equal(y, 0.0), x.dtype) - 1.0
    left = cast(less(x, 0.0), x.dtype)
    flip = 1.0 - wide
    ratio = (y * wide - x * flip) / (x * wide + y * flip + origin)
    return arctan(ratio) + up * (left * wide * math.pi + flip * (math.pi / 2.0))
