"""Columns as a model wants them: arrays at once, rows that are read later when they are read."""

from __future__ import annotations

import numpy.typing as npt

from specc.data.rows import Column, Converted, Rows
from specc.data.targets import fit_inputs, fit_targets
from specc.tensors import DType, Shape


def input_column(
    x: npt.ArrayLike | Rows, shape: Shape, dtype: DType, name: str, ids: int | None = None
) -> Column:
    """As `fit_inputs`.

    Raises:
        DataError: it does not fit; of rows, the first row does not.
    """
    if isinstance(x, Rows):
        return Converted(x, lambda a, rows: fit_inputs(a, shape, dtype, name, rows, ids))
    return fit_inputs(x, shape, dtype, name, ids=ids)


def target_column(
    y: npt.ArrayLike | Rows, shape: Shape, dtype: DType, name: str, classes: int | None = None
) -> Column:
    """As `fit_targets`.

    Raises:
        DataError: it does not fit; of rows, the first row does not.
    """
    if isinstance(y, Rows):
        return Converted(y, lambda a, rows: fit_targets(a, shape, dtype, name, classes, rows))
    return fit_targets(y, shape, dtype, name, classes)
