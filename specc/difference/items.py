"""What is compared: the layers of a model, each with its settings, shapes, counts and feeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from specc.layer import Layer
from specc.network import Call, Network, Node
from specc.network.graph import layer_calls
from specc.tensors import Shape

# What enters: the name of a layer or input, and which of its outputs.
Feed: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One layer or sub-model.

    Attributes:
        name: unique; `encoder/dense` inside a sub-model.
        written: the name, unless it is an automatic one.
        type: Keras' class name.
        settings: the layer's fields as JSON has them; none for a sub-model.
        output: shapes of the outputs of the last call.
        macs: of all calls, for one sample.
        feeds: everything that enters, over all calls.
    """

    name: str
    written: str | None
    type: str
    settings: Mapping[str, Any]
    output: tuple[Shape, ...]
    params: int
    macs: int
    feeds: tuple[Feed, ...]

    @property
    def token(self) -> tuple[str | None, str, str]:
        """Equal for layers that are surely the same one."""
        return self.written, self.type, repr(self.settings)


def items(network: Network, prefix: str = "") -> list[Item]:
    """Every layer, in the order of first calls; a sub-model's layers after it, once."""
    found: list[Item] = []
    for node in dict.fromkeys(call.node for call in network.calls):
        found.append(_item(node, prefix))
        if node.inner is not None:
            found += items(node.inner, f"{prefix}{node.name}/")
    return found


def _item(node: Node, prefix: str) -> Item:
    layer = node.layer
    return Item(
        prefix + node.name,
        prefix + node.name if node.number is None else None,
        node.type_name,
        layer.model_dump(mode="json") if isinstance(layer, Layer) else {},
        node.output_shapes,
        node.params,
        sum(_macs(call) for call in node.calls),
        tuple((prefix + ref.call.node.name, ref.output) for c in node.calls for ref in c.written),
    )


def _macs(call: Call) -> int:
    applied = layer_calls(call.called, call.input_shapes, call.output_shapes)
    return sum(layer.cost(inputs, outputs[0]).macs for layer, inputs, outputs in applied)
