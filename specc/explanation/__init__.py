"""`explain`: the arithmetic of a model, layer by layer, as a student writes it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from specc.costs import costs
from specc.errors import SpeccError, nearest
from specc.explanation.arithmetic import Line, parameter_line, shape_lines
from specc.explanation.connections import connection_lines, field_lines, work_line
from specc.layer import Layer
from specc.network import Network, Node, build
from specc.receptive import Fields, receptive_fields
from specc.spec.model import Spec
from specc.tensors import show

INDENT = "  "


@dataclass(frozen=True, slots=True)
class _Section:
    """One layer, where it stands and what its first call sees."""

    name: str
    node: Node
    fields: Fields


def explain(model: Spec | Network, layer: str | None = None) -> str:
    """The arithmetic of every layer, or of the one called `layer` (`encoder/dense` in a sub-model).

    Raises:
        SpecError: the spec has problems.
        SpeccError: no layer is called so.
    """
    network = model if isinstance(model, Network) else build(model)
    texts = [_text(section) for section in _chosen(network, layer)]
    if layer is None:
        texts.append(_totals(network))
    return "\n\n".join(texts)


def explain_json(model: Spec | Network, layer: str | None = None) -> list[dict[str, Any]]:
    """The same as data: for each layer its name, its kind, and lines of label and text.

    Raises:
        SpecError, SpeccError: as `explain`.
    """
    network = model if isinstance(model, Network) else build(model)
    return [
        {
            "name": section.name,
            "type": section.node.type_name,
            "lines": [{"label": label, "text": text} for label, text in _lines(section)],
        }
        for section in _chosen(network, layer)
    ]


def _chosen(network: Network, layer: str | None) -> list[_Section]:
    """All layers, or the one called `layer`."""
    sections = list(_sections(network, ""))
    if layer is None:
        return sections
    chosen = [section for section in sections if section.name == layer]
    if not chosen:
        names = [section.name for section in sections]
        raise SpeccError(f"no layer is called {layer!r};{nearest(layer, names)}")
    return chosen


def _totals(network: Network) -> str:
    """The whole model in one line."""
    found = costs(network)
    return (
        f"{network.name}: {found.params:,} parameters ({found.trainable_params:,} trained), "
        f"{found.macs:,} MACs and {found.flops:,} FLOPs for one sample"
    )


def _sections(network: Network, prefix: str) -> Iterator[_Section]:
    """Layers in the order of their first calls, those of a sub-model after its own."""
    fields = receptive_fields(network)
    for node in dict.fromkeys(call.node for call in network.calls):
        yield _Section(prefix + node.name, node, fields[node.calls[0]])
        if node.inner is not None:
            yield from _sections(node.inner, f"{prefix}{node.name}/")


def _text(section: _Section) -> str:
    lines = _lines(section)
    width = max(len(label) for label, _ in lines) + 2
    rows = [f"{INDENT}{label.ljust(width)}{text}" for label, text in lines]
    return "\n".join([f"{section.name} ({section.node.type_name})", *rows])


def _lines(section: _Section) -> list[Line]:
    node, call = section.node, section.node.calls[0]
    lines: list[Line] = [("input", show(shape)) for shape in call.input_shapes]
    lines += [("output", show(shape)) for shape in call.output_shapes]
    layer = node.layer
    if node.inner is not None:
        lines.append(("inside", f"{len(node.inner.calls)} layers, explained below"))
        lines.append(("parameters", f"{node.params:,}"))
    elif isinstance(layer, Layer):
        inputs, outputs = call.input_shapes, call.output_shapes
        work = layer.cost(inputs, outputs[0])
        lines += shape_lines(layer, inputs, outputs)
        lines.append(("parameters", parameter_line(node.weights)))
        lines.append(("work", work_line(work, inputs, outputs)))
        lines += connection_lines(layer, work, inputs, outputs, node.weights)
    lines += field_lines(section.fields)
    if len(node.calls) > 1:
        lines.append(("called", f"{len(node.calls)} times, always with the same weights"))
    return lines
