"""Runs a network's layers in order, giving each what `Lowering` promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from specc import primitives as ops
from specc.errors import InternalError
from specc.layer import InputLayer, Layer, Lowering, Masks
from specc.layers.operations import Operation
from specc.network import Call, Network, NodeWeight
from specc.primitives import Tensor, Trace
from specc.tensors import BATCH, Dims, Shape


@dataclass(slots=True)
class Forward:
    """What lowering a network collects.

    Attributes:
        weights: tensors of the weights, by unique name, made when first asked for.
        updates: new values of non-trainable weights and of states after the batch.
        losses: scalars that layers and regularizers add to the loss.
        step: the step counter that keys random numbers, when there is one.
    """

    trace: Trace
    training: bool
    seed: int
    step: Tensor | None = None
    weights: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    updates: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    losses: list[Tensor] = field(default_factory=list[Tensor])

    def weight(self, declared: NodeWeight) -> Tensor:
        """The tensor of a weight; after an update in this step, the updated one."""
        updated = self.updates.get(declared.name)
        if updated is not None:
            return updated
        found = self.weights.get(declared.name)
        if found is None:
            weight = declared.weight
            dtype = self.trace.floatx if weight.dtype == "float32" else weight.dtype
            found = self.weights[declared.name] = ops.state(
                self.trace, declared.name, weight.shape, dtype, trainable=declared.trainable
            )
        return found


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor on its way through the network, with the mask that travels with it."""

    tensor: Tensor
    mask: Tensor | None = None


@dataclass(slots=True)
class LayerLowering:
    """`specc.layer.Lowering` for one call of one layer."""

    forward: Forward
    owner: str
    declared: Mapping[str, NodeWeight]
    training: bool
    flags: Mapping[str, Any]
    masks: Masks
    seed: int
    draws: int = 0
    network: Network | None = None
    runs: int = 0

    def weight(self, name: str) -> Tensor:
        """The layer's weight or state called `name`."""
        return self.forward.weight(self.declared[name])

    def assign(self, name: str, value: Tensor) -> None:
        """The weight's or state's value after this batch."""
        self.forward.updates[self.declared[name].name] = value

    def add_loss(self, value: Tensor) -> None:
        """A scalar to add to the loss."""
        self.forward.losses.append(value)

    def _key(self) -> tuple[Tensor, str]:
        step = self.forward.step
        if step is None:
            # A layer that is called as in training in a graph without steps: always step 0.
            step = self.forward.trace.constant(np.zeros((), np.int64))
        self.draws += 1
        return step, f"{self.owner}/{self.draws}"

    def uniform(self, like: Tensor, shape: Dims) -> Tensor:
        """Fresh numbers in [0, 1)."""
        step, stream = self._key()
        return ops.random_uniform(like, shape, step, seed=self.seed, stream=stream)

    def normal(self, like: Tensor, shape: Dims) -> Tensor:
        """Fresh standard normal numbers."""
        step, stream = self._key()
        return ops.random_normal(like, shape, step, seed=self.seed, stream=stream)

    def model(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """What the sub-model that the layer holds makes of a tensor.

        Raises:
            InternalError: it holds none.
        """
        if self.network is None:
            raise InternalError(f"{self.owner} holds no model")
        self.runs += 1
        inner = replace(self.forward, training=self.training)
        label = f"{self.owner}/{self.runs}/"  # each run has random numbers of its own
        return _lower_network(self.network, [Flow(x, mask)], inner, label)[0].tensor


def dims(shape: Shape, batch: int | None = None) -> Dims:
    """A layer's shape as the compiler's: the leading unknown length is the batch.

    Raises:
        InternalError: another length is unknown; callers fix those before.
    """
    rest = [d for d in shape[1:] if d is not None]
    if len(rest) != len(shape) - 1:
        raise InternalError(f"{shape} has an open length besides the batch")
    lead = shape[0] if shape[0] is not None else batch
    return (BATCH if lead is None else lead, *rest)


def lower_network(network: Network, inputs: Sequence[Tensor], forward: Forward) -> list[Flow]:
    """The network's outputs on `inputs`; state updates and losses are collected in `forward`."""
    return _lower_network(network, [Flow(x) for x in inputs], forward, "")


def _lower_network(
    network: Network, inputs: Sequence[Flow], forward: Forward, prefix: str
) -> list[Flow]:
    known: dict[tuple[Call, int], Flow] = {}
    for ref, flow in zip(network.inputs, inputs, strict=True):
        known[ref.call, 0] = flow
    for call in network.running:
        given = [None if ref is None else known[ref.call, ref.output] for ref in call.inputs]
        label = _label(call, prefix)
        if isinstance(call.called, Network):
            present = [x for x in given if x is not None]
            if call.mask is not None:
                present = [Flow(present[0].tensor, known[call.mask.call, call.mask.output].tensor)]
            training = bool(call.flags.get("training", forward.training))
            inner = replace(forward, training=training)  # shares what it collects
            outputs = _lower_network(call.called, present, inner, f"{label}/")
        else:
            with forward.trace.scope(label):
                outputs = _lower_call(call, call.called, given, forward, label)
        for i, output in enumerate(outputs):
            known[call, i] = output
    return [known[ref.call, ref.output] for ref in network.outputs]


def _label(call: Call, prefix: str) -> str:
    """The scope of a call's tensors and nodes."""
    return f"{prefix}{call.node.name}" + (f"@{call.index}" if call.index else "")


def call_at(network: Network, scope: str, prefix: str = "") -> Call | None:
    """The call whose tensors and nodes have a scope; None for those of losses and metrics."""
    for call in network.calls:
        label = _label(call, prefix)
        if label == scope:
            return call
        if call.node.inner is not None and scope.startswith(f"{label}/"):
            run = scope.removeprefix(f"{label}/").partition("/")[0]
            within = f"{label}/" if isinstance(call.called, Network) else f"{label}/{run}/"
            return call_at(call.node.inner, scope, within)
    return None


def _lower_call(
    call: Call, layer: Layer, given: Sequence[Flow | None], forward: Forward, label: str
) -> list[Flow]:
    # Unique names are the node's path and the local name, which the first weight tells apart.
    held = () if call.node.inner is not None else (*call.node.weights, *call.node.states)
    path = len(held[0].name) - len(held[0].weight.name) if held else 0
    declared = {w.name[path:]: w for w in held}
    if layer.trainable and not call.node.trainable:
        # An enclosing model is frozen; as in Keras its layers then behave as frozen ones.
        layer = layer.frozen()
    training = bool(call.flags.get("training", forward.training))
    own_seed = getattr(layer, "seed", None)
    seed = forward.seed if own_seed is None else own_seed
    masks = tuple(None if flow is None else flow.mask for flow in given)
    low: Lowering = LayerLowering(
        forward, label, declared, training, call.flags, masks, seed, network=call.node.inner
    )
    tensors = [None if x is None else _cast_for(layer, x.tensor) for x in given]
    inputs = layer.with_masks(tensors, masks)
    # A layer that takes optional tensors declares them as such; `inputs` of others are all there.
    result = layer.lower(low, *cast("Sequence[Tensor]", inputs))
    outputs = list(result) if isinstance(result, tuple) else [result]
    if layer.activity_regularizer is not None:
        for output in outputs:
            penalty = layer.activity_regularizer.penalty(output)
            forward.losses.append(penalty / ops.batch_size(output))
    _check(call, outputs)
    made = layer.output_masks(inputs, _effective(layer, inputs, masks))
    return [Flow(y, made[i] if i < len(made) else None) for i, y in enumerate(outputs)]


def _cast_for(layer: Layer, x: Tensor) -> Tensor:
    """An argument as Keras casts it: layers compute in one floating type, operations in any."""
    if isinstance(layer, Operation) or not ops.is_float(x):
        return x
    return ops.cast(x, x.trace.floatx)


def _effective(
    layer: Layer, inputs: Sequence[Tensor | None], masks: Sequence[Tensor | None]
) -> Masks:
    """The inputs' masks; one that the call gives as Keras' argument `mask` replaces its source's.

    Source: keras/src/layers/layer.py, Layer.__call__, `previous_mask` (3.15.1).
    """
    found = list(masks)
    listed = layer.argument_lists.get("mask", ("mask",))
    for name, source in layer.mask_arguments.items():
        at, of = layer.arguments.index(name), layer.arguments.index(source)
        if name in listed and at < len(inputs) and of < len(found) and inputs[at] is not None:
            found[of] = inputs[at]
    return tuple(found)


def _check(call: Call, outputs: Sequence[Tensor]) -> None:
    """The layer's own shape rule against what its lowering made: two independent answers."""
    for declared, output in zip(call.output_shapes, outputs, strict=True):
        same = len(declared) == output.rank and all(
            d is None or d == o for d, o in zip(declared, output.shape, strict=True)
        )
        if not same:
            raise InternalError(
                f"{call.path or call.name}: the shape rule says {declared}, the lowering made"
                f" {output.shape}"
            )


def weight_penalties(network: Network, forward: Forward, output: Tensor) -> list[Tensor]:
    """Regularizers of trainable weights that the forward pass used; `output` has the batch."""
    found: list[Tensor] = []
    for w in network.weights:
        rule = w.weight.regularizer
        if rule is not None and w.trainable and w.name in forward.weights:
            penalty = rule.penalty(forward.weight(w))
            found.append(penalty / ops.batch_size(output) if rule.per_sample else penalty)
    return found


def input_tensors(network: Network, trace: Trace, batch: int | None = None) -> list[Tensor]:
    """Graph inputs for the network's inputs, under their names."""
    tensors: list[Tensor] = []
    for ref in network.inputs:
        layer = ref.call.node.layer
        if not isinstance(layer, InputLayer):
            raise InternalError(f"{ref.call.name} is no input")
        dtype = trace.floatx if layer.dtype == "float32" else layer.dtype
        tensors.append(ops.graph_input(trace, ref.call.node.name, dims(ref.shape, batch), dtype))
    return tensors


def total(parts: Sequence[Tensor]) -> Tensor:
    """The sum of scalars, left to right."""
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result
