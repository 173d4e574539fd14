"""The written forms of one entry of `layers:`.

- flatten                                   a bare key
- dense: {units: 10}                        a layer's or block's key with its fields
- conv2d: {filters: 8, kernel_size: 3}      and beside the key:
  name: stem                                  the name that references use
  inputs: image                               one name, a list, or argument: name
  call: {use_causal_mask: true}               further arguments of the call
  repeat: 3                                   so many in a chain; ${i} counts from 0
- call: stem                                an earlier layer, or one of models:, again
- call: {attention: {use_causal_mask: true}}  the same with further arguments
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specc.errors import nearest
from specc.layer import Layer, refusal
from specc.spec.blocks import BESIDE, Block
from specc.spec.nodes import Fields, Node, Scalar, kind_of
from specc.spec.problems import Problems


@dataclass(frozen=True, slots=True)
class Written:
    """One entry as it stands in the file, its parts told apart, nothing computed yet.

    Attributes:
        key: the layer's or block's key, or the name behind `call:`.
        body: what stands behind the key.
        beside: the nodes of name, inputs, repeat; `call` holds further arguments of the call.
        again: whether `key` is the name of something to call again.
    """

    key: Scalar
    body: Node | None
    path: str
    beside: Mapping[str, Node] = field(default_factory=dict[str, Node])
    again: bool = False

    @property
    def word(self) -> str:
        """The key's text."""
        return str(self.key.value)


def written(
    node: Node, path: str, blocks: Mapping[str, Block], problems: Problems
) -> Written | None:
    """The parts of an entry; None when it is none of the forms."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return _bare(node, path, blocks, problems)
    if not isinstance(node, Fields) or not node.pairs:
        found = "an empty mapping" if isinstance(node, Fields) else kind_of(node)
        message = f"expected an entry, `layer` or `layer: {{fields}}`, found {found}"
        problems.add(node.place, path, message)
        return None
    beside = {str(key.value): value for key, value in node if key.value in BESIDE}
    own = [(key, value) for key, value in node if key.value not in BESIDE]
    if not own:
        return _again(node, path, beside, problems)
    if not _known(own, path, blocks, problems):
        return None
    key, body = own[0]
    return Written(key, body, path, beside)


def _bare(
    node: Scalar, path: str, blocks: Mapping[str, Block], problems: Problems
) -> Written | None:
    return Written(node, None, path) if _known([(node, node)], path, blocks, problems) else None


def _known(
    own: list[tuple[Scalar, Node]], path: str, blocks: Mapping[str, Block], problems: Problems
) -> bool:
    """Whether there is exactly one key and it names a layer or block."""
    layers = [pair for pair in own if Layer.named(pair[0].value) or pair[0].value in blocks]
    key = (layers or own)[0][0]
    others = [other for other, _ in own if other is not key]
    word = str(key.value)
    if not layers:
        hint = nearest(word, [*Layer.kinds(), *blocks], also=Layer.registered())
        message = refusal(word) or f"unknown layer {word!r};{hint}"
        problems.add(key.place, path, message)
        return False
    for other in others:
        problems.add(other.place, f"{path}.{other.value}", _second(word, str(other.value), blocks))
    return not others


def _second(word: str, other: str, blocks: Mapping[str, Block]) -> str:
    """What to say about a second key in an entry."""
    inner = blocks[word].args if word in blocks else Layer.find(word).model_fields
    if other in inner:
        return f"{other!r} belongs inside {word!r}; indent it further"
    if Layer.named(other) or other in blocks:
        return f"a second layer, {other!r}, in the entry of {word!r}; begin a new line with `- `"
    beside = nearest(other, BESIDE)
    return f"unknown key {other!r} beside {word!r};{beside}"


def _again(node: Fields, path: str, beside: dict[str, Node], problems: Problems) -> Written | None:
    """A further call: `call: name` or `call: {name: {arguments}}`."""
    target = beside.pop("call", None)
    key = node.key("call")
    if target is None or key is None:
        message = f"names no layer; expected one of the layers or blocks beside {node.keys()[0]!r}"
        problems.add(node.place, path, message)
        return None
    if "repeat" in beside:
        at = node.key("repeat") or key
        problems.add(at.place, f"{path}.repeat", "a call cannot be repeated; layers and blocks can")
    if isinstance(target, Fields) and len(target) == 1:
        name, arguments = target.pairs[0]
        beside["call"] = arguments
    elif isinstance(target, Scalar):
        name = target
    else:
        message = "expected `call: name` or `call: {name: {argument: value}}`, found "
        problems.add(target.place, f"{path}.call", message + kind_of(target))
        return None
    return Written(name, None, path, beside, again=True)
