"""What `build` returns: nodes (layers with their weights), calls of them, references to outputs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from specc.errors import InternalError, Place
from specc.family import snake_case
from specc.layer import InputLayer, Layer, Shapes, Weight
from specc.shapes import ShapeError, fits
from specc.tensors import ITEM_BYTES, Shape, show

# What a call applies.
Called: TypeAlias = "Layer | Network"


@dataclass(frozen=True, slots=True)
class NodeWeight:
    """A weight of the model.

    Attributes:
        name: unique in the whole model: `dense/kernel`, in a sub-model `encoder/dense/kernel`.
        weight: what the layer declared.
        trainable: whether training changes it: the weight, its layer and every enclosing model.
    """

    name: str
    weight: Weight
    trainable: bool

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.weight.shape)

    @property
    def bytes(self) -> int:
        """Size in memory."""
        return self.count * ITEM_BYTES[self.weight.dtype]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A layer, an input, or a sub-model: one row of the summary.

    Attributes:
        name: unique in its network.
        layer: what it is; a `Network` for a sub-model.
        weights: in Keras' order. A sub-model's are those of its layers.
        states: what one batch leaves for the next; the same for a sub-model.
        trainable: the layer's own flag and that of every enclosing model.
        calls: in the order of the spec; `Call.index` counts them.
        inner: the sub-model that it is, or that its layer applies.
    """

    name: str
    layer: Layer | InputLayer | Network
    weights: tuple[NodeWeight, ...] = ()
    states: tuple[NodeWeight, ...] = ()
    trainable: bool = True
    place: Place = field(default_factory=Place)
    path: str = ""
    calls: list[Call] = field(default_factory=list["Call"])
    inner: Network | None = None

    @property
    def type_name(self) -> str:
        """Keras' class name."""
        if isinstance(self.layer, Network):
            return self.layer.kind.capitalize()
        return "InputLayer" if isinstance(self.layer, InputLayer) else self.layer.type_name()

    @property
    def number(self) -> int | None:
        """Which of its kind an automatic name says: 0 for dense, 1 for dense_1; None for others."""
        found = re.fullmatch(rf"{re.escape(snake_case(self.type_name))}(?:_(\d+))?", self.name)
        return None if found is None else int(found[1] or 0)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Of the last call, as Keras' summary shows them."""
        return self.calls[-1].output_shapes

    @property
    def params(self) -> int:
        """Number of weight elements."""
        return sum(weight.count for weight in self.weights)

    @property
    def trainable_params(self) -> int:
        """Number of weight elements that training changes."""
        return sum(weight.count for weight in self.weights if weight.trainable)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One application of a node to tensors.

    Attributes:
        name: what references in the spec say; for the first call usually the node's name.
        index: 0 for the node's first call.
        inputs: one for each argument of the layer, in its order; None where one is left out.
        written: the references in the order in which the spec names them, none left out.
        flags: further call arguments (`use_causal_mask`).
        output_shapes: batch first.
        texts: for each output whether it is text.
        mask: what replaces the mask of the input of a sub-model, when the call gives it.
    """

    node: Node
    name: str
    index: int = 0
    inputs: tuple[Ref | None, ...] = ()
    written: tuple[Ref, ...] = ()
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    output_shapes: tuple[Shape, ...] = ()
    texts: tuple[bool, ...] = ()
    place: Place = field(default_factory=Place)
    path: str = ""
    mask: Ref | None = None

    @property
    def called(self) -> Called:
        """What is applied: the node's layer or sub-model.

        Raises:
            InternalError: the node is an input.
        """
        if isinstance(self.node.layer, InputLayer):
            raise InternalError(f"input {self.name!r} is not a call")
        return self.node.layer

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the inputs; () for an argument that is left out."""
        return tuple(() if ref is None else ref.shape for ref in self.inputs)

    def entering(self, shapes: Mapping[Call, tuple[Shape, ...]]) -> tuple[Shape, ...]:
        """As `input_shapes`, when calls have other shapes."""
        return tuple(() if ref is None else shapes[ref.call][ref.output] for ref in self.inputs)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """References to every output."""
        return tuple(Ref(self, i) for i in range(len(self.output_shapes)))


@dataclass(frozen=True, slots=True)
class Ref:
    """An output of a call."""

    call: Call
    output: int = 0

    @property
    def shape(self) -> Shape:
        """Batch first."""
        return self.call.output_shapes[self.output]

    @property
    def text(self) -> bool:
        """Whether it is text."""
        return self.call.texts[self.output]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A model with every name resolved and every shape known.

    Attributes:
        name: the model's name; for a sub-model what the summary calls it.
        kind: Keras' bookkeeping: a sequential model hides its input.
        inputs, outputs: in their order.
        nodes: in the order of Keras' `model.layers`: the summary's rows, and the weights' order.
        calls: in the order of the spec, in which every input is there before it is used; inputs'
            calls left out.
        running: the same calls in the order in which Keras runs them.
    """

    name: str
    kind: Literal["sequential", "functional"]
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    nodes: tuple[Node, ...]
    calls: tuple[Call, ...]
    running: tuple[Call, ...]
    trainable: bool = True

    @property
    def weights(self) -> list[NodeWeight]:
        """Every weight once, in the order of Keras' `model.weights`."""
        unique = {weight.name: weight for node in self.nodes for weight in node.weights}
        return list(unique.values())

    @property
    def states(self) -> list[NodeWeight]:
        """Every state once, in the order of the nodes."""
        unique = {state.name: state for node in self.nodes for state in node.states}
        return list(unique.values())

    @property
    def entrances(self) -> list[Node]:
        """The inputs, then those of the sub-models."""
        inner = [node.inner for _, node in self.walk() if node.inner is not None]
        return [ref.call.node for network in (self, *inner) for ref in network.inputs]

    @property
    def batch(self) -> int | None:
        """The fixed batch size; None where any number of samples may enter."""
        layers = [node.layer for node in self.entrances]
        sizes = (layer.batch for layer in layers if isinstance(layer, InputLayer))
        return next((size for size in sizes if size is not None), None)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(ref.call.node.name for ref in self.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Keras' names of the outputs: those of the layers that make them."""
        return tuple(ref.call.node.name for ref in self.outputs)

    @property
    def is_chain(self) -> bool:
        """Whether each call has one input, the output of the one before, and no layer two calls.

        Keras' summary then leaves out the column `Connected to`.
        """
        return len(self.inputs) == 1 and is_chain(self.inputs[0].call, self.calls)

    def node(self, name: str) -> Node:
        """The node called `name`.

        Raises:
            InternalError: there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise InternalError(f"no node {name!r} in {self.name!r}")

    def walk(self) -> Iterator[tuple[Network, Node]]:
        """Every node, those of sub-models after their own row, each sub-model once."""
        seen: set[int] = set()
        stack = [(self, node) for node in reversed(self.nodes)]
        while stack:
            owner, node = stack.pop()
            yield owner, node
            if node.inner is not None and id(node.inner) not in seen:
                seen.add(id(node.inner))
                stack += [(node.inner, inner) for inner in reversed(node.inner.nodes)]

    def shapes_for(self, inputs: tuple[Shape, ...]) -> dict[Call, tuple[Shape, ...]]:
        """Output shapes of every call, inputs' calls included, for these shapes of the inputs.

        Raises:
            ShapeError: they do not fit the declared ones, or a layer cannot take what follows.
        """
        known: dict[Call, tuple[Shape, ...]] = {}
        for ref, shape in zip(self.inputs, inputs, strict=True):
            if not fits(shape, ref.shape):
                raise ShapeError(
                    f"input {ref.call.node.name!r} of {self.name!r} is declared {show(ref.shape)},"
                    f" received {show(shape)}"
                )
            known[ref.call] = (shape,)
        for call in self.calls:
            try:
                known[call] = call_shapes(call.called, call.entering(known), call.flags)
            except ShapeError as error:
                raise ShapeError(f"{call.node.name}: {error}") from error
        return known


def layer_calls(
    called: Called, inputs: Shapes, outputs: Shapes
) -> Iterator[tuple[Layer, Shapes, Shapes]]:
    """The layers that one call applies, with their shapes: one, or all those of a sub-model."""
    if isinstance(called, Layer):
        yield called, inputs, outputs
        return
    inner = called.shapes_for(inputs)
    for call in called.calls:
        yield from layer_calls(call.called, call.entering(inner), inner[call])


def call_texts(layer: Called, given: Sequence[bool], count: int) -> tuple[bool, ...]:
    """For each of `count` outputs of one call whether it is text, told which inputs are.

    Raises:
        ShapeError: text enters where numbers must, or the other way round.
    """
    if not isinstance(layer, Network):
        made = layer.text(given)
        if made and layer.activity_regularizer is not None:
            raise ShapeError("activity_regularizer: expected a result of numbers, found text")
        return (made,) * count
    for ref, text in zip(layer.inputs, given, strict=True):
        if text != ref.text:
            found, wanted = ("text", "numbers") if text else ("numbers", "text")
            raise ShapeError(f"input {ref.call.name!r} takes {wanted}, received {found}")
    return tuple(ref.text for ref in layer.outputs)


def is_chain(start: Call, calls: Sequence[Call]) -> bool:
    """Whether `calls` follow each other from `start`, each on one input, each of another layer."""
    before = [start, *calls]
    return all(
        len(call.node.calls) == 1 and [ref.call for ref in call.written] == [above]
        for above, call in zip(before, calls, strict=False)
    )


def call_shapes(
    layer: Called, shapes: tuple[Shape, ...], flags: Mapping[str, Any]
) -> tuple[Shape, ...]:
    """Output shapes of one call.

    Raises:
        ShapeError: the input shapes do not fit.
    """
    if isinstance(layer, Network):
        known = layer.shapes_for(shapes)
        return tuple(known[ref.call][ref.output] for ref in layer.outputs)
    out = layer.call_shape(shapes, flags)
    several = tuple(shape for shape in out if isinstance(shape, tuple))
    return several or (tuple(dim for dim in out if not isinstance(dim, tuple)),)
