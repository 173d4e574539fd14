"""Where Keras stores each weight: groups of an HDF5 file, named after classes and attributes.

Source: keras/src/saving/saving_lib.py, _save_state and _save_container_state (3.15.1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from specc.family import snake_case
from specc.layer import InputLayer
from specc.layers.operations import Operation
from specc.network import Network, Node

# The group of a model's layers, and that of the variables of one object.
LAYERS, VARIABLES = "layers", "vars"


def groups(network: Network, above: str = "") -> Iterator[tuple[str, list[str], str]]:
    """(group, names of the weights in it in Keras' order, name of the layer), for each layer.

    A layer's group is called after its class and counted in the order of `model.layers`.
    """
    seen: Counter[str] = Counter()
    for node in network.nodes:
        if isinstance(node.layer, Operation):
            continue
        stem = snake_case(node.type_name)
        path = f"{above}{LAYERS}/{stem}" + (f"_{seen[stem]}" if seen[stem] else "")
        seen[stem] += 1
        if node.inner is not None:
            held = "" if isinstance(node.layer, Network) else "layer/"
            yield from groups(node.inner, f"{path}/{held}")
        elif not isinstance(node.layer, InputLayer) and node.weights:
            for group, names in _of_layer(node).items():
                yield f"{path}/{group}".rstrip("/"), names, node.name


def _of_layer(node: Node) -> dict[str, list[str]]:
    """The groups of one layer, its weights under their names in the model."""
    if isinstance(node.layer, Network | InputLayer):
        return {}
    first = node.weights[0]
    path = len(first.name) - len(first.weight.name)
    local = [replace(w.weight, name=w.name[path:]) for w in node.weights]
    full = {w.name[path:]: w.name for w in node.weights}
    found = node.layer.stored(local)
    return {group: [full[name] for name in names] for group, names in found.items()}
