"""Where boxes of ordered rows stand from left to right.

What follows each other without branching is one strand, which stands straight: the whole of it has
one place. Strands move to the middle of what they join, as far as their neighbours let them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from specc.drawing.layers import Rows

ROUNDS = 40


@dataclass(slots=True, eq=False)
class Strand:
    """Names below each other in one place.

    Attributes:
        boxes: whether there is a box among them; else it is a part of a long line.
        near: strands at its ends.
        left, right: strands beside it, with the distance that they keep.
    """

    names: list[str]
    boxes: bool
    x: float = 0.0
    near: list[Strand] = field(default_factory=list["Strand"])
    left: dict[Strand, float] = field(default_factory=dict["Strand", float])
    right: dict[Strand, float] = field(default_factory=dict["Strand", float])

    def wish(self) -> float:
        """The middle of the boxes that it joins, of lines where there is no box."""
        boxes = [s.x for s in self.near if s.boxes] or [s.x for s in self.near]
        return sum(boxes) / len(boxes) if boxes else self.x

    def settle(self) -> None:
        """Go there, as far as the neighbours let it."""
        low = max((s.x + d for s, d in self.left.items()), default=float("-inf"))
        high = min((s.x - d for s, d in self.right.items()), default=float("inf"))
        self.x = max(low, min(high, self.wish()))


def columns(found: Rows, widths: Mapping[str, float], gap: float) -> dict[str, float]:
    """The centre of every name; neighbours of a row are at least `gap` apart, the left end is 0."""
    strands = _strands(found, widths)
    _beside(found, strands, widths, gap)
    each = list(dict.fromkeys(strands[name] for row in found.rows for name in row))
    order = _from_the_left(each)
    if order is None:  # strands cross each other: every name stands alone
        each = [Strand([name], widths[name] > 0) for row in found.rows for name in row]
        strands = {s.names[0]: s for s in each}
        _joined(found, strands)
        _beside(found, strands, widths, gap)
        order = _from_the_left(each) or each
    for strand in order:
        strand.x = max((s.x + d for s, d in strand.left.items()), default=0.0)
    for _ in range(ROUNDS):
        for strand in reversed(order):
            strand.settle()
        for strand in order:
            strand.settle()
    x = {name: strand.x for name, strand in strands.items()}
    left = min((x[name] - widths[name] / 2 for name in x), default=0.0)
    return {name: at - left for name, at in x.items()}


def _strands(found: Rows, widths: Mapping[str, float]) -> dict[str, Strand]:
    """The strand of every name."""
    steps = found.steps
    below = {a: [b for first, b in steps if first == a] for a in {a for a, _ in steps}}
    above = {b: [a for a, last in steps if last == b] for b in {b for _, b in steps}}
    strands: dict[str, Strand] = {}
    for row in found.rows:
        for name in row:
            (source,) = above[name] if len(above.get(name, [])) == 1 else [None]
            if source is not None and len(below[source]) == 1 and _alike(source, name, widths):
                strands[source].names.append(name)
                strands[name] = strands[source]
            else:
                strands[name] = Strand([name], widths[name] > 0)
    _joined(found, strands)
    return strands


def _alike(a: str, b: str, widths: Mapping[str, float]) -> bool:
    return (widths[a] > 0) == (widths[b] > 0)


def _joined(found: Rows, strands: Mapping[str, Strand]) -> None:
    for a, b in found.steps:
        if strands[a] is not strands[b]:
            strands[a].near.append(strands[b])
            strands[b].near.append(strands[a])


def _beside(
    found: Rows, strands: Mapping[str, Strand], widths: Mapping[str, float], gap: float
) -> None:
    for row in found.rows:
        for a, b in pairwise(row):
            apart = (widths[a] + widths[b]) / 2 + gap
            one, other = strands[a], strands[b]
            other.left[one] = max(apart, other.left.get(one, 0.0))
            one.right[other] = other.left[one]


def _from_the_left(strands: Sequence[Strand]) -> list[Strand] | None:
    """An order in which left neighbours come first; None when there is none."""
    missing = {strand: len(strand.left) for strand in strands}
    ready = [strand for strand in strands if not missing[strand]]
    order: list[Strand] = []
    while ready:
        strand = ready.pop()
        order.append(strand)
        for other in strand.right:
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    return order if len(order) == len(strands) else None
