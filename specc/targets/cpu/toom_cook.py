"""Short convolutions with the fewest products (Toom and Cook; Winograd 1980), in one dimension.

m neighbouring outputs of an r-tap correlation read n = m + r - 1 inputs d and are
y = A [(G w) * (B d)] with n products, where the direct sum needs m r. Applied along both axes of an
image (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016) a 3x3 kernel
needs 16 products for 2x2 outputs, and not 36.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

# Where the polynomials are evaluated, besides infinity. The error in float32 grows with their
# spread; reciprocal pairs keep it small (Barabasz, Anderson, Soodhalter and Gregg, "Error analysis
# and improving the accuracy of Winograd convolution for deep neural networks", 2020).
POINTS = (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-2))


@dataclass(frozen=True, slots=True)
class Transforms:
    """The three matrices of one short correlation; n = outputs + taps - 1.

    Attributes:
        data: B [n, n], applied to the inputs.
        kernel: G [n, taps], applied to the kernel.
        output: A [outputs, n], applied to the products.
    """

    data: Matrix
    kernel: Matrix
    output: Matrix

    def squared(self) -> Transforms:
        """The same along two axes: matrices over row-major pairs."""
        data, kernel, output = (
            np.kron(each, each).astype(np.float64) for each in (self.data, self.kernel, self.output)
        )
        return Transforms(data, kernel, output)


@functools.cache
def transforms(outputs: int, taps: int) -> Transforms:
    """The matrices for `outputs` results of a correlation with `taps` taps.

    Toom and Cook's multiplication, transposed: the products are values of polynomials at n - 1
    points and infinity, and B interpolates. Exact in fractions until the last step.
    """
    size = outputs + taps - 1
    points = POINTS[: size - 1]
    # Each point's basis polynomial before it is divided by `scale`, its value at the point.
    bases = [_monic([q for q in points if q != p]) for p in points]
    scales = [_value(basis, p) for basis, p in zip(bases, points, strict=True)]
    data = [[*basis, Fraction(0)] for basis in bases] + [_monic(points)]
    kernel = [[p**k / s for k in range(taps)] for p, s in zip(points, scales, strict=True)]
    kernel.append([Fraction(k == taps - 1) for k in range(taps)])
    output = [[*(p**i for p in points), Fraction(i == outputs - 1)] for i in range(outputs)]
    return Transforms(*(np.array(each, np.float64) for each in (data, kernel, output)))


def largest_tile(taps: int) -> int:
    """How many outputs a tile may have at most, by the points there are."""
    return len(POINTS) + 2 - taps


def _monic(roots: tuple[Fraction, ...] | list[Fraction]) -> list[Fraction]:
    """Coefficients of the polynomial (x - root) ..., constant term first."""
    out = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *out]
        out = [s - root * c for s, c in zip(shifted, [*out, Fraction(0)], strict=True)]
    return out


def _value(coefficients: list[Fraction], x: Fraction) -> Fraction:
    """The polynomial's value at x."""
    return sum((c * x**k for k, c in enumerate(coefficients)), Fraction(0))
