"""Shapes as Keras' summary shows them, which here and there knows less than can be known."""

from __future__ import annotations

from collections.abc import Mapping

from specc.layer import Layer
from specc.network import Call, Network
from specc.network.graph import call_shapes
from specc.shapes import ShapeError
from specc.tensors import Shape


def shown_shapes(network: Network) -> Mapping[Call, tuple[Shape, ...]]:
    """Output shapes of every call of a network, inputs' calls included."""
    known = {ref.call: ref.call.output_shapes for ref in network.inputs}
    if not any(_shows_less(node.layer) for _, node in network.walk()):
        return known | {call: call.output_shapes for call in network.calls}
    return _through(network, known)


def _shows_less(layer: object) -> bool:
    return isinstance(layer, Layer) and type(layer).shown_shape is not Layer.shown_shape


def _through(
    network: Network, known: dict[Call, tuple[Shape, ...]]
) -> dict[Call, tuple[Shape, ...]]:
    for call in network.calls:
        given = call.entering(known)
        if isinstance(call.called, Network):
            inner = call.called
            entering = {ref.call: (shape,) for ref, shape in zip(inner.inputs, given, strict=True)}
            found = _through(inner, entering)
            known[call] = tuple(found[ref.call][ref.output] for ref in inner.outputs)
            continue
        try:
            known[call] = _of_layer(call.called, call, given)
        except ShapeError:
            known[call] = call.output_shapes  # Keras would not get here
    return known


def _of_layer(layer: Layer, call: Call, given: tuple[Shape, ...]) -> tuple[Shape, ...]:
    return (
        (layer.shown_shape(given),) if _shows_less(layer) else call_shapes(layer, given, call.flags)
    )
