"""What is drawn of a network: a box for each call, block or sub-model, and the edges between."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from specc.family import Member
from specc.layer import Layer
from specc.network import Call, Network
from specc.tensors import Shape

Role: TypeAlias = Literal[
    "input", "window", "pool", "weights", "merge", "move", "point", "block", "output"
]
Edge: TypeAlias = tuple[str, str]
# `layers[2](i=0).residual[0]...`: the entry, and the block that it names.
IN_BLOCK = re.compile(r"(?P<entry>layers\[\d+\])(?P<turn>\(i=\d+\))?\.(?P<block>\w+)\[")
# Fields whose value says enough by itself.
UNNAMED = frozenset({"kernel_size", "pool_size", "activation", "padding"})
MOST_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Box:
    """One box.

    Attributes:
        key: unique in the drawing.
        title: its name.
        lines: what stands below: the kind with its settings, the shape and parameters.
        role: decides the colour.
    """

    key: str
    title: str
    lines: tuple[str, ...]
    role: Role


@dataclass(slots=True)
class _Block:
    """Calls that one entry of the spec made through a block."""

    word: str
    name: str
    turns: set[str] = field(default_factory=set[str])
    calls: list[Call] = field(default_factory=list[Call])


def boxes(network: Network, *, expand: bool = False) -> tuple[list[Box], list[Edge]]:
    """Boxes in the order of the spec, and edges from above to below, each once.

    Blocks are one box each, repeats of one too; `expand` draws their layers instead.
    """
    blocks: dict[str, _Block] = {} if expand else _blocks(network)
    if _circular(network, blocks):
        blocks = {}
    member = {id(call): key for key, block in blocks.items() for call in block.calls}
    found: dict[str, Box] = {}
    for ref in network.inputs:
        found[_key(ref.call)] = Box(
            _key(ref.call), ref.call.name, (f"input {_shape(ref.shape)}",), "input"
        )
    for call in network.calls:
        key = member.get(id(call))
        if key is None:
            found[_key(call)] = _box(call)
        elif key not in found:
            found[key] = _block_box(key, blocks[key])
    edges = _edges(network, member)
    outputs = _outputs(network, member)
    if len(network.outputs) > 1:
        found |= outputs[0]
        edges += outputs[1]
    return list(found.values()), edges


def _blocks(network: Network) -> dict[str, _Block]:
    found: dict[str, _Block] = {}
    for call in network.calls:
        match = IN_BLOCK.match(call.path)
        if match is not None:
            key = f"{match['entry']}.{match['block']}"
            block = found.setdefault(key, _Block(match["block"], call.name.split("/")[0]))
            block.turns.add(match["turn"] or "")
            block.calls.append(call)
    return {key: block for key, block in found.items() if len(block.calls) > 1}


def _circular(network: Network, blocks: dict[str, _Block]) -> bool:
    """Whether something lies between the layers of a block, so that it cannot be one box."""
    member = {id(call): key for key, block in blocks.items() for call in block.calls}
    above: dict[str, set[str]] = {}
    for call in network.calls:
        own = member.get(id(call), _key(call))
        seen = above.setdefault(own, set())
        for ref in call.written:
            source = member.get(id(ref.call), _key(ref.call))
            if source != own:
                seen |= {source} | above.get(source, set())
        if own in seen:
            return True
    return False


def _edges(network: Network, member: dict[int, str]) -> list[Edge]:
    pairs: dict[Edge, None] = {}
    for call in network.calls:
        own = member.get(id(call), _key(call))
        for ref in call.written:
            source = member.get(id(ref.call), _key(ref.call))
            if source != own:
                pairs[source, own] = None
    return list(pairs)


def _outputs(network: Network, member: dict[int, str]) -> tuple[dict[str, Box], list[Edge]]:
    made: dict[str, Box] = {}
    edges: list[Edge] = []
    for i, ref in enumerate(network.outputs):
        key = f"output {i}"
        made[key] = Box(key, ref.call.name, (f"output {_shape(ref.shape)}",), "output")
        edges.append((member.get(id(ref.call), _key(ref.call)), key))
    return made, edges


def _key(call: Call) -> str:
    return f"call {call.name}"


def _box(call: Call) -> Box:
    node, layer = call.node, call.called
    again = f"weights of {node.name}" if call.index and node.weights else ""
    if isinstance(layer, Network):
        what = f"model of {len(layer.calls)} layers"
        return Box(_key(call), call.name, (what, again or _result(call, node.params)), "block")
    what = " · ".join([node.type_name, *_settings(layer)])
    facts = again or _result(call, node.params)
    return Box(_key(call), call.name, (what, facts), _role(call, layer))


def _role(call: Call, layer: Layer) -> Role:
    if len(call.written) > 1:
        return "merge"
    if layer.window(call.input_shapes) is not None:
        return "window" if call.node.weights else "pool"
    if call.node.weights:
        return "weights"
    return "point" if call.output_shapes == call.input_shapes else "move"


def _settings(layer: Layer) -> list[str]:
    """The fields that are not as they are by default, of one word or a few numbers."""
    found: list[str] = []
    for name, info in type(layer).model_fields.items():
        value: object = getattr(layer, name)
        text = "" if value == info.default or name == "trainable" else _value(value)
        if text:
            found.append(text if name in UNNAMED else f"{name.replace('_', ' ')} {text}")
    return found[:MOST_FIELDS]


def _value(value: object) -> str:
    """A setting as text; empty for what is no plain value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | str):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple):
        numbers = cast("tuple[object, ...]", value)
        return "×".join(map(str, numbers)) if all(isinstance(v, int) for v in numbers) else ""
    return value.key if isinstance(value, Member) else ""


def _block_box(key: str, block: _Block) -> Box:
    times = len(block.turns)
    title = block.name if times == 1 else f"{block.word} × {times}"
    layers = len(block.calls) // times
    what = f"{'block' if times == 1 else 'each'} of {layers} layers"
    if times == 1 and block.word != block.name:
        what = f"{block.word}, {what}"
    last = block.calls[-1]
    nodes = {id(call.node): call.node for call in block.calls}
    params = sum(node.params for node in nodes.values())
    return Box(key, title, (what, _result(last, params)), "block")


def _result(call: Call, params: int) -> str:
    shapes = [_shape(ref.shape) for ref in call.refs]
    text = shapes[0] if len(shapes) == 1 else f"{len(shapes)} outputs"
    return f"{text} · {params:,} parameters" if params else text


def _shape(shape: Shape) -> str:
    """Lengths without the batch: `26×26×32`."""
    return "×".join("?" if size is None else str(size) for size in shape[1:]) or "one number"
