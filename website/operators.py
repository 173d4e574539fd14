"""The page of ONNX operators with a gradient rule.

Which inputs get gradients is found by calling every rule on the nodes of its test cases.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import onnx

from specc import vjps
from specc.autodiff import Rule, flat_ops, rules
from specc.graph import Graph, Node
from specc.tensors import BATCH
from tests.gradcheck import Build
from tests.vjps import algebra, elementwise, moves, windows
from tests.vjps.cases import CASES
from tests.vjps.test_ties import KINKS

__all__ = ["algebra", "elementwise", "moves", "vjps", "windows"]

OPSET = 18
INTRODUCTION = """\
# Operators with a gradient

Reverse-mode differentiation works on ONNX nodes, with one rule per operator
([architecture](../architecture.md#gradients)). An operator that stands in neither list below is
an error that names it as soon as a gradient has to pass through it;
[adding a kind](../adding.md#a-gradient-rule) shows how to write a rule.

Every rule is compared with central differences in float64 on ONNX's reference evaluator, and
onnxruntime's float32 with that. dY is the gradient of the output Y; one that is larger than its
input, because of broadcasting, is summed by the engine. Inputs are named as in ONNX's own pages.
"""
WITHOUT = """\
## Without a gradient

The derivative of these is zero almost everywhere, or their result is no floating-point number.
What flows back ends here, without an error.
"""


def page() -> str:
    """The whole page."""
    given = {op: set() for op in rules()}
    cases = [(case.build, case.inputs, case.batch) for case in CASES]
    kinks = [(build, [np.array(x, float)], ()) for _, build, x, _ in KINKS]
    for build, inputs, batch in [*cases, *kinks]:
        for op, names in flowing(build, inputs, batch):
            given[op] |= names
    found = rules()
    lines = [
        "| Operator | Gradients of | None for | Rule | In |",
        "|---|---|---|---|---|",
        *(_row(op, rule, given[op]) for op, rule in found.items()),
    ]
    summary = f"{len(found)} operators have a rule, {len(flat_ops())} need none.\n"
    flat = ", ".join(f"`{op}`" for op in flat_ops())
    return "\n".join([INTRODUCTION, summary, *lines, "", WITHOUT, _filled(flat), ""])


def flowing(
    build: Build, inputs: Sequence[np.ndarray], batch: Collection[int]
) -> list[tuple[str, set[str]]]:
    """For each node of a graph, its op and the names of inputs to which its rule answers."""
    g = Graph()
    values = [
        g.input(f"x{i}", "float64" if x.dtype.kind == "f" else str(x.dtype),
                (BATCH, *x.shape[1:]) if i in batch else x.shape)  # type: ignore[arg-type]
        for i, x in enumerate(map(np.asarray, inputs))
    ]  # fmt: skip
    build(g, *values)
    found: list[tuple[str, set[str]]] = []
    for node in list(g.nodes):
        rule = rules().get(node.op)
        if rule is not None:
            dys = [g.input(f"d_{y.name}", y.dtype, y.shape) for y in node.outputs]
            found.append((node.op, _answered(node, rule(g, node, *dys))))
    return found


def _answered(node: Node, grads: Sequence[object]) -> set[str]:
    names = _inputs(node.op)
    return {names[min(i, len(names) - 1)] for i, dx in enumerate(grads) if dx is not None}


def _inputs(op: str) -> list[str]:
    """Names of an operator's inputs in ONNX; those of a variadic one stand for all."""
    return [each.name for each in onnx.defs.get_schema(op, OPSET, "").inputs]


def _row(op: str, rule: Rule, given: set[str]) -> str:
    names = _inputs(op)
    file = Path(inspect.getfile(rule))
    text = " ".join(inspect.getdoc(rule).split()).replace("|", "\\|").replace("*", "\\*")
    cells = [
        f"`{op}`",
        ", ".join(f"`{name}`" for name in names if name in given),
        ", ".join(f"`{name}`" for name in names if name not in given),
        text,
        f"`{file.parent.name}/{file.name}`",
    ]
    return f"| {' | '.join(cells)} |"


def _filled(text: str, width: int = 100) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False)
