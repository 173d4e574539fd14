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
    """The class of each sample, (n,): its id, of the column's element type, or where its row is 1.

    None when the column holds something else than whole numbers, (n,) or (n, 1), or one-hot rows,
    (n, classes), of which each has one 1 and zeros: rows of several labels, or of shares, name no
    class.
    """
    kind, row = column.dtype.kind, column.shape[1:]
    are_ids = kind in "iu" and row in {(), (1,)}
    if not are_ids and (kind not in "biuf" or len(row) != 1 or row[0] == 1):
        return None
    if are_ids and isinstance(column, np.ndarray):
        return column.reshape(-1)
    found = np.empty(len(column), column.dtype if are_ids else np.int64)
    at = 0
    for part in read_parts(column):
        ids = part.reshape(-1) if are_ids else _places(part)
        if ids is None:
            return None
        found[at : at + len(part)] = ids
        at += len(part)
    return found


def _places(rows: Array) -> Array | None:
    """Where each row has its 1; None when a row is not one-hot."""
    found = rows.argmax(axis=1)
    ones = np.take_along_axis(rows, found[:, np.newaxis], axis=1) == 1
    return found if ones.all() and (np.count_nonzero(rows, axis=1) == 1).all() else None
