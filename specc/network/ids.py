"""How many different ids the inputs of a model may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc.errors import Place
from specc.layer import InputLayer, Layer
from specc.network.graph import Network


@dataclass(frozen=True, slots=True)
class Limit:
    """Ids 0 to `count` - 1, since a layer at a place in the spec has no more rows."""

    count: int
    place: Place
    path: str


def id_limits(network: Network) -> Mapping[str, Limit]:
    """The least limit of each input that goes straight into a layer that looks ids up."""
    names = network.input_names
    found: dict[str, Limit] = {}
    for call in network.calls:
        inner: Mapping[str, Limit] = {}
        order: tuple[str, ...] = ()
        layer, within = call.called, call.node.inner
        if within is not None:
            inner, order = id_limits(within), within.input_names
        for i, ref in enumerate(call.inputs):
            if ref is None or not isinstance(ref.call.node.layer, InputLayer):
                continue
            limit: Limit | None = None
            if within is not None:
                limit = inner.get(order[i]) if i < len(order) else None
            elif i == 0 and isinstance(layer, Layer):
                count = layer.ids(call.flags)
                limit = None if count is None else Limit(count, call.node.place, call.node.path)
            name = ref.call.node.name
            known = found.get(name)
            if limit is not None and name in names and (known is None or limit.count < known.count):
                found[name] = limit
    return found
