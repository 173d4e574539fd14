"""A constant matrix along one axis: means of windows and interpolation are such maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from specc import primitives as ops
from specc.primitives import Tensor


def along(x: Tensor, matrix: npt.NDArray[np.float64], axis: int) -> Tensor:
    """y[..., i, ...] = sum over j of matrix[i, j] x[..., j, ...], i and j on `axis`.

    Shapes: x (..., n, ...), matrix (m, n), result (..., m, ...).
    """
    rows, columns = matrix.shape
    if rows == columns and np.array_equal(matrix, np.eye(rows)):
        return x
    kernel = x.trace.constant(np.ascontiguousarray(matrix.T), x.dtype)
    return ops.move_axis(ops.dense(ops.move_axis(x, axis, -1), kernel), -1, axis)
