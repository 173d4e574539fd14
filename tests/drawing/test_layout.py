"""Where boxes and lines of a drawing stand. Oracles: geometry, and numbers worked out by hand."""

from __future__ import annotations

import itertools
import random

import pytest

from specc.drawing.layers import layered
from specc.drawing.placement import columns

DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
# A chain with a line past three boxes.
SHORTCUT = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("a", "e")]
# Two chains that an unlucky order would cross.
CROSSED = [("a", "d"), ("b", "c"), ("c", "e"), ("d", "f")]


def graph(seed, count=24):
    """Edges from earlier to later of some nodes, each with one or two above it."""
    draw = random.Random(seed)
    names = [f"n{i}" for i in range(count)]
    edges = {(draw.choice(names[:i]), names[i]) for i in range(1, count)}
    edges |= {tuple(sorted(draw.sample(names, 2), key=names.index)) for _ in range(count // 2)}
    return names, sorted(edges, key=lambda edge: [names.index(n) for n in edge])


def placed(names, edges, width=100.0, gap=20.0):
    rows = layered(names, edges)
    widths = {n: width if n in names else 0.0 for row in rows.rows for n in row}
    return rows, columns(rows, widths, gap), widths


def test_levels_are_longest_ways_and_inputs_stand_above_what_they_feed():
    names = ["x", "y", "a", "b", "c"]
    rows = layered(names, [("x", "a"), ("a", "b"), ("b", "c"), ("y", "c")])
    assert [sorted(row) for row in rows.rows] == [["x"], ["a"], ["b", "y"], ["c"]]


def test_long_lines_have_a_point_on_every_row_between():
    rows = layered(list("abcde"), SHORTCUT)
    assert [len(row) for row in rows.rows] == [1, 2, 2, 2, 1]
    chain = rows.chains["a", "e"]
    assert (chain[0], chain[-1], len(chain)) == ("a", "e", 5)


def test_crossings_are_removed():
    rows = layered(list("abcdef"), CROSSED).rows
    top, middle, bottom = rows
    assert [top.index(n) for n in "ab"] == [middle.index(n) for n in "dc"]
    assert [middle.index(n) for n in "dc"] == [bottom.index(n) for n in "fe"]


def test_a_diamond_is_symmetric():
    _, x, _ = placed(list("abcd"), DIAMOND)
    assert x["a"] == x["d"] == 110
    assert sorted([x["b"], x["c"]]) == [50, 170]


def test_a_shortcut_leaves_the_chain_straight():
    rows, x, _ = placed(list("abcde"), SHORTCUT)
    assert {x[n] for n in "abcde"} == {50}
    assert {x[n] for n in rows.chains["a", "e"][1:-1]} == {120}


@pytest.mark.parametrize("seed", range(8))
def test_nothing_overlaps(seed):
    names, edges = graph(seed)
    rows, x, widths = placed(names, edges)
    assert min(x[n] - widths[n] / 2 for n in x) == 0
    for row in rows.rows:
        for a, b in itertools.pairwise(row):
            assert x[b] - x[a] >= (widths[a] + widths[b]) / 2 + 20 - 1e-9
    level = {n: k for k, row in enumerate(rows.rows) for n in row}
    assert all(level[a] < level[b] for a, b in edges)
    assert sorted(n for row in rows.rows for n in row if n in names) == sorted(names)


def test_strands_that_cross_are_placed_all_the_same():
    """a-c lies left of b-d above, right of it below: no two straight strands can be."""
    names = ["a", "b", "c", "d"]
    rows = layered(names, [("a", "c"), ("b", "d")])
    rows.rows[1].reverse()
    x = columns(rows, dict.fromkeys(names, 100.0), 20.0)
    assert x["b"] - x["a"] >= 120
    assert x["c"] - x["d"] >= 120


def test_an_empty_graph():
    assert columns(layered([], []), {}, 20.0) == {}
