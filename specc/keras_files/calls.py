"""Calls as Keras writes them into functional models: `{"args": [...], "kwargs": {...}}`."""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType
from typing import Any, TypeAlias

from specc.keras_files.objects import config_of, constant
from specc.keras_import.source import Json
from specc.layer import Layer
from specc.layers.operations import Operation
from specc.layers.operations.index import Index, Item
from specc.network import Call, Network, Node, Ref

History: TypeAlias = list[Any]
# What Keras calls each node.
Names: TypeAlias = Mapping[Node, str]


def keras_names(network: Network) -> dict[Node, str]:
    """A name for every node: Keras takes no `/`, which names in blocks have."""
    names: dict[Node, str] = {}
    taken = {node.name for node in network.nodes if "/" not in node.name}
    for node in [ref.call.node for ref in network.inputs] + list(network.nodes):
        name = stem = node.name.replace("/", "_")
        n = 0
        while "/" in node.name and name in taken:
            n += 1
            name = f"{stem}_{n}"
        if node not in names:
            names[node] = name
            taken.add(name)
        if node.inner is not None:
            names |= keras_names(node.inner)
    return names


def history(ref: Ref, names: Names, *, is_output: bool = False) -> History:
    """[layer, call, output]; a functional model counts a call more where it is an output.

    Source: keras/src/models/functional.py, functional_from_config (3.15.1).
    """
    node = ref.call.node
    functional = isinstance(node.layer, Network) and node.layer.kind == "functional"
    return [names[node], ref.call.index + (is_output and functional), ref.output]


def tensor(ref: Ref, names: Names) -> Json:
    """A tensor; only its history is read when the model is loaded."""
    config = {"shape": list(ref.shape), "dtype": "float32", "keras_history": history(ref, names)}
    return {"class_name": "__keras_tensor__", "config": config}


def inbound(call: Call, names: Names) -> Json:
    """One entry of `inbound_nodes`."""
    layer = call.called
    if isinstance(layer, Network):
        refs = [tensor(ref, names) for ref in call.inputs if ref is not None]
        mask = {} if call.mask is None else {"mask": tensor(call.mask, names)}
        return _node([refs if len(refs) > 1 else refs[0]], call, mask)
    if isinstance(layer, Operation):
        return _node(_operands(layer, call, names), call)
    given = [None if ref is None else tensor(ref, names) for ref in call.inputs]
    if not layer.arguments:
        return _node([given if layer.max_inputs != 1 else given[0]], call)
    return _by_name(layer, given, call)


def _node(args: list[Any], call: Call, more: Json | None = None) -> Json:
    return {"args": args, "kwargs": {**(more or {}), **call.flags}}


def _by_name(layer: Layer, given: list[Any], call: Call) -> Json:
    """A call whose layer names its arguments: the first by position, others by keyword."""
    named = dict(zip(layer.arguments, given, strict=False))
    first = [name for name in layer.arguments[: max(layer.min_inputs, 1)] if name in named]
    lists = layer.argument_lists
    args = [named.pop(name) for name in first]
    if "mask" in lists:
        # Layers that take all masks in one list take their tensors in one as well.
        masks = {name for names in lists.values() for name in names}
        args = [args + [named.pop(name) for name in [*named] if name not in masks]]
    kwargs: dict[str, Any] = {}
    for key, names in lists.items():
        items = [named.pop(name, None) for name in names]
        while items and items[-1] is None:
            items.pop()
        if items:
            kwargs[key] = items
    return _node(args, call, kwargs | {key: x for key, x in named.items() if x is not None})


def _operands(layer: Operation, call: Call, names: Names) -> list[Any]:
    """The arguments of an operation's call: inputs where no field gives a constant."""
    refs = [tensor(ref, names) for ref in call.written]
    if layer.listed:
        return [refs]
    if not layer.operands:
        return list(refs)
    rest = iter(refs)
    args: list[Any] = []
    for name in layer.operands:
        field = layer.renamed.get(name, name)
        value = getattr(layer, field, None)
        if field == "index":
            args.append([_part(part) for part in Index.read(str(value)).parts])
        elif value is None:
            args.append(next(rest, None))
        else:
            args.append(constant(value))
    while args and args[-1] is None:
        args.pop()
    return args


def _part(part: Item | EllipsisType) -> object:
    """One entry of an index."""
    if isinstance(part, EllipsisType):
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(part, slice):
        config = {"start": part.start, "stop": part.stop, "step": part.step}
        return {"class_name": "__slice__", "config": config}
    return part


def operation_config(layer: Operation, name: str) -> dict[str, Any]:
    """The constructor's arguments of an operation; operands are those of its call."""
    operands = [layer.renamed.get(key, key) for key in layer.operands]
    return {**config_of(layer, operands), "name": name}
