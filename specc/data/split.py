"""Setting samples aside: which rows become the test split. Pure functions of their arguments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from specc.data.order import order
from specc.data.rows import Array, Index


def set_aside(n: int, share: float, seed: int) -> tuple[Index, Index]:
    """(kept, set aside) row numbers, both ascending: round(share n) random rows are set aside."""
    count = round(share * n)
    shuffled = order(seed, 0, n)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])


def stratified(labels: npt.NDArray[np.int64], share: float, seed: int) -> tuple[Index, Index]:
    """As `set_aside`, within each class: every class keeps its share, up to one sample."""
    kept: list[Array] = []
    aside: list[Array] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        keep, leave = set_aside(len(rows), share, seed)
        kept.append(rows[keep])
        aside.append(rows[leave])
    return np.sort(np.concatenate(kept)), np.sort(np.concatenate(aside))
