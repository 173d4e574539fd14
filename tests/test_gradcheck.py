"""The check itself: it passes what is right and fails what is wrong by a thousandth."""

from __future__ import annotations

import numpy as np
import pytest

from specc import autodiff
from specc.graph import Graph, Value
from tests.gradcheck import gradcheck, spaced
from tests.vjps import algebra, elementwise, moves, windows
from tests.vjps.cases import CASES, Case, node

__all__ = ["algebra", "elementwise", "moves", "windows"]

# The first case of every op. Differences cannot see through float32: Cast is in vjps/test_ties.py.
FIRST = list({case.op: case for case in reversed(CASES) if case.op != "Cast"}.values())


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_a_rule_wrong_by_a_thousandth_fails(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    right = autodiff.rules()[case.op]

    def wrong(g: Graph, node: object, *dys: Value | None) -> list[Value | None]:
        return [None if dx is None else dx * 1.001 for dx in right(g, node, *dys)]

    monkeypatch.setitem(autodiff._RULES, case.op, wrong)
    with pytest.raises(AssertionError, match="by differences"):
        gradcheck(case.build, *case.inputs, batch=case.batch)


def test_one_wrong_input_of_several_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(g: Graph, node: object, dy: Value) -> list[Value]:
        a, b = node.inputs  # type: ignore[attr-defined]
        return [dy * b, dy * a * 0.999]

    monkeypatch.setitem(autodiff._RULES, "Mul", wrong)
    with pytest.raises(AssertionError, match="input 1"):
        gradcheck(node("Mul"), spaced(3, 4), spaced(4))


def test_a_missing_gradient_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(autodiff._RULES, "Exp", lambda _g, _node, _dy: [None])
    with pytest.raises(AssertionError, match=r"by the graph 0\.0"):
        gradcheck(node("Exp"), spaced(3))


def test_values_come_back() -> None:
    x = spaced(2, 3)
    found = gradcheck(node("Exp"), x, batch=[0])
    np.testing.assert_allclose(found["y0"], np.exp(x))
