"""As many samples of each class: rows to train on."""

from __future__ import annotations

import numpy as np

from specc.data.order import order
from specc.data.rows import Array, Index
from specc.data.split import by_class
from specc.errors import DataError

# Rows are numbered by 8 bytes each: 2 GiB.
MAX_ROWS = 2**28


def balanced(labels: Array, *, over: bool) -> Index:
    """Row numbers, ascending, in which every class is as frequent as the most frequent one.

    Rare classes are repeated in turn; or frequent ones are cut to the rarest (`over` false), by
    an order that is the same in every run.

    Args:
        labels: class ids, (n,).
        over: whether to repeat, else to cut.

    Raises:
        DataError: there would be too many rows.
    """
    ranked, starts, sizes = by_class(labels)
    wanted = int(sizes.max() if over else sizes.min())
    if len(sizes) * wanted > MAX_ROWS:
        raise DataError(
            f"data.balance: expected at most {MAX_ROWS:,} rows, {len(sizes):,} classes of"
            f" {wanted:,} are more; use undersample, or class_weight: balanced"
        )
    taken = np.empty((len(sizes), wanted), np.int64)
    for number, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        group = ranked[start : start + size]
        # Each row as often as the others, in whatever order: most classes where there are many.
        shuffled = group if wanted % size == 0 else group[order(0, number, size)]
        taken[number] = np.resize(shuffled, wanted)
    return np.sort(taken.ravel())


def class_weights(labels: Array) -> dict[int, float]:
    """n / (classes * count) for each class.

    Source: sklearn.utils.class_weight.compute_class_weight, "balanced".
    """
    values, counts = np.unique(labels, return_counts=True)
    weights = len(labels) / (len(values) * counts)
    return {int(value): float(weight) for value, weight in zip(values, weights, strict=True)}
