"""A spec as plain lines, one for each layer, with its shapes: what `git diff` compares.

git config diff.specc.textconv "specc diff --textconv"
echo "*.yaml diff=specc" >> .gitattributes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from specc.costs import costs
from specc.layer import InputLayer, Layer
from specc.network import Call, Network, build
from specc.spec.emit import flow
from specc.spec.model import Spec
from specc.spec.nodes import Fields, Items, Node, Scalar, Value
from specc.summaries.rows import shape_text

SECTIONS = ("train", "data")


def canonical(spec: Spec) -> str:
    """The lines. Automatic names are left out, for they shift when a layer is put in.

    Raises:
        SpecError: the spec has problems.
    """
    network = build(spec)
    found = costs(network)
    lines = [f"{path}: {line(value)}" for path, value in model_settings(network).items()]
    lines += _lines(network, "")
    for name in SECTIONS:
        lines += [f"{name}.{key}: {line(item)}" for key, item in section(spec, name).items()]
    lines.append(f"total: {found.params:,} params, {found.macs:,} MACs")
    return "\n".join(lines)


def model_settings(network: Network) -> dict[str, Any]:
    """What a model has beside its layers, by path: name, kind, inputs, outputs."""
    found: dict[str, Any] = {"name": network.name, "kind": network.kind}
    for ref in network.inputs:
        layer = ref.call.node.layer
        if isinstance(layer, InputLayer):
            shape = {"shape": list(layer.full_shape[1:]), "dtype": layer.dtype}
            found[f"inputs.{ref.call.name}"] = shape
    found["outputs"] = [list(ref.shape[1:]) for ref in network.outputs]
    return found


def section(spec: Spec, name: str, *, whole: bool = False) -> dict[str, Any]:
    """The fields of `train` or `data`; those at their defaults only when the whole is wanted."""
    found: BaseModel | None = getattr(spec, name)
    return {} if found is None else found.model_dump(mode="json", exclude_defaults=not whole)


def line(value: object) -> str:
    """A value in one line, as a spec writes it."""
    return flow(_node(value))


def _node(value: object) -> Node:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Value, object]", value).items()
        return Fields([(Scalar(key), _node(item)) for key, item in pairs])
    if isinstance(value, list | tuple):
        return Items([_node(item) for item in cast("list[object]", value)])
    return Scalar(cast("Value", value))


def _lines(network: Network, prefix: str) -> list[str]:
    found: list[str] = []
    above: Call | None = network.inputs[0].call if len(network.inputs) == 1 else None
    for call in network.calls:
        found.append(prefix + _line(call, above))
        above = call
        if call.node.inner is not None and not call.index:
            found += _lines(call.node.inner, f"{prefix}{call.node.name}/")
    return found


def _written(layer: Layer) -> str:
    """`conv2d {filters: 8, kernel_size: 3}`, as a spec has it without the outer braces."""
    written = layer.written()
    fields = cast("dict[str, object]", written)[layer.key] if isinstance(written, dict) else None
    return layer.key if fields is None else f"{layer.key} {line(fields)}"


def _line(call: Call, above: Call | None) -> str:
    """`name: layer <- what enters -> shapes, params`; that the one above enters is not said."""
    node = call.node
    if call.index:
        said = f"call {node.name}"
    elif isinstance(node.layer, Layer):
        said = _written(node.layer)
    else:
        said = f"model {node.name}"
    parts = [said if node.number is not None or call.index else f"{node.name}: {said}"]
    if [ref.call for ref in call.written] != [above]:
        feeds = [ref.call.name + (f"[{ref.output}]" if ref.output else "") for ref in call.written]
        parts.append("<- " + ", ".join(feeds))
    if call.flags:
        parts.append(line(dict(call.flags)))
    parts.append("-> " + shape_text(call.output_shapes))
    if node.params and not call.index:
        parts.append(f"{node.params:,} params")
    return " ".join(parts)
