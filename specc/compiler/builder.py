"""One graph under construction: state inputs, realised tensors, named outputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specc.compiler.program import Port, Program, Role
from specc.compiler.state import NEXT, STATES, STATISTICS, WEIGHTS, StateTensor, vector
from specc.graph import Graph, Value
from specc.network import Network
from specc.onnx_model import to_bytes
from specc.primitives import Tensor, Trace
from specc.scales import fold_scales
from specc.targets.costs import DEFAULT
from specc.targets.layout import Layout, Placed, placed, plain, regroup
from specc.targets.realiser import Realiser
from specc.targets.storage import Packed, Storage, WeightSource
from specc.targets.target import Target
from specc.tensors import Dims, DType

# Elements from which on a trainable weight has a state tensor of its own.
LARGE = 2**14


@dataclass(slots=True)
class Builder:
    """Collects inputs and outputs with their roles while a program's graph grows."""

    target: Target
    storage: dict[str, Storage]
    opset: int
    floatx: DType = "float32"
    graph: Graph = field(default_factory=Graph)
    inputs: dict[str, tuple[Value, Role]] = field(default_factory=dict[str, tuple[Value, Role]])
    outputs: dict[str, tuple[Value, Role]] = field(default_factory=dict[str, tuple[Value, Role]])

    def __post_init__(self) -> None:
        self.graph.opset = self.opset

    def input(self, name: str, dtype: DType, shape: Dims, role: Role) -> Value:
        """A new graph input; once for each name."""
        if name not in self.inputs:
            self.inputs[name] = (self.graph.input(name, dtype, shape), role)
        return self.inputs[name][0]

    def state(self, tensor: StateTensor) -> Value:
        """The graph input of a state tensor."""
        dtype = self.floatx if tensor.dtype == "float32" else tensor.dtype
        return self.input(tensor.name, dtype, tensor.shape, "state")

    def declare(self, tensors: Sequence[Tensor]) -> None:
        """Graph inputs for every `input` primitive that `tensors` depend on, in order of use."""
        for tensor in inputs_of(tensors):
            name = tensor.attrs["name"]
            self.input(name, tensor.dtype, tensor.shape, role_of(name))

    def realiser(self, source: WeightSource, *, gradients: bool = True) -> Realiser:
        """A realiser that knows the inputs declared so far."""
        values = {name: value for name, (value, _) in self.inputs.items()}
        rules, costs = self.target.rules, self.target.costs or DEFAULT
        return Realiser(
            self.graph, rules, source, self.storage, values, gradients=gradients, costs=costs,
            internal=self.target.internal,
        )  # fmt: skip

    def output(self, name: str, value: Value, role: Role) -> None:
        """A named output."""
        self.outputs[name] = (value, role)

    def next(self, tensor: StateTensor, value: Value) -> None:
        """The new value of a state tensor."""
        self.output(NEXT + tensor.name, value, "state")

    def program(self, name: str, metadata: Mapping[str, str]) -> Program:
        """The checked model and its signature."""
        values = {key: value for key, (value, _) in self.outputs.items()}
        fold_scales(self.graph, list(values.values()))
        nodes = Counter(node.op for node in self.graph.live(list(values.values())))
        model = to_bytes(
            self.graph, name, [value for value, _ in self.inputs.values()], values, metadata
        )
        inputs = tuple(Port(key, v.dtype, v.shape, role) for key, (v, role) in self.inputs.items())
        outputs = tuple(
            Port(
                key, v.dtype, v.shape, role,
                key.removeprefix(NEXT) if role == "state" else None,
            )
            for key, (v, role) in self.outputs.items()
        )  # fmt: skip
        return Program(name, model, inputs, outputs, dict(sorted(nodes.items())))


def inputs_of(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The `input` primitives that `tensors` depend on, oldest first, one for each name."""
    seen: dict[int, Tensor] = {}
    stack = list(tensors)
    while stack:
        tensor = stack.pop()
        if id(tensor) not in seen:
            seen[id(tensor)] = tensor
            stack.extend(tensor.inputs)
    found = sorted((t for t in seen.values() if t.op == "input"), key=lambda t: t.serial)
    return list({t.attrs["name"]: t for t in found}.values())


def role_of(name: str) -> Role:
    """The role of a graph input by its name."""
    if name.startswith("target/"):
        return "target"
    return "sample_weight" if name.startswith("sample_weight/") else "input"


def weight_shapes(network: Network, *, trainable: bool) -> dict[str, tuple[int, ...]]:
    """Float32 weights that training changes, or the others, by name in Keras' order.

    Integer weights (the `count` of Normalization) take no part in any graph.
    """
    return {
        w.name: w.weight.shape
        for w in network.weights
        if w.trainable == trainable and w.weight.dtype == "float32"
    }


def state_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """What layers carry from batch to batch beside weights, by name."""
    return {state.name: state.weight.shape for state in network.states}


def weight_vectors(network: Network, storage: Mapping[str, Storage]) -> list[StateTensor]:
    """The state tensors of trainable weights, of others, of states; an empty one is left out.

    Small trainable weights share one flat vector, so that their update is a handful of nodes. Large
    ones have tensors of their own: cutting them out of a vector, and putting their gradients into
    one, would copy them twice a step.
    """
    trainable = weight_shapes(network, trainable=True)
    large = {k: shape for k, shape in trainable.items() if math.prod(shape) >= LARGE}
    groups = {
        WEIGHTS: {k: shape for k, shape in trainable.items() if k not in large},
        **{f"{WEIGHTS}/{k}": {k: shape} for k, shape in large.items()},
        STATISTICS: weight_shapes(network, trainable=False),
        STATES: state_shapes(network),
    }
    vectors = [vector(name, shapes, storage) for name, shapes in groups.items()]
    return [v for v in vectors if v.elements]


def packed(builder: Builder, vectors: Sequence[StateTensor]) -> Packed:
    """Weights as parts of the state inputs."""
    return Packed(
        {v.name: (builder.state(v), {e.name: e.size for e in v.elements}) for v in vectors}
    )


def bound(realiser: Realiser, trace: Trace, value: Value, shape: Dims | None = None) -> Tensor:
    """A tensor that stands for a value of the graph, row-major."""
    shape = value.shape if shape is None else shape
    tensor = trace.emit("bound", (), shape, value.dtype)
    realiser.bind(tensor, placed(value, shape))
    return tensor


def bound_stored(
    realiser: Realiser, trace: Trace, flat: Value, shape: tuple[int, ...], storage: Storage
) -> Tensor:
    """A tensor of logical `shape` whose elements lie in a flat value as `storage` says."""
    layout = Layout.plain(storage.shape)
    order = tuple(f for axis in storage.order for f in layout.numbers(axis))
    lying = Layout(layout.axes, order)
    tensor = trace.emit("bound", (), shape, flat.dtype)
    found = regroup(Placed(realiser.graph.reshape(flat, lying.physical), lying), shape)
    realiser.bind(tensor, found or placed(flat, shape))
    return tensor


def stored_flat(value: Placed, shape: tuple[int, ...], storage: Storage) -> Value:
    """The elements of a placed tensor of logical `shape` in the order of `storage`, flat."""
    fine = regroup(value, storage.shape)
    if fine is None:
        fine = placed(plain(value, shape), storage.shape)
    axes = [f for axis in storage.order for f in fine.layout.numbers(axis)]
    perm = [fine.layout.order.index(f) for f in axes]
    g = fine.graph
    return g.reshape(g.transpose(fine.value, perm), (math.prod(shape),))
