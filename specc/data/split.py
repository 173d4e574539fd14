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


def by_class(labels: Array) -> list[Index]:
    """The rows of each class, ascending; classes as they sort."""
    ranked = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[ranked])) + 1
    return np.split(ranked, ends) if len(labels) else []


def stratified(labels: Array, share: float, seed: int) -> tuple[Index, Index]:
    """As `set_aside`, within each class: every class keeps its share, up to one sample."""
    kept: list[Array] = []
    aside: list[Array] = []
    for rows in by_class(labels):
        keep, leave = set_aside(len(rows), share, seed)
        kept.append(rows[keep])
        aside.append(rows[leave])
    return np.sort(np.concatenate(kept)), np.sort(np.concatenate(aside))
