"""Which keys the queries of a constant mask see, run by run.

A causal mask hides nearly half of all scores, a window of recent keys most of them. So queries are
cut into runs, and each run meets only the keys from the first to the last that one of it sees: less
arithmetic, less memory, and a run's scores stay in the second-level cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from specc.graph import Value
from specc.lengths import expanded

Mask = npt.NDArray[np.bool_]
# Runs of fewer queries cost more in operators than they save: of a small GPT's positions 64 were
# best in training, and 128 for predictions, where less is computed beside them.
TRAINED = 64
SERVED = 128
# More runs save little more.
_RUNS = 8
# The share of the scores that has to be left out for runs to pay.
_LEFT_OUT = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """Queries from `start` to `stop`, which see no keys but those from `first` to `last`.

    Attributes:
        mask: which of these keys each query sees (queries, keys); None: all of them.
    """

    start: int
    stop: int
    first: int
    last: int
    mask: Mask | None

    def queries(self, x: Value) -> Value:
        """The run's rows of (k, queries, n)."""
        return part(x, 1, self.start, self.stop)

    def keys(self, x: Value) -> Value:
        """What (k, keys, n) has for the keys that the run sees."""
        return part(x, 1, self.first, self.last)

    def scores(self, x: Value) -> Value:
        """The run's part of (k, queries, keys)."""
        return part(self.queries(x), 2, self.first, self.last)


def runs(mask: Mask, least: int) -> tuple[Run, ...]:
    """How to cut the queries of a mask (queries, keys) into runs of `least` and more.

    It is one run where cutting does not pay.
    """
    queries, keys = mask.shape
    count = min(_RUNS, queries // least)
    if count > 1 and mask.any(1).all():
        bounds = [round(i * queries / count) for i in range(count + 1)]
        found = tuple(_run(mask, a, b) for a, b in pairwise(bounds))
        met = sum((run.stop - run.start) * (run.last - run.first) for run in found)
        if met <= (1 - _LEFT_OUT) * queries * keys:
            return found
    return (Run(0, queries, 0, keys, None if mask.all() else mask),)


def _run(mask: Mask, start: int, stop: int) -> Run:
    rows = mask[start:stop]
    (seen,) = np.nonzero(rows.any(0))
    first, last = int(seen[0]), int(seen[-1]) + 1
    met = rows[:, first:last]
    return Run(start, stop, first, last, None if met.all() else met)


def part(x: Value, axis: int, start: int, stop: int) -> Value:
    """Places start to stop of an axis."""
    if (start, stop) == (0, x.shape[axis]):
        return x
    g = x.graph
    return g.op("Slice", x, g.ints(start), g.ints(stop), g.ints(axis), g.ints(1))


def over_keys(cut: Sequence[Run], parts: Sequence[Value], x: Value) -> Value:
    """Sums over runs of (k, keys that the run sees, n), in the shape (k, keys, n) of x."""
    g = x.graph
    (keys,) = (d for d in x.shape[1:2] if isinstance(d, int))
    bounds = sorted({0, keys, *(i for run in cut for i in (run.first, run.last))})
    pieces: list[Value] = []
    for a, b in pairwise(bounds):
        met = [
            part(value, 1, a - run.first, b - run.first)
            for run, value in zip(cut, parts, strict=True)
            if run.first <= a and b <= run.last
        ]
        if met:
            total, *others = met
            for other in others:
                total = total + other
        else:
            zero = g.const(np.zeros((1, 1, 1)), x.dtype)
            total = expanded(zero, (x.shape[0], b - a, x.shape[2]), x)
        pieces.append(total)
    return pieces[0] if len(pieces) == 1 else g.op("Concat", *pieces, axis=1)
