"""The order of an epoch's samples: a pure function of (seed, epoch)."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from specc.data.rows import Index

# More samples are not sorted but looked up, so that their order takes no memory and no time before
# the first batch: sorting a million words takes 0.1 s and 24 MB.
SORTED = 2**20
# Rounds of the network. Luby and Rackoff (1988) prove four of random functions to be enough; ours
# are only hashes.
ROUNDS = 8
# Places that are looked up at once: fewer cost as much as some hundred do.
AT_ONCE = 2**12

Words: TypeAlias = npt.NDArray[np.uint64]


def order(seed: int, epoch: int, n: int, shuffle: bool = True) -> Index:
    """Sample indices of an epoch: 0..n-1, or the permutation that sorts n keyed random words.

    Word i is the i-th 64-bit output of Philox4x64-10 with key (seed, epoch) from counter 0 (which
    counts up before the first block, as in NumPy); equal words keep their order. The words, unlike
    NumPy's `permutation`, are the same in every version of NumPy and easy to have elsewhere.
    Above `SORTED` samples the permutation is that of `Order`.

    Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC11).
    """
    if not shuffle:
        return np.arange(n, dtype=np.int64)
    if n > SORTED:
        return Order(seed, epoch, n)[0:n]
    bits = np.random.Philox(key=np.array([seed, epoch], np.uint64))
    return np.argsort(bits.random_raw(n), kind="stable").astype(np.int64)


class Order:
    """As `order`, a few places at a time.

    Above `SORTED` samples it is a Feistel network on [0, a) x [0, b) with a = ceil(sqrt n) and
    b = ceil(n / a): x = l b + r; even rounds add a keyed hash of r to l, modulo a, odd rounds one
    of l to r, modulo b. Results from n on go through it again until they are below. The keys are
    the first words of Philox as above; the hash is the finalizer of splitmix64.

    Source: Black, Rogaway: Ciphers with Arbitrary Finite Domains (CT-RSA 2002); Steele, Lea, Flood:
    Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
    """

    def __init__(self, seed: int, epoch: int, n: int, shuffle: bool = True) -> None:
        self._n = n
        self._shuffle = shuffle
        self._known = order(seed, epoch, n) if shuffle and n <= SORTED else None
        if shuffle and self._known is None:
            self._left = np.uint64(math.isqrt(n - 1) + 1)
            self._right = np.uint64(-(-n // int(self._left)))
            bits = np.random.Philox(key=np.array([seed, epoch], np.uint64))
            self._keys = bits.random_raw(ROUNDS)

    def __getitem__(self, places: slice) -> Index:
        """The samples at these places, in their order."""
        start, stop, _ = places.indices(self._n)
        stop = max(start, stop)
        if not self._shuffle:
            return np.arange(start, stop, dtype=np.int64)
        if self._known is not None:
            return self._known[start:stop]
        found = np.empty(stop - start, np.int64)
        for at in range(start, stop, AT_ONCE):
            part = self._permuted(np.arange(at, min(at + AT_ONCE, stop), dtype=np.uint64))
            while (beyond := part >= self._n).any():
                part[beyond] = self._permuted(part[beyond])
            found[at - start : at - start + len(part)] = part.astype(np.int64)
        return found

    def _permuted(self, x: Words) -> Words:
        left, right = x // self._right, x % self._right
        for number, key in enumerate(self._keys):
            if number % 2:
                right = (right + _hash(left ^ key) % self._right) % self._right
            else:
                left = (left + _hash(right ^ key) % self._left) % self._left
        return left * self._right + right


def _hash(z: Words) -> Words:
    """A bijection of 64-bit words in which every bit depends on every other."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
