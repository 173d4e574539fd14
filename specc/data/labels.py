"""Classes of samples, read a part at a time where they lie in a file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specc.data.rows import Array, Column

# Rows that are read together.
AT_ONCE = 2**16


def read_parts(column: Column) -> Iterator[Array]:
    """The rows of a column from first to last, some in memory at a time."""
    for first in range(0, len(column), AT_ONCE):
        yield column[first : first + AT_ONCE]


def class_ids(column: Column) -> Array | None:
    """The class of each sample, (n,), of the column's element type.

    None when the column holds something else than whole numbers, (n,) or (n, 1).
    """
    if column.dtype.kind not in "iu" or column.shape[1:] not in {(), (1,)}:
        return None
    if isinstance(column, np.ndarray):
        return column.reshape(-1)
    found = np.empty(len(column), column.dtype)
    at = 0
    for part in read_parts(column):
        found[at : at + len(part)] = part.reshape(-1)
        at += len(part)
    return found
