"""`Realised`: a primitive graph as one target makes it, with weights and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime

from specc import primitives as ops
from specc.autodiff import gradients
from specc.compiler.builder import Builder
from specc.graph import Graph, Value
from specc.primitives import Tensor, Trace
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.targets.layout import plain
from specc.targets.storage import Storage
from specc.targets.target import target
from specc.tensors import BATCH, Dim, Sym
from tests import numpy_windows
from tests.gradcheck import STEP, TOLERANCE, Array, evaluator, vjps
from tests.numpy_primitives import evaluate

__all__ = ["Make", "Net", "Realised", "numpy_windows", "vjps"]


@dataclass
class Net:
    """A function under construction: its inputs and weights with their arrays.

    Attributes:
        batch: of the inputs; the graph leaves it open unless `fixed`.
    """

    batch: int
    floatx: Any = "float64"
    fixed: bool = False
    feeds: dict[Tensor, Array] = field(default_factory=dict)
    weights: dict[Tensor, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trace = Trace(self.floatx)

    @property
    def lead(self) -> Dim:
        """The first axis of inputs."""
        return self.batch if self.fixed else BATCH

    def _numbers(self, shape: Sequence[int], seed: int) -> Array:
        """Numbers apart from each other, so that a step crosses no kink."""
        count = math.prod(shape)
        rng = np.random.default_rng(seed)
        values = (rng.permutation(count) - count / 2 + 0.3 + 0.4 * rng.random(count)) / count
        return (2 * values).reshape(shape).astype(self.floatx)

    def input(self, *shape: int) -> Tensor:
        """A floating input without its batch axis."""
        name = f"in{len(self.feeds)}"
        x = ops.graph_input(self.trace, name, (self.lead, *shape), self.floatx)
        self.feeds[x] = self._numbers((self.batch, *shape), 100 + len(self.feeds))
        return x

    def ids(self, below: int, *shape: int) -> Tensor:
        """An input of integers 0 .. below - 1."""
        x = ops.graph_input(self.trace, f"in{len(self.feeds)}", (self.lead, *shape), "int64")
        rng = np.random.default_rng(200 + len(self.feeds))
        self.feeds[x] = rng.integers(0, below, (self.batch, *shape))
        return x

    def weight(self, *shape: int) -> Tensor:
        """A trainable weight."""
        name = f"w{len(self.weights)}"
        w = ops.state(self.trace, name, shape, self.floatx, trainable=True)
        self.weights[w] = self._numbers(shape, 300 + len(self.weights))
        return w


# From a net to one output or several.
Make = Callable[[Net], Any]


@dataclass
class _Loose:
    """Every weight as a graph input of its own, its elements as they are stored."""

    builder: Builder
    values: dict[str, Value] = field(default_factory=dict)

    def flat(self, graph: Graph, name: str, storage: Mapping[str, Storage]) -> Value:
        size = math.prod(storage[name].shape)
        del graph
        self.values[name] = self.builder.input(name, self.builder.floatx, (size,), "state")
        return self.values[name]


class Realised:
    """One function on one target.

    Attributes:
        model: with outputs y0, ..., and if `grads` d/<input or weight> for cotangents u0, ....
        expected: what NumPy makes of the outputs.
    """

    def __init__(
        self,
        make: Make,
        target_name: str,
        batch: int,
        *,
        floatx: str = "float64",
        grads: bool = False,
        fixed: bool = False,
        costs: KernelCosts | None = None,
        internal: InternalOps | None = None,
    ) -> None:
        self.net = Net(batch, floatx, fixed)
        made = make(self.net)
        self.tensors: list[Tensor] = [made] if isinstance(made, Tensor) else list(made)
        wanted = target(target_name, costs)
        wanted = wanted if internal is None else wanted.allowed(internal)
        self.storage: dict[str, Storage] = {}
        b = Builder(wanted, self.storage, wanted.opset, self.net.floatx)
        b.declare([*self.net.feeds, *self.tensors])
        source = _Loose(b)
        realiser = b.realiser(source)
        placed = realiser.realise(self.tensors, wanted.planner)
        ys = [plain(x, t.shape) for x, t in zip(placed, self.tensors, strict=True)]
        for k, y in enumerate(ys):
            b.output(f"y{k}", y, "output")
        self.cotangents: dict[str, Array] = {}
        self.names: list[str] = []
        if grads:
            self._differentiate(b, ys, source.values)
        self.model = b.program("test", {}).model
        self.ops = {node.op for node in b.graph.live([v for v, _ in b.outputs.values()])}

    def _differentiate(self, b: Builder, ys: Sequence[Value], weights: Mapping[str, Value]) -> None:
        seeds: list[tuple[Value, Value]] = []
        rng = np.random.default_rng(3)
        for k, y in enumerate(ys):
            if y.dtype != b.floatx:
                continue
            seeds.append((y, b.input(f"u{k}", y.dtype, y.shape, "input")))
            n = self.net.batch
            shape = [d.factor * n if isinstance(d, Sym) else d for d in y.shape]
            self.cotangents[f"u{k}"] = rng.normal(size=shape).astype(b.floatx)
        inputs = {
            name: value
            for name, (value, role) in b.inputs.items()
            if value.dtype == b.floatx and role == "input" and not name.startswith("u")
        }
        wanted = {**inputs, **weights}
        for name, dx in zip(wanted, gradients(b.graph, seeds, list(wanted.values())), strict=True):
            if dx is not None:
                b.output(f"d/{name}", dx, "output")
                self.names.append(name)

    def expected(self) -> list[Array]:
        """The outputs by NumPy."""
        return evaluate(self.tensors, {**self.net.feeds, **self.net.weights})

    def feeds(self) -> dict[str, Array]:
        """Inputs, stored weights and cotangents by name."""
        given = {t.attrs["name"]: a for t, a in self.net.feeds.items()}
        for t, a in self.net.weights.items():
            if t.attrs["name"] in self.storage:
                given[t.attrs["name"]] = self.storage[t.attrs["name"]].pack(a)
        return {**given, **self.cotangents}

    def onnxruntime(self) -> dict[str, Array]:
        """All outputs on onnxruntime's CPU provider."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            self.model, options, providers=["CPUExecutionProvider"]
        )
        feeds = self.feeds()
        given = {each.name: feeds[each.name] for each in session.get_inputs()}
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(None, given), strict=True))

    def reference(self) -> Callable[..., dict[str, Array]]:
        """All outputs on ONNX's reference evaluator, with some inputs replaced."""
        model = evaluator(self.model)
        feeds = self.feeds()

        def run(changed: Mapping[str, Array] | None = None) -> dict[str, Array]:
            given = {**feeds, **(changed or {})}
            values = model.run(None, {name: given[name] for name in model.input_names})
            return dict(zip(model.output_names, values, strict=True))

        return run

    def check_gradients(self) -> dict[str, Array]:
        """Raise unless every gradient agrees with differences along a random direction."""
        run = self.reference()
        here = run()

        def scalar(values: Mapping[str, Array]) -> float:
            return float(sum((u * values[f"y{k[1:]}"]).sum() for k, u in self.cotangents.items()))

        rng = np.random.default_rng(5)
        for name in self.names:
            x = self.feeds()[name]
            v = rng.normal(size=x.shape)
            above, below = run({name: x + STEP * v}), run({name: x - STEP * v})
            by_difference = (scalar(above) - scalar(below)) / (2 * STEP)
            assert here[f"d/{name}"].shape == x.shape
            by_graph = float((here[f"d/{name}"] * v).sum())
            noise = 1e-9 * (1 + abs(scalar(here)))
            bound = TOLERANCE * max(abs(by_difference), abs(by_graph)) + noise
            assert abs(by_difference - by_graph) <= bound, (
                f"{name}: by differences {by_difference!r}, by the graph {by_graph!r}"
            )
        return here
