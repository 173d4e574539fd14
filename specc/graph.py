"""An append-only graph of ONNX nodes: every value knows its type, and order is evaluation order.

Equal nodes are made once (common subexpressions), and a few exact simplifications happen on the
way in, so that layers, gradients and updates can be written without thinking of either.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc.errors import InternalError
from specc.onnx_api import TensorType, infer, type_code
from specc.tensors import Dim, Dims, DType, Sym

Array: TypeAlias = npt.NDArray[Any]
Operand: TypeAlias = "Value | float | Array"
# What a node can be told and be compared by.
Attribute: TypeAlias = int | str | tuple[int, ...] | tuple[float, ...]
Values: TypeAlias = "tuple[Value, ...]"
# A body, the states and a row: the next states, and parts of the results.
Step: TypeAlias = "Callable[[Graph, Values, Values], tuple[Values, Values]]"
# Inputs whose values decide output shapes are small; larger constants are never looked at.
_SHAPE_DATA = 8192
# Operators of two operands that repeat the smaller along axes of length 1.
_BROADCASTING = frozenset({"Add", "Div", "Mul", "Sub"})


@dataclass(frozen=True, eq=False, slots=True)
class Adjoint:
    """A value's own reverse rule, which replaces those of the nodes that compute it.

    `rule(dy)` returns a gradient, or None, for each of `inputs`.
    """

    inputs: tuple[Value, ...]
    rule: Callable[[Value], Sequence[Value | None]]


@dataclass(eq=False, slots=True)
class Value:
    """One edge: a typed result of a node, a graph input, or a constant.

    Attributes:
        batch: the first of the graph's inputs with the batch that it is made of, by number.
    """

    graph: Graph = field(repr=False)
    name: str
    dtype: DType
    shape: Dims
    node: Node | None = field(default=None, repr=False)
    index: int = 0
    const: Array | None = field(default=None, repr=False)
    adjoint: Adjoint | None = field(default=None, repr=False)
    batch: int | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __add__(self, other: Operand) -> Value:
        return self.graph.op("Add", self, self.graph.like(other, self))

    def __sub__(self, other: Operand) -> Value:
        return self.graph.op("Sub", self, self.graph.like(other, self))

    def __mul__(self, other: Operand) -> Value:
        return self.graph.op("Mul", self, self.graph.like(other, self))

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.op("Div", self, self.graph.like(other, self))

    def __rsub__(self, other: Operand) -> Value:
        return self.graph.op("Sub", self.graph.like(other, self), self)

    def __neg__(self) -> Value:
        return self.graph.op("Neg", self)


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One operator application, with the layer it serves.

    Attributes:
        op: its name; before a colon the domain, where that is not ONNX's own.
    """

    op: str
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    attrs: Mapping[str, Any]
    scope: str
    body: Body | None = None

    @property
    def reads(self) -> tuple[Value | None, ...]:
        """The inputs, and what the body takes from the graph around it."""
        return self.inputs if self.body is None else (*self.inputs, *self.body.taken)


@dataclass(frozen=True, eq=False, slots=True)
class Body:
    """What a Scan repeats: a graph of its own, with inputs and outputs in ONNX's order."""

    graph: Graph
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    @property
    def taken(self) -> tuple[Value, ...]:
        """Values of the graph around it that the body reads."""
        return tuple(outer for _, outer in self.graph.taken.values())


@dataclass(slots=True)
class Graph:
    """Nodes in evaluation order, inputs, and constants.

    `outer` is the graph around a body; `taken` are its values, and what stands for them here.
    """

    opset: int = 18
    outer: Graph | None = None
    taken: dict[int, tuple[Value, Value]] = field(default_factory=dict[int, "tuple[Value, Value]"])
    nodes: list[Node] = field(default_factory=list[Node])
    inputs: list[Value] = field(default_factory=list[Value])
    scopes: list[str] = field(default_factory=list[str])
    _made: dict[Any, tuple[Value, ...]] = field(default_factory=dict[Any, tuple[Value, ...]])
    _constants: dict[Any, Value] = field(default_factory=dict[Any, Value])

    @contextmanager
    def scope(self, name: str) -> Generator[None]:
        """Nodes made inside are named after `name`."""
        self.scopes.append(name)
        try:
            yield
        finally:
            self.scopes.pop()

    def input(self, name: str, dtype: DType, shape: Dims) -> Value:
        """A value that the caller supplies."""
        value = Value(self, name, dtype, tuple(shape))
        if any(isinstance(dim, Sym) for dim in shape):
            value.batch = len(self.inputs)
        self.inputs.append(value)
        return value

    def const(self, value: object, dtype: DType | None = None) -> Value:
        """A constant; equal ones are stored once."""
        if self.outer is not None:
            return self.take(self.outer.const(value, dtype))
        array = np.asarray(value, None if dtype is None else np.dtype(dtype))
        key = (array.dtype.str, array.shape, array.tobytes())
        found = self._constants.get(key)
        if found is None:
            name = f"const_{len(self._constants)}"
            shape: Dims = tuple(array.shape)
            kind = cast("DType", str(array.dtype))
            found = self._constants[key] = Value(self, name, kind, shape, const=array)
        return found

    def take(self, value: Value) -> Value:
        """A value of the graph around this body, to be read in it."""
        if id(value) not in self.taken:
            inner = Value(self, value.name, value.dtype, value.shape, const=value.const)
            self.taken[id(value)] = (inner, value)
        return self.taken[id(value)][0]

    def scan(
        self,
        states: Sequence[Value],
        rows: Sequence[Value],
        step: Step,
        *,
        backwards: bool = False,
    ) -> Values:
        """The last states, then what `step` makes of each row, stacked.

        `step(body, states, row)` returns the next states and its parts of the results. The first
        axis of `rows` is what is walked along; `backwards` from its end.
        """
        base = "/".join([*self.scopes, f"Scan_{len(self.nodes)}"])
        inner = Graph(self.opset, self, scopes=[base])
        before = tuple(
            inner.input(f"{base}/state_{i}", s.dtype, s.shape) for i, s in enumerate(states)
        )
        row = tuple(
            inner.input(f"{base}/row_{i}", r.dtype, r.shape[1:]) for i, r in enumerate(rows)
        )
        after, parts = step(inner, before, row)
        body = Body(inner, (*before, *row), _distinct(inner, (*after, *parts)))
        count = rows[0].shape[:1]
        types = [TensorType(x.dtype, x.shape) for x in after]
        types += [TensorType(x.dtype, (*count, *x.shape)) for x in parts]
        turned = int(backwards)
        attrs: dict[str, Any] = {
            "num_scan_inputs": len(rows),
            "scan_input_directions": [turned] * len(rows),
        }
        if parts:  # an empty list has no type
            attrs["scan_output_directions"] = [turned] * len(parts)
        return self.append("Scan", (*states, *rows), attrs, types, body)

    def ints(self, *values: int) -> Value:
        """A 1-D int64 constant: axes, shapes, sizes."""
        return self.const(np.array(values, np.int64))

    def texts(self, values: Sequence[str]) -> Value:
        """A 1-D constant of texts."""
        if self.outer is not None:
            return self.take(self.outer.texts(values))
        array = np.array(values, np.str_)
        key = ("string", array.shape, *values)
        if key not in self._constants:
            name = f"const_{len(self._constants)}"
            self._constants[key] = Value(self, name, "string", (len(values),), const=array)
        return self._constants[key]

    def like(self, operand: Operand, value: Value) -> Value:
        """`operand` as a value, numbers in the element type of `value`."""
        return operand if isinstance(operand, Value) else self.const(operand, value.dtype)

    def op(self, op: str, *inputs: Value | None, **attrs: Any) -> Value:
        """The first (usually the only) output of a new or equal earlier node."""
        return self.ops(op, *inputs, outputs=1, **attrs)[0]

    def ops(self, op: str, *inputs: Value | None, outputs: int, **attrs: Any) -> tuple[Value, ...]:
        """All outputs of a new or equal earlier node."""
        if op in _BROADCASTING:
            inputs = self._unexpanded(op, inputs)
        key = (op, tuple(id(x) for x in inputs), _key(attrs), outputs)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(op, inputs, attrs, outputs)
        return found

    def _unexpanded(self, op: str, inputs: tuple[Value | None, ...]) -> tuple[Value | None, ...]:
        """The inputs without copies that the operator makes by itself."""
        given = list(inputs)
        for i, x in enumerate(given):
            if x is None or x.node is None or x.node.op != "Expand" or x.adjoint is not None:
                continue
            other = [*given[:i], x.node.inputs[0], *given[i + 1 :]]
            if self._types(op, other) == self._types(op, given):
                given = other
        return tuple(given)

    def _types(self, op: str, inputs: Sequence[Value | None]) -> tuple[TensorType, ...]:
        types = [None if x is None else TensorType(x.dtype, x.shape) for x in inputs]
        return infer(op, types, [None] * len(types), {}, 1, self.opset)

    def _make(
        self, op: str, inputs: tuple[Value | None, ...], attrs: dict[str, Any], outputs: int
    ) -> tuple[Value, ...]:
        types = infer(
            op,
            [None if x is None else TensorType(x.dtype, x.shape) for x in inputs],
            [_shape_data(x) for x in inputs],
            attrs,
            outputs,
            self.opset,
        )
        return self.append(op, inputs, attrs, types)

    def append(
        self,
        op: str,
        inputs: tuple[Value | None, ...],
        attrs: dict[str, Any],
        types: Sequence[TensorType],
        body: Body | None = None,
    ) -> tuple[Value, ...]:
        """All outputs of a new node, whatever their types are said to be."""
        outputs = len(types)
        base = "/".join([*self.scopes, f"{op.rpartition(':')[2]}_{len(self.nodes)}"])
        values = tuple(
            Value(self, base if outputs == 1 else f"{base}_{k}", t.dtype, t.shape, index=k)
            for k, t in enumerate(types)
        )
        node = Node(op, inputs, values, attrs, "/".join(self.scopes), body)
        batches = [x.batch for x in node.reads if x is not None and x.batch is not None]
        for value in values:
            value.node = node
            value.batch = min(batches, default=None)
        self.nodes.append(node)
        return values

    def reshape(self, x: Value, shape: Sequence[Dim]) -> Value:
        """The same elements in another shape, whose one symbolic length becomes -1."""
        if tuple(shape) == x.shape:
            return x
        while x.node is not None and x.node.op == "Reshape" and x.adjoint is None:
            source = x.node.inputs[0]
            if source is None:
                raise InternalError("Reshape without input")
            x = source
            if tuple(shape) == x.shape:
                return x
        if x.const is not None:
            return self.const(x.const.reshape([d for d in shape if isinstance(d, int)]))
        wanted = [-1 if isinstance(d, Sym) else d for d in shape]
        y = self.op("Reshape", x, self.ints(*wanted))
        if y.shape != tuple(shape):
            raise InternalError(f"reshape of {x.shape} to {tuple(shape)} gives {y.shape}")
        return y

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        """Axes in another order; chains and identities vanish."""
        order = list(perm)
        if x.node is not None and x.node.op == "Transpose" and x.adjoint is None:
            inner = x.node.inputs[0]
            if inner is None:
                raise InternalError("Transpose without input")
            order = [x.node.attrs["perm"][p] for p in order]
            x = inner
        if order == list(range(x.rank)):
            return x
        if x.const is not None:
            return self.const(x.const.transpose(order))
        # Moving axes of length 1 only is a reshape, which costs nothing.
        long = [p for p in order if x.shape[p] != 1]
        if long == sorted(long):
            return self.reshape(x, [x.shape[p] for p in order])
        return self.op("Transpose", x, perm=tuple(order))

    def cast(self, x: Value, dtype: DType) -> Value:
        """The values in another element type."""
        if x.dtype == dtype:
            return x
        if x.const is not None:
            return self.const(x.const, dtype)
        return self.op("Cast", x, to=type_code(dtype))

    def reduce(self, op: str, x: Value, axes: Sequence[int], *, keepdims: bool = False) -> Value:
        """ReduceSum, ReduceMean, ReduceMax, ... over `axes`."""
        if not axes:
            return x
        return self.op(op, x, self.ints(*axes), keepdims=int(keepdims))

    def stated(self, op: str, *inputs: Value, dtype: DType, shape: Dims) -> Value:
        """A node whose output type ONNX cannot infer because it depends on run-time values."""
        return self.stated_all(op, *inputs, types=(TensorType(dtype, shape),))[0]

    def stated_all(
        self, op: str, *inputs: Value, types: tuple[TensorType, ...], **attrs: Attribute
    ) -> tuple[Value, ...]:
        """The same for a node with several outputs, or with attributes."""
        key = (op, tuple(id(x) for x in inputs), tuple(sorted(attrs.items())), len(types))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self.append(op, inputs, attrs, types)
        return found

    def live(self, outputs: Sequence[Value]) -> list[Node]:
        """The nodes that `outputs` need, in evaluation order."""
        wanted = {id(value) for value in outputs}
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if any(id(value) in wanted for value in node.outputs):
                kept.append(node)
                wanted.update(id(x) for x in node.reads if x is not None)
        return kept[::-1]


def _key(attrs: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    lists = {k: tuple(cast("list[Any]", v)) for k, v in attrs.items() if isinstance(v, list)}
    return tuple(sorted({**attrs, **lists}.items()))


def _shape_data(x: Value | None) -> Array | None:
    if x is None or x.const is None or x.const.size > _SHAPE_DATA:
        return None
    return x.const if x.const.dtype.kind in "iu" else None


def _distinct(body: Graph, values: Values) -> Values:
    """Outputs of a body, each made by a node of its own."""
    found: list[Value] = []
    for x in values:
        if x.node is None or any(x is other for other in found):
            x = body.append("Identity", (x,), {}, [TensorType(x.dtype, x.shape)])[0]  # noqa: PLW2901
        found.append(x)
    return tuple(found)
