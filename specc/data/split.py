"""Setting samples aside: which rows become the test split. Pure functions of their arguments."""

from __future__ import annotations

import numpy as np

from specc.data.order import order
from specc.data.rows import Array, Index


def set_aside(n: int, share: float, seed: int) -> tuple[Index, Index]:
    """(kept, set aside) row numbers, both ascending: round(share n) random rows are set aside."""
    count = round(share * n)
    shuffled = order(seed, 0, n)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])


def by_class(labels: Array) -> tuple[Index, Index, Index]:
    """(rows sorted by class, each class's ascending; where each class begins; its size)."""
    ranked = np.argsort(labels, kind="stable").astype(np.int64)
    changes = np.flatnonzero(np.diff(labels[ranked])) + 1
    starts = np.concatenate([[0], changes]).astype(np.int64) if len(labels) else changes
    return ranked, starts, np.diff(starts, append=len(labels))


def stratified(labels: Array, share: float, seed: int) -> tuple[Index, Index]:
    """As `set_aside`, within each class: every class keeps its share, up to one sample.

    Classes of one size are divided alike, so that a million classes take no loop over them: n
    samples have classes of less than sqrt(2 n) sizes.
    """
    ranked, starts, sizes = by_class(labels)
    aside = np.zeros(len(labels), np.bool_)
    for size in np.unique(sizes).tolist():
        _, leave = set_aside(size, share, seed)
        places = starts[sizes == size, np.newaxis] + leave
        aside[ranked[places.ravel()]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)
