"""A graph as an ONNX model: nodes that the outputs need, names, types, constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from specc.errors import InternalError
from specc.graph import Body, Graph, Node, Value
from specc.onnx_api import BodyDef, NodeDef, TensorType, ValueDef, build


def to_bytes(
    graph: Graph,
    name: str,
    inputs: Sequence[Value],
    outputs: Mapping[str, Value],
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """A checked ONNX model that computes the named `outputs` from `inputs`.

    Every given input is declared, also one that no node reads, so that signatures do not
    depend on what simplification removed.
    """
    nodes = graph.live(list(outputs.values()))
    names, extra = _output_names(outputs)
    used = {id(x): x for node in nodes for x in node.reads if x is not None}
    for value in outputs.values():
        used[id(value)] = value
    known = {id(x) for x in inputs}
    for value in used.values():
        if value.node is None and value.const is None and id(value) not in known:
            raise InternalError(f"graph {name!r} reads {value.name!r}, which is no input of it")
    public = {x.name for x in inputs} | set(outputs)

    def label(value: Value | None) -> str:
        if value is None:
            return ""
        if id(value) in known or id(value) in names:
            return names.get(id(value), value.name)
        # What a user named keeps its name; `$` is in no name of a spec.
        return f"{value.name}$" if value.name in public else value.name

    defs = _defs(nodes, label)
    defs += [NodeDef("Identity", (label(v),), (k,), {}, f"output/{k}") for k, v in extra]
    return build(
        name,
        defs,
        [ValueDef(x.name, TensorType(x.dtype, x.shape)) for x in inputs],
        [ValueDef(k, TensorType(v.dtype, v.shape)) for k, v in outputs.items()],
        {label(v): v.const for v in used.values() if v.const is not None},
        graph.opset,
        metadata or {},
    )


def _output_names(
    outputs: Mapping[str, Value],
) -> tuple[dict[int, str], list[tuple[str, Value]]]:
    """Names that node results take as outputs, and the outputs that need an Identity of their own.

    A graph input, a constant, or a value that is an output already cannot be renamed.
    """
    names: dict[int, str] = {}
    extra: list[tuple[str, Value]] = []
    for name, value in outputs.items():
        if value.node is None or id(value) in names:
            extra.append((name, value))
        else:
            names[id(value)] = name
    return names, extra


def _defs(nodes: Sequence[Node], label: Callable[[Value | None], str]) -> list[NodeDef]:
    """Nodes as they are written, those of bodies too."""
    defs: list[NodeDef] = []
    for node in nodes:
        attrs = node.attrs
        if node.body is not None:
            attrs = {**attrs, "body": _body(node.body, label)}
        names = tuple(map(label, node.inputs)), tuple(map(label, node.outputs))
        defs.append(NodeDef(node.op, *names, attrs, node.outputs[0].name))
    return defs


def _body(body: Body, label: Callable[[Value | None], str]) -> BodyDef:
    """A body as it is written; what it takes has the name that it has outside."""
    outside = {id(inner): outer for inner, outer in body.graph.taken.values()}

    def inner(value: Value | None) -> str:
        if value is None:
            return ""
        return label(outside[id(value)]) if id(value) in outside else value.name

    nodes = _defs(body.graph.live(body.outputs), inner)
    ports = (
        tuple(ValueDef(x.name, TensorType(x.dtype, x.shape)) for x in values)
        for values in (body.inputs, body.outputs)
    )
    return BodyDef(body.graph.scopes[0], tuple(nodes), *ports)
