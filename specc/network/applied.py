"""A sub-model inside a layer: `time_distributed: {layer: {call: NAME}}`."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import PrivateAttr
from typing_extensions import override

from specc.layer import Cost, Layer, Shapes
from specc.layers.applied import Applied, Wrapper
from specc.network.graph import Network, layer_calls
from specc.spec.model import Entry
from specc.tensors import Shape


class AppliedNetwork(Applied):
    """The model that a name stands for, as a layer of one input and one output."""

    abstract: ClassVar[bool] = True

    _network: Network = PrivateAttr()

    @classmethod
    def of(cls, name: str, network: Network) -> Self:
        """The model called `name`."""
        made = cls(call=name)
        made._network = network
        return made

    @property
    def network(self) -> Network:
        """The model."""
        return self._network

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (output,) = self._network.outputs
        return self._network.shapes_for(inputs[:1])[output.call][output.output]

    @override
    def in_turn(self, inputs: Shapes, *, training: bool) -> bool:
        network = self._network
        if network.batch is not None:
            return True
        shapes = network.shapes_for(inputs[:1])
        for call in network.calls:
            layer, given = call.called, call.entering(shapes)
            if isinstance(layer, Network):
                layer = AppliedNetwork.of(call.name, layer)
            elif not call.node.trainable:
                layer = layer.frozen()
            trained = bool(call.flags.get("training", training))
            # A penalty, which evaluation has too, is divided by the samples of one call.
            penalty = layer.activity_regularizer is not None
            if penalty or layer.in_turn(given, training=trained):
                return True
        return False

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        del output
        applied = layer_calls(self._network, inputs[:1], ())
        costs = [layer.cost(given, made[0]) for layer, given, made in applied]
        return Cost(sum(cost.macs for cost in costs), sum(cost.ops for cost in costs))


def called_model(entry: Entry) -> str | None:
    """The name that an entry calls, itself or inside its layer; None when it calls nothing."""
    applied = applied_in(entry.layer)
    return entry.call if applied is None else applied.call


def applied_in(layer: object) -> Applied | None:
    """The model that a layer holds; None when it holds none."""
    inner: Layer | None = layer.layer if isinstance(layer, Wrapper) else None
    return inner if isinstance(inner, Applied) else None


def network_in(layer: object) -> Network | None:
    """The model that a layer is or holds; None when it is a layer alone."""
    if isinstance(layer, Network):
        return layer
    applied = applied_in(layer)
    return applied.network if isinstance(applied, AppliedNetwork) else None
