"""The walk from primitives to ONNX nodes, and the tables of rules it looks into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from specc.errors import CompileError, InternalError
from specc.graph import Adjoint, Graph, Value
from specc.primitives import Tensor
from specc.targets.blocks import InternalOps
from specc.targets.costs import DEFAULT, KernelCosts
from specc.targets.layout import Layout, Placed, placed, regroup
from specc.targets.storage import Storage, WeightSource

# From all tensors and the number of uses of each (by id): by id of the tensor, who realises it
# instead of its rule; None marks a tensor that another one took over.
Planner: TypeAlias = "Callable[[Sequence[Tensor], Mapping[int, int]], dict[int, Planned | None]]"
Realise: TypeAlias = "Callable[[Realiser, Tensor], Placed]"


class Planned(Protocol):
    """A realisation of a tensor together with tensors in front of it."""

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """The tensor, those in front of it included."""
        ...


@dataclass(slots=True)
class Rules:
    """How one target realises primitives; what it does not say, its parent does."""

    parent: Rules | None = None
    table: dict[str, Realise] = field(default_factory=dict[str, Realise])
    fallback: Realise | None = None

    def rule(self, *names: str) -> Callable[[Realise], Realise]:
        """Register the realisation of primitives."""

        def register(realise: Realise) -> Realise:
            for name in names:
                if name in self.table:
                    raise InternalError(f"two realisations of {name}")
                self.table[name] = realise
            return realise

        return register

    def default(self, realise: Realise) -> Realise:
        """Register what is done for primitives named like ONNX ops."""
        self.fallback = realise
        return realise

    def find(self, name: str) -> Realise:
        """The rule of a primitive.

        Raises:
            CompileError: no rule here or in a parent.
        """
        rules: Rules | None = self
        while rules is not None:
            if name in rules.table:
                return rules.table[name]
            if rules.parent is None and name[0].isupper() and rules.fallback is not None:
                return rules.fallback
            rules = rules.parent
        raise CompileError(f"this target cannot realise the primitive {name!r}")


BASE = Rules()


@dataclass(slots=True)
class Realiser:
    """Turns tensors into values of one graph, each once.

    Attributes:
        inputs: values of the graph's inputs by name.
        source: gives weights, as parts of a state vector or as constants.
        storage: how each weight lies in the state; shared by the graphs of one program. A weight
            is laid out by the first op that cares, and every other use adapts.
        planned: what the target's planner decided about tensors; None: emptied, another took over.
        gradients: whether gradients will be taken of what is realised.
        costs: what rules choose between lowerings by.
        internal: internal operators that rules may use; None: operators of ONNX alone.
    """

    graph: Graph
    rules: Rules
    source: WeightSource
    storage: dict[str, Storage]
    inputs: Mapping[str, Value]
    done: dict[int, Placed] = field(default_factory=dict[int, Placed])
    held: list[Tensor] = field(default_factory=list[Tensor])
    planned: dict[int, Planned | None] = field(default_factory=dict[int, "Planned | None"])
    gradients: bool = True
    costs: KernelCosts = DEFAULT
    internal: InternalOps | None = None

    def realise(self, tensors: Sequence[Tensor], planner: Planner | None = None) -> list[Placed]:
        """All of `tensors`, in the order in which they were made.

        A planner may move work between tensors (an activation behind a pool); it needs to see
        every use, so what it plans for must be realised in one call.

        Raises:
            InternalError: a later call uses a tensor that a plan emptied.
        """
        reachable = _reachable(tensors, self.done)
        moved = [t for t in reachable if any(self._emptied(x) for x in t.inputs)]
        if moved or any(self._emptied(t) for t in tensors):
            raise InternalError(f"{moved or tensors} came after a plan that did not see it")
        if planner is not None:
            users: dict[int, int] = {}
            for tensor in (*tensors, *(x for t in reachable for x in t.inputs)):
                users[id(tensor)] = users.get(id(tensor), 0) + 1
            self.planned = planner(reachable, users)
        for tensor in reachable:
            if weight_of(tensor) is None and not self._emptied(tensor):
                self._make(tensor)
        return [self.place(tensor) for tensor in tensors]

    def _emptied(self, tensor: Tensor) -> bool:
        """Whether a later tensor took over this one's work."""
        return id(tensor) in self.planned and self.planned[id(tensor)] is None

    def place(self, tensor: Tensor) -> Placed:
        """Where a tensor lies; made now if it is not yet."""
        found = self.done.get(id(tensor))
        return self._make(tensor) if found is None else found

    def _make(self, tensor: Tensor) -> Placed:
        if id(tensor) not in self.done:
            with self.graph.scope(tensor.scope) if tensor.scope else self.graph.scope("model"):
                taken = self.planned.get(id(tensor))
                if taken is None:
                    made = self.rules.find(tensor.op)(self, tensor)
                else:
                    made = taken.realise(self, tensor)
            if made.value.shape != made.layout.physical:
                raise InternalError(f"{tensor.op}: {made.value.shape} is not {made.layout}")
            self.bind(tensor, made)
        return self.done[id(tensor)]

    def bind(self, tensor: Tensor, value: Placed) -> None:
        """Say where a tensor lies; keeps it alive, since tensors are known by identity."""
        self.done[id(tensor)] = value
        self.held.append(tensor)

    def barrier(self, x: Value) -> Value:
        """The same value, through which no gradient flows."""
        zero = self.graph.op("Identity", x)
        zero.adjoint = Adjoint((), lambda _dy: ())
        return zero

    def kernel(self, tensor: Tensor, order: tuple[int, ...]) -> Value:
        """A weight with its logical axes in the given order, one axis each, stored that way.

        The first op that asks decides how the weight lies in the state; where it was decided
        otherwise, or the tensor is computed, it is transposed in the graph.
        """
        state = weight_of(tensor)
        wanted = tuple(tensor.shape[i] for i in order)
        if state is not None:
            sizes = tuple(d for d in tensor.shape if isinstance(d, int))
            asked = Storage(sizes, order)
            if self.storage.setdefault(state.attrs["name"], asked) == asked:
                return self.graph.reshape(self.stored(state), wanted)
        x = self.place(tensor)
        axes = [f for axis in order for f in x.layout.numbers(axis)]
        perm = [x.layout.order.index(f) for f in axes]
        return self.graph.reshape(self.graph.transpose(x.value, perm), wanted)

    def stored(self, state: Tensor) -> Value:
        """A weight's elements as they lie in the state, one axis."""
        return self.source.flat(self.graph, state.attrs["name"], self.storage)

    def vector(self, tensor: Tensor) -> Value:
        """A 1-D tensor as a value of one axis."""
        return self.graph.reshape(self.place(tensor).value, tensor.shape)


def weight_of(tensor: Tensor) -> Tensor | None:
    """The state that a tensor is, or is a reshape of."""
    while tensor.op == "reshape":
        tensor = tensor.inputs[0]
    return tensor if tensor.op == "state" else None


def _reachable(tensors: Sequence[Tensor], done: Mapping[int, Placed]) -> list[Tensor]:
    """Every tensor that `tensors` need and that is not placed, oldest first."""
    found: dict[int, Tensor] = {}
    stack = list(tensors)
    while stack:
        tensor = stack.pop()
        if id(tensor) in found or id(tensor) in done:
            continue
        found[id(tensor)] = tensor
        stack.extend(tensor.inputs)
    return sorted(found.values(), key=lambda t: t.serial)


@BASE.rule("state")
def state(r: Realiser, t: Tensor) -> Placed:
    """A weight in logical axes, wherever its elements lie."""
    name = t.attrs["name"]
    sizes = tuple(d for d in t.shape if isinstance(d, int))
    held = r.storage.setdefault(name, Storage.plain(sizes))
    layout = Layout.plain(held.shape)
    order = tuple(f for axis in held.order for f in layout.numbers(axis))
    lying = Layout(layout.axes, order)
    value = Placed(r.graph.reshape(r.stored(t), lying.physical), lying)
    found = regroup(value, t.shape)
    if found is None:
        raise InternalError(f"weight {name} of {t.shape} does not fit its storage {held}")
    return found


@BASE.rule("input")
def graph_input(r: Realiser, t: Tensor) -> Placed:
    """A graph input, row-major."""
    return placed(r.inputs[t.attrs["name"]], t.shape)


@BASE.rule("constant")
def constant(r: Realiser, t: Tensor) -> Placed:
    """A constant of the graph."""
    return placed(r.graph.const(t.attrs["value"]), t.shape)
