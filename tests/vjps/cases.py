"""At least one case for every ONNX op that has a gradient rule: how it is made, and where."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specc.graph import Graph, Value
from tests.gradcheck import Build


@dataclass(frozen=True)
class Case:
    """A rule at work.

    Attributes:
        op: the op under test.
        build: the graph of one such node (perhaps with others).
        inputs: where it is differentiated, away from kinks unless the case is about ties.
        batch: inputs whose first axis is the open batch.
    """

    op: str
    name: str
    build: Build
    inputs: tuple[np.ndarray, ...]
    batch: Collection[int] = ()

    def __str__(self) -> str:
        return f"{self.op}-{self.name}"


CASES: list[Case] = []


def case(
    op: str, name: str, build: Build, *inputs: np.ndarray, batch: Collection[int] = ()
) -> None:
    """Add a case."""
    CASES.append(Case(op, name, build, tuple(np.asarray(x) for x in inputs), batch))


def node(op: str, *constants: Any, **attrs: Any) -> Callable[..., Value]:
    """A node of the given values, followed by constants: floats in the first value's type."""

    def build(g: Graph, *values: Value) -> Value:
        floats = [values[0].dtype if isinstance(c, float) else None for c in constants]
        fixed = [g.const(c, dtype) for c, dtype in zip(constants, floats, strict=True)]
        return g.op(op, *values, *fixed, **attrs)

    return build


def ints(*values: int) -> np.ndarray:
    """An int64 vector."""
    return np.array(values, np.int64)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers in [0.5, 2], apart from each other."""
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(np.linspace(0.5, 2.0, count)).reshape(shape)


def window(
    kernel: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    **attrs: Any,
) -> dict[str, Any]:
    """Attributes of a window op, written in full as the targets write them."""
    n = len(kernel)
    full: dict[str, Any] = {
        "kernel_shape": tuple(kernel),
        "strides": tuple(strides or (1,) * n),
        "pads": tuple(pads or (0,) * 2 * n),
        "dilations": tuple(dilations or (1,) * n),
    }
    return {**full, **attrs}
