"""As many samples of each class: rows to train on."""

from __future__ import annotations

import numpy as np

from specc.data.order import order
from specc.data.rows import Array, Index
from specc.data.split import by_class


def balanced(labels: Array, *, over: bool) -> Index:
    """Row numbers, ascending, in which every class is as frequent as the most frequent one.

    Rare classes are repeated in turn; or frequent ones are cut to the rarest (`over` false), by
    an order that is the same in every run.

    Args:
        labels: class ids, (n,).
        over: whether to repeat, else to cut.
    """
    groups = by_class(labels)
    sizes = [len(group) for group in groups]
    wanted = (max if over else min)(sizes)
    taken: list[Array] = []
    for number, group in enumerate(groups):
        shuffled = group[order(0, number, len(group))]
        taken.append(np.resize(shuffled, wanted))
    return np.sort(np.concatenate(taken)).astype(np.int64)


def class_weights(labels: Array) -> dict[int, float]:
    """n / (classes * count) for each class.

    Source: sklearn.utils.class_weight.compute_class_weight, "balanced".
    """
    values, counts = np.unique(labels, return_counts=True)
    weights = len(labels) / (len(values) * counts)
    return {int(value): float(weight) for value, weight in zip(values, weights, strict=True)}
