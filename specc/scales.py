"""Scalar factors beside matrix products become the products' own, which cost nothing.

`c (A B)` is one Gemm with another alpha, and so is `(c A) B`: a pass over memory less each. Reshape
and Transpose between the two change nothing, and a bias on the way is multiplied itself. A product
with a computed number, as clipping makes it, takes a constant factor over too. Only float32 is
touched: attributes of nodes are float32, and gradient checks in float64 would see the difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specc.errors import InternalError
from specc.graph import Graph, Node, Value
from specc.onnx_api import TensorType

# Operands of a Gemm that adds nothing.
_PRODUCT = 2
_MOVES = ("Reshape", "Transpose")


def fold_scales(graph: Graph, outputs: Sequence[Value]) -> None:
    """Fold what can be folded, in place; `outputs` keep their values."""
    scales = _Scales.of(graph, outputs)
    for node in graph.live(outputs):
        factor = _factor(node)
        if factor is not None:
            scales.fold(node, factor)
    scales.write(graph)


def _factor(node: Node) -> tuple[Value, float] | None:
    """What a node multiplies by a constant scalar, and by which."""
    if node.outputs[0].dtype != "float32":
        return None
    first = node.inputs[0]
    if node.op == "Neg" and first is not None:
        return first, -1.0
    if node.op != "Mul":
        return None
    a, b = node.inputs
    for x, by in ((a, b), (b, a)):
        if x is None or by is None or by.const is None or by.const.size != 1:
            continue
        if x.const is None and x.shape == node.outputs[0].shape:
            return x, float(by.const.item())
    return None


def _by_scalar(node: Node) -> int | None:
    """Which input of a product multiplies all elements of the other by one computed number."""
    if node.op != "Mul":
        return None
    for i, (x, other) in enumerate(zip(node.inputs, node.inputs[::-1], strict=True)):
        if x is None or other is None or x.const is not None:
            continue
        if all(dim == 1 for dim in x.shape) and other.shape == node.outputs[0].shape != x.shape:
            return i
    return None


def _adds_bias(node: Node) -> bool:
    """Whether a node adds a vector along the last axis to its first operand."""
    x, bias = node.inputs
    return x is not None and bias is not None and bias.rank == 1 and x.rank > 1


@dataclass(slots=True)
class _Scales:
    """Which nodes read what, and what is decided.

    Attributes:
        readers: nodes that read a value as an input, by its id, once for each time.
        held: ids of outputs and of what bodies read: they keep their values.
        alphas: factors of whole Gemms, by the node's id; `betas` those of their last operand.
        smalls: factors of the small operand of other nodes: what Add adds to a product, the number
            that a Mul multiplies by.
        instead: the value that takes the place of a product with a scalar.
    """

    readers: dict[int, list[Node]]
    held: set[int]
    alphas: dict[int, float] = field(default_factory=dict[int, float])
    betas: dict[int, float] = field(default_factory=dict[int, float])
    smalls: dict[int, float] = field(default_factory=dict[int, float])
    instead: dict[int, Value] = field(default_factory=dict[int, Value])

    @staticmethod
    def of(graph: Graph, outputs: Sequence[Value]) -> _Scales:
        readers: dict[int, list[Node]] = {}
        held = {id(value) for value in outputs}
        for node in graph.live(outputs):
            for x in node.inputs:
                if x is not None:
                    readers.setdefault(id(x), []).append(node)
            if node.body is not None:
                held |= {id(x) for x in node.body.taken}
        return _Scales(readers, held)

    def fold(self, node: Node, factor: tuple[Value, float]) -> None:
        """Give the factor of `node` to the products before or behind it, if they can take it."""
        (x, by), y = factor, node.outputs[0]
        x = self.instead.get(id(x), x)
        if id(y) in self.held:
            return
        source = self._source(x)
        if source is not None:
            product, small = source
            if product is not None:
                for kept in (self.alphas, self.betas):
                    kept[id(product)] = kept.get(id(product), 1.0) * by
            for each in small:
                self.smalls[id(each)] = self.smalls.get(id(each), 1.0) * by
        else:
            products = self._products(y)
            if products is None:
                return
            for product in products:
                self.alphas[id(product)] = self.alphas.get(id(product), 1.0) * by
        self.instead[id(y)] = x
        readers = self.readers.pop(id(y), [])
        self.readers[id(x)] = [r for r in self.readers[id(x)] if r is not node] + readers

    def _source(self, x: Value) -> tuple[Node | None, list[Node]] | None:
        """Who can take a factor of x over, if x is made for one reader.

        A Gemm and the nodes that add a bias behind it, or no Gemm and what multiplies by a number.
        """
        biased: list[Node] = []
        while len(self.readers[id(x)]) == 1 and id(x) not in self.held and x.node is not None:
            node = x.node
            if node.op == "Gemm":
                return node, biased
            before = node.inputs[0]
            if _by_scalar(node) is not None:
                return None, [*biased, node]
            if node.op == "Add" and _adds_bias(node):
                biased.append(node)
            elif node.op not in _MOVES:
                return None
            if before is None:
                return None
            x = self.instead.get(id(before), before)
        return None

    def _products(self, y: Value) -> list[Node] | None:
        """The Gemms that read y as a factor, if nothing else reads it."""
        if id(y) in self.held:
            return None
        found: list[Node] = []
        for reader in self.readers.get(id(y), []):
            if reader.op == "Shape":
                continue
            at = [i for i, x in enumerate(reader.inputs) if x is not None and self._is(x, y)]
            if reader.op in _MOVES:
                behind = self._products(reader.outputs[0])
                if behind is None:
                    return None
                found += behind
            elif reader.op == "Gemm" and at in ([0], [1]):
                found.append(reader)
            else:
                return None
        return found

    def _is(self, x: Value, y: Value) -> bool:
        return self.instead.get(id(x), x) is y

    def write(self, graph: Graph) -> None:
        """Put what was decided into the graph's nodes."""
        if not self.instead:
            return
        nodes: list[Node] = []
        for node in list(graph.nodes):
            inputs = tuple(None if x is None else self._last(x) for x in node.inputs)
            if id(node.outputs[0]) in self.instead:
                continue
            if id(node) in self.smalls:
                at = _by_scalar(node)
                scaled = self._scaled(graph, node, 1 if at is None else at)
                nodes.append(graph.nodes[-1])
                inputs = (scaled, inputs[1]) if at == 0 else (inputs[0], scaled)
            attrs = self._attrs(node)
            if inputs != node.inputs or attrs is not node.attrs:
                node = Node(node.op, inputs, node.outputs, attrs, node.scope, node.body)  # noqa: PLW2901
                for value in node.outputs:
                    value.node = node
            nodes.append(node)
        graph.nodes[:] = nodes

    def _scaled(self, graph: Graph, node: Node, at: int) -> Value:
        """An input times its factor, by a new node at the graph's end."""
        small = node.inputs[at]
        if small is None:
            raise InternalError(f"{node.outputs[0].name}: an {node.op} of one operand")
        factor = graph.const(self.smalls[id(node)], small.dtype)
        with graph.scope(node.scope):
            types = [TensorType(small.dtype, small.shape)]
            return graph.append("Mul", (self._last(small), factor), {}, types)[0]

    def _last(self, x: Value) -> Value:
        while id(x) in self.instead:
            x = self.instead[id(x)]
        return x

    def _attrs(self, node: Node) -> Mapping[str, object]:
        found = dict(node.attrs)
        for name, factors in (("alpha", self.alphas), ("beta", self.betas)):
            factor = factors.get(id(node))
            if factor is not None and (name == "alpha" or len(node.inputs) > _PRODUCT):
                found[name] = float(found.get(name, 1.0)) * factor
        if any(not math.isfinite(float(found.get(k, 1.0))) for k in ("alpha", "beta")):
            raise InternalError(f"{node.outputs[0].name}: a factor without bounds")
        return found if found != dict(node.attrs) else node.attrs
