"""Rows of a layered drawing: which row a box is on, and in which order.

Every edge leads downwards; one that passes rows gets a point on each, so that lines keep clear of
boxes. The order comes from medians of neighbours, swept down and up.

Source: Sugiyama, Tagawa, Toda (1981), Methods for Visual Understanding of Hierarchical System
Structures; the sweeps after Gansner et al. (1993), A Technique for Drawing Directed Graphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Edge: TypeAlias = tuple[str, str]
SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Rows:
    """Names row by row, from left to right.

    Attributes:
        rows: boxes, and the points at which long edges pass.
        chains: for each edge the names along it, its ends included.
    """

    rows: list[list[str]]
    chains: dict[Edge, list[str]]

    @property
    def steps(self) -> list[Edge]:
        """Edges between neighbouring rows."""
        return [pair for chain in self.chains.values() for pair in pairwise(chain)]


def layered(names: Sequence[str], edges: Sequence[Edge]) -> Rows:
    """Rows for boxes in an order in which sources come first."""
    level = _levels(names, edges)
    rows: list[list[str]] = [[] for _ in range(1 + max(level.values(), default=0))]
    for name in names:
        rows[level[name]].append(name)
    chains: dict[Edge, list[str]] = {}
    for a, b in edges:
        between = [f"{a} → {b} @ {k}" for k in range(level[a] + 1, level[b])]
        for k, point in enumerate(between, level[a] + 1):
            rows[k].append(point)
        chains[a, b] = [a, *between, b]
    return _ordered(Rows(rows, chains))


def _levels(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way from a source; sources stand right above what they feed."""
    above: dict[str, list[str]] = {name: [] for name in names}
    below: dict[str, list[str]] = {name: [] for name in names}
    for a, b in edges:
        above[b].append(a)
        below[a].append(b)
    level: dict[str, int] = {}
    for name in names:
        level[name] = max((level[a] + 1 for a in above[name]), default=0)
    for name in names:
        if not above[name] and below[name]:
            level[name] = min(level[b] for b in below[name]) - 1
    return level


def _ordered(found: Rows) -> Rows:
    """The order with the fewest crossings of some sweeps."""
    up: dict[str, list[str]] = {name: [] for row in found.rows for name in row}
    down: dict[str, list[str]] = {name: [] for row in found.rows for name in row}
    for a, b in found.steps:
        up[b].append(a)
        down[a].append(b)
    rows = [list(row) for row in found.rows]
    best, fewest = [list(row) for row in rows], _crossings(rows, down)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        downwards = sweep % 2 == 0
        indices = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
        for k in indices:
            neighbours = up if downwards else down
            fixed = rows[k - 1] if downwards else rows[k + 1]
            rows[k] = _by_median(rows[k], fixed, neighbours)
        crossings = _crossings(rows, down)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return Rows(best, found.chains)


def _by_median(
    row: Sequence[str], fixed: Sequence[str], neighbours: Mapping[str, Sequence[str]]
) -> list[str]:
    place = {name: i for i, name in enumerate(fixed)}

    def median(i: int) -> float:
        spots = sorted(place[n] for n in neighbours[row[i]])
        if not spots:
            return float(i)
        half = len(spots) // 2
        return spots[half] if len(spots) % 2 else (spots[half - 1] + spots[half]) / 2

    return [row[i] for i in sorted(range(len(row)), key=median)]


def _crossings(rows: Sequence[Sequence[str]], down: Mapping[str, Sequence[str]]) -> int:
    count = 0
    for row, after in pairwise(rows):
        place = {name: i for i, name in enumerate(after)}
        ends = [place[b] for a in row for b in sorted(down[a], key=place.__getitem__)]
        count += sum(ends[i] > end for j, end in enumerate(ends) for i in range(j))
    return count
