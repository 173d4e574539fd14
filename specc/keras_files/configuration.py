"""A network as the configuration that Keras' `load_model` reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specc.errors import Problem, SpecError
from specc.keras_files.calls import History, Names, history, inbound, keras_names, operation_config
from specc.keras_files.objects import Unknown, object_of
from specc.keras_import.source import Json
from specc.layer import InputLayer
from specc.layers.operations import Operation
from specc.network import Network, Node


def configuration(network: Network) -> Json:
    """`config.json` of a model.

    Raises:
        SpecError: Keras lacks something; everything that it lacks, with its layer's name.
    """
    problems = list(_shared(network))
    made = _model(network, keras_names(network), problems)
    if problems:
        raise SpecError(problems)
    return made


def _shared(network: Network) -> Iterator[Problem]:
    """Models at several places: Keras' files make a model of its own of each."""
    seen: set[int] = set()
    for _, node in network.walk():
        if node.inner is not None and id(node.inner) in seen:
            message = (
                f"Keras' files hold a model at one place, {node.inner.name!r} stands at several:"
                " inside a layer, inside another model, or called itself"
            )
            yield Problem(node.place, node.path or node.name, message)
        seen.add(id(node.inner))


def _model(network: Network, names: Names, problems: list[Problem]) -> Json:
    config: dict[str, Any] = {"name": network.name, "trainable": network.trainable}
    if network.kind == "sequential":
        first = network.inputs[0].call.node
        nodes = [first, *(call.node for call in network.calls)]
        layers = [_layer(node, names, problems) for node in nodes]
        shape = list(network.inputs[0].shape)
        return {
            "module": "keras",
            "class_name": "Sequential",
            "config": config | {"layers": layers, "build_input_shape": shape},
            "registered_name": None,
            "build_config": {"input_shape": shape},
        }
    layers: list[Json] = []
    for node in network.nodes:
        layer = dict(_layer(node, names, problems))
        is_input = isinstance(node.layer, InputLayer)
        layer["name"] = names[node]
        layer["inbound_nodes"] = [] if is_input else [inbound(call, names) for call in node.calls]
        layers.append(layer)
    config["layers"] = layers
    config["input_layers"] = _alone([history(ref, names) for ref in network.inputs])
    outputs = [history(ref, names, is_output=True) for ref in network.outputs]
    config["output_layers"] = _alone(outputs)
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
    }


def _alone(histories: list[History]) -> list[Any]:
    """The only tensor itself: a list of one would make calls return lists, which no layer takes."""
    return histories if len(histories) > 1 else histories[0]


def _layer(node: Node, names: Names, problems: list[Problem]) -> Json:
    """A layer, input or nested model, without its calls."""
    layer = node.layer
    if isinstance(layer, Network):
        return _model(layer, names, problems)
    if isinstance(layer, InputLayer):
        config = {
            "batch_shape": list(layer.full_shape),
            "dtype": layer.dtype,
            "sparse": False,
            "name": names[node],
        }
        return {
            "module": "keras.layers",
            "class_name": "InputLayer",
            "config": config,
            "registered_name": None,
        }
    try:
        made = dict(object_of(layer, names[node]))
    except Unknown as error:
        problems.append(Problem(node.place, node.path or node.name, str(error)))
        return {"config": {}}
    if isinstance(layer, Operation):
        made["config"] = operation_config(layer, names[node])
    if node.inner is not None:
        made["config"] = {**made["config"], "layer": _model(node.inner, names, problems)}
    return made
