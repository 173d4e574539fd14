"""The order of an epoch's samples: a pure function of (seed, epoch)."""

from __future__ import annotations

import numpy as np

from specc.data.rows import Index


def order(seed: int, epoch: int, n: int, shuffle: bool = True) -> Index:
    """Sample indices of an epoch: 0..n-1, or the permutation that sorts n keyed random words.

    Word i is the i-th 64-bit output of Philox4x64-10 with key (seed, epoch) from counter 0 (which
    counts up before the first block, as in NumPy); equal words keep their order. The words, unlike
    NumPy's `permutation`, are the same in every version of NumPy and easy to have elsewhere.

    Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC11).
    """
    if not shuffle:
        return np.arange(n, dtype=np.int64)
    bits = np.random.Philox(key=np.array([seed, epoch], np.uint64))
    return np.argsort(bits.random_raw(n), kind="stable").astype(np.int64)
