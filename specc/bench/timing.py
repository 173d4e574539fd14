"""Times of things that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# A session's threads wait awake for their next work before they sleep (onnxruntime 1.32), and take
# the processors from the session whose turn it is: what that does at first is not counted.
SETTLING_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of single calls of one candidate, a list for every round."""

    rounds: Sequence[Sequence[float]]

    @property
    def medians(self) -> list[float]:
        """Of every round."""
        return [statistics.median(calls) for calls in self.rounds]

    @property
    def median(self) -> float:
        """Of the rounds' medians."""
        return statistics.median(self.medians)

    @property
    def least(self) -> float:
        """Of all calls."""
        return min(map(min, self.rounds))

    def to_dict(self) -> dict[str, float]:
        """Milliseconds: the median, the least call, and between what the rounds' medians lie."""
        found = {"median": self.median, "least": self.least}
        found |= {"low": min(self.medians), "high": max(self.medians)}
        return {name: 1e3 * value for name, value in found.items()}


def alternate(
    candidates: Sequence[Callable[[], object]], rounds: int, seconds: float
) -> list[Times]:
    """The times of each candidate.

    They take turns, so that a machine that is busy or throttled slows all of them. In a turn a
    candidate is called for `seconds`, once at least.
    """
    for each in candidates:
        each()  # the first call allocates
    found: list[list[list[float]]] = [[] for _ in candidates]
    for _ in range(rounds):
        for each, turns in zip(candidates, found, strict=True):
            _calls(each, SETTLING_SECONDS)
            turns.append(_calls(each, seconds))
    return [Times(turns) for turns in found]


def _calls(candidate: Callable[[], object], seconds: float) -> list[float]:
    """Seconds of each call until `seconds` are over."""
    times: list[float] = []
    start = now = time.perf_counter()
    while not times or now - start < seconds:
        candidate()
        before, now = now, time.perf_counter()
        times.append(now - before)
    return times
