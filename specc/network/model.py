"""One model of a spec, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from specc.errors import Place, nearest
from specc.layer import InputLayer, Layer, Weight
from specc.network.applied import AppliedNetwork, applied_in, called_model, network_in
from specc.network.graph import (
    Call,
    Network,
    Node,
    NodeWeight,
    Ref,
    call_shapes,
    call_texts,
    is_chain,
)
from specc.network.limits import size_problem
from specc.network.order import keras_order
from specc.network.wiring import Wrong, inputs_of, resolve, takes_mask
from specc.shapes import ShapeError
from specc.spec.model import Entry, ModelSpec
from specc.spec.problems import Problems
from specc.tensors import Shape, show


class Models(Protocol):
    """Where a model finds the sub-models it calls, and writes what is wrong."""

    problems: Problems

    def __contains__(self, key: str) -> bool:
        """Whether the spec has a sub-model called `key`."""
        ...

    def keys(self) -> Sequence[str]:
        """Names of all sub-models."""
        ...

    def find(self, key: str) -> Network | None:
        """The sub-model, None when it is broken."""
        ...


@dataclass(frozen=True, slots=True)
class Declared:
    """What a layer keeps for the shapes of a call; a sub-model keeps nothing itself."""

    weights: tuple[Weight, ...] = ()
    states: tuple[Weight, ...] = ()

    @staticmethod
    def of(layer: Layer | Network, shapes: tuple[Shape, ...]) -> Declared:
        """Raises ShapeError when the shapes do not fit."""
        if network_in(layer) is not None:
            return Declared()
        own = cast("Layer", layer)
        return Declared(own.weights(shapes), own.states(shapes))


class ModelBuilder:
    """Builds the network of one `ModelSpec`."""

    def __init__(self, model: ModelSpec, models: Models, prefix: str, *, frozen: bool) -> None:
        self.model = model
        self.models = models
        self.prefix = prefix
        self.frozen = frozen
        self.failed = False
        # By the name that references use; None where the entry failed.
        self.calls: dict[str, Call | None] = {}
        self.nodes: dict[str, Node] = {}
        self.sub_models: dict[str, Node] = {}

    def network(self) -> Network | None:
        """The network, or None when something is wrong; the problems then have it."""
        inputs = tuple(self._input(i) for i in range(len(self.model.inputs)))
        calls: list[Call] = []
        for i, entry in enumerate(self.model.entries):
            try:
                call = self._entry(entry, i)
            except Wrong as wrong:
                self.calls.setdefault(entry.name, None)
                self._report(wrong.message, entry.place, entry_path(entry))
            else:
                self.calls[entry.name] = call
                calls.append(call)
        outputs = self._outputs()
        if self.failed:
            return None
        order, running = keras_order(inputs, outputs)
        self._check_reached(order)
        kind = self._kind(inputs, outputs, calls)
        if kind == "sequential":
            order, running = [call.node for call in calls], calls
        if self.failed:
            return None
        parts = (inputs, outputs, tuple(order), tuple(calls), tuple(running))
        return Network(self.model.name, kind, *parts, not self.frozen)

    def _report(self, message: str | None, place: Place, path: str) -> None:
        self.failed = True
        if message is not None:
            self.models.problems.add(place, path, message)

    def _input(self, i: int) -> Ref:
        item = self.model.inputs[i]
        path = f"{self._where}inputs.{item.name}"
        if item.name in self.calls:
            self._report(f"a second input is called {item.name!r}", item.place, path)
        node = Node(item.name, item.layer, place=item.place, path=path)
        shape = item.layer.full_shape
        text = (item.layer.dtype == "string",)
        call = Call(
            node, item.name, output_shapes=(shape,), texts=text, place=item.place, path=path
        )
        node.calls.append(call)
        message = size_problem("the input", shape, item.layer.dtype)
        if message:
            self._report(message, item.place, path)
        self.calls[item.name] = None if message else call
        self.nodes[item.name] = node
        return Ref(call)

    @property
    def _where(self) -> str:
        """What a path begins with: `models.encoder.` inside a sub-model."""
        return f"models.{self.prefix[:-1]}." if self.prefix else ""

    def _entry(self, entry: Entry, position: int) -> Call:
        """The call that an entry makes.

        Raises:
            Wrong: the entry cannot be called.
        """
        if entry.name in self.calls:
            raise Wrong(f"a second entry is called {entry.name!r}; give it another `name`")
        node = self._called(entry)
        layer = self._layer(entry) if node is None else node.layer
        if isinstance(layer, InputLayer):
            raise Wrong(f"{entry.call!r} is an input and cannot be called")
        check_flags(entry, layer)
        inputs, written = inputs_of(entry, layer, self.model, position, self.calls)
        mask = None
        if takes_mask(layer) and len(inputs) > 1:
            inputs, mask = inputs[:1], inputs[1]
        shapes = tuple(() if ref is None else ref.shape for ref in inputs)
        try:
            outputs = call_shapes(layer, shapes, entry.flags)
            declared = Declared.of(layer, shapes)
            entering = [ref is not None and ref.text for ref in inputs]
            texts = call_texts(layer, entering, len(outputs))
        except ShapeError as error:
            raise Wrong(str(error)) from error
        for shape in outputs:
            if message := size_problem("the output", shape):
                raise Wrong(message)
        if node is None:
            node = self._node(entry, layer, declared)
        elif node.inner is None:
            check_reuse(node, declared, shapes)
        call = Call(
            node, entry.name, len(node.calls), inputs, written, entry.flags, outputs, texts,
            entry.place, entry_path(entry), mask,
        )  # fmt: skip
        node.calls.append(call)
        return call

    def _called(self, entry: Entry) -> Node | None:
        """The node that an entry calls again; None for a first call."""
        if entry.call is None:
            return None
        if entry.call in self.calls:
            call = self.calls[entry.call]
            if call is None:
                raise Wrong(None)
            return call.node
        if entry.call in self.models:
            return self.sub_models.get(entry.call)
        if entry.call in {other.name for other in self.model.entries}:
            raise Wrong(f"calls {entry.call!r} above its entry; move this one below it")
        known = [name for name, call in self.calls.items() if call is None or call.inputs]
        raise Wrong(
            f"calls {entry.call!r}, which is neither an entry above nor one of `models`;"
            + nearest(entry.call, [*known, *self.models.keys()])
        )

    def _layer(self, entry: Entry) -> Layer | Network:
        """What a first call calls.

        Raises:
            Wrong: there is no such model, or it does not fit where it stands.
        """
        applied = applied_in(entry.layer)
        if entry.layer is not None and applied is None:
            return entry.layer
        name = called_model(entry) or ""
        if name not in self.models:
            raise Wrong(f"nothing under `models:` is called {name!r};" + self._nearest(name))
        network = self.models.find(name)
        if network is None:
            raise Wrong(None)
        if entry.layer is None:
            return network
        if len(network.inputs) != 1 or len(network.outputs) != 1:
            counts = f"{len(network.inputs)} and {len(network.outputs)}"
            raise Wrong(f"expected a model with one input and one output, {name!r} has {counts}")
        inner = AppliedNetwork.of(name, network)
        return entry.layer.model_copy(update={"layer": inner})

    def _nearest(self, name: str) -> str:
        return nearest(name, self.models.keys())

    def _node(self, entry: Entry, layer: Layer | Network, declared: Declared) -> Node:
        """The node of a first call.

        Raises:
            Wrong: its name is taken, or a weight cannot be.
        """
        inner = network_in(layer)
        sub_model = inner is layer
        name = layer.name if isinstance(layer, Network) else entry.name
        if name in self.nodes:
            raise Wrong(f"a second layer is called {name!r}; give it another `name`")
        trainable = layer.trainable and not self.frozen
        if inner is not None:
            weights, states = tuple(inner.weights), tuple(inner.states)
        else:
            prefix = f"{self.prefix}{name}"
            weights = node_weights(prefix, declared.weights, trainable=trainable)
            states = node_weights(prefix, declared.states, trainable=False)
        place, path = entry.place, entry_path(entry)
        node = Node(name, layer, weights, states, trainable, place, path, inner=inner)
        self.nodes[name] = node
        if sub_model:
            self.sub_models[entry.call or ""] = node
        return node

    def _outputs(self) -> tuple[Ref, ...]:
        """The model's outputs: those it names, or all of its last entry's."""
        path = f"{self._where}outputs"
        if not self.model.entries:
            self._report("the model has no layers", self.model.place, f"{self._where}layers")
            return ()
        if not self.model.outputs:
            last = self.calls[self.model.entries[-1].name]
            return last.refs if last is not None else ()
        refs: list[Ref] = []
        for reference in self.model.outputs:
            try:
                refs.append(resolve(reference, self.calls, ()))
            except Wrong as wrong:
                self._report(wrong.message, self.model.place, path)
        return tuple(refs)

    def _check_reached(self, reached: Sequence[Node]) -> None:
        """Report layers that no output needs: in a spec they can only be a mistake."""
        found = set(reached)
        for node in self.nodes.values():
            if node not in found:
                self._report(
                    "no output needs this layer; name it in `outputs:`, use it, or remove it",
                    node.place,
                    node.path,
                )

    def _kind(
        self, inputs: tuple[Ref, ...], outputs: tuple[Ref, ...], calls: Sequence[Call]
    ) -> Literal["sequential", "functional"]:
        """The kind asked for; by itself a chain of layers called once each is sequential."""
        chain = len(inputs) == 1 and is_chain(inputs[0].call, calls) and outputs == calls[-1].refs
        if self.model.kind == "sequential" and not chain:
            self._report(
                "a sequential model is a chain: one input, the outputs of its last layer, each"
                " layer called once on the one above; write kind: functional, or leave `kind` out",
                self.model.place,
                f"{self._where}kind",
            )
        alone = chain and len(outputs) == 1
        return self.model.kind or ("sequential" if alone else "functional")


def check_flags(entry: Entry, layer: Layer | Network) -> None:
    """Raise Wrong when a call is given an argument that it does not take."""
    known = ("training", *(() if isinstance(layer, Network) else layer.call_flags))
    for name in entry.flags:
        if name not in known:
            raise Wrong(f"has no call argument {name!r};{nearest(name, known)}")


def entry_path(entry: Entry) -> str:
    """`layers[2] (conv2d)`: where an entry stands, and its name."""
    return f"{entry.path} ({entry.name})" if entry.path else entry.name


def node_weights(
    prefix: str, declared: Sequence[Weight], *, trainable: bool
) -> tuple[NodeWeight, ...]:
    """The weights of a layer under names that are unique in the model.

    Raises:
        Wrong: one is empty or too large.
    """
    weights: list[NodeWeight] = []
    names: set[str] = set()
    for weight in declared:
        if message := size_problem(f"the weight {weight.name}", weight.shape, weight.dtype):
            raise Wrong(message)
        # Two cells of one layer may both call a weight `kernel`, as in Keras.
        name, n = weight.name, 0
        while name in names:
            n += 1
            name = f"{weight.name}_{n}"
        names.add(name)
        weights.append(NodeWeight(f"{prefix}/{name}", weight, trainable and weight.trainable))
    return tuple(weights)


def check_reuse(node: Node, declared: Declared, shapes: tuple[Shape, ...]) -> None:
    """Raise Wrong when a layer is called again on shapes for which its weights do not fit."""
    held = [weight.weight.shape for weight in (*node.weights, *node.states)]
    if held == [weight.shape for weight in (*declared.weights, *declared.states)]:
        return
    first = ", ".join(show(shape) for shape in node.calls[0].input_shapes)
    raise Wrong(
        f"{node.name!r} has weights for {first} and cannot be called again on "
        + ", ".join(show(shape) for shape in shapes)
    )
