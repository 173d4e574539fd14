"""The tree of a YAML document: plain values, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from specc.errors import Place

Value: TypeAlias = str | int | float | bool | None


@dataclass(slots=True)
class Scalar:
    """A string, number, boolean or null.

    Attributes:
        quoted: quotes or a block style made it a string.
        text: the spelling of a number (`1e-3`), which formatting keeps.
        end: the line in which it ends; so for every node.
    """

    value: Value
    place: Place = field(default_factory=Place)
    quoted: bool = False
    text: str = ""
    end: int = 0


@dataclass(slots=True)
class Items:
    """A sequence. `flow`: written in brackets."""

    items: list[Node] = field(default_factory=list["Node"])
    place: Place = field(default_factory=Place)
    flow: bool = False
    end: int = 0


@dataclass(slots=True)
class Fields:
    """A mapping. Keys are scalars and unique; their order is the file's. `flow`: in braces."""

    pairs: list[tuple[Scalar, Node]] = field(default_factory=list["tuple[Scalar, Node]"])
    place: Place = field(default_factory=Place)
    flow: bool = False
    end: int = 0

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def get(self, key: Value) -> Node | None:
        """The value behind `key`, or None when it is missing."""
        return next((node for name, node in self.pairs if same(name.value, key)), None)

    def key(self, key: Value) -> Scalar | None:
        """The node of the key itself."""
        return next((name for name, _ in self.pairs if same(name.value, key)), None)

    def keys(self) -> list[Value]:
        """All keys, in order."""
        return [name.value for name, _ in self.pairs]


Node: TypeAlias = Scalar | Items | Fields


def same(a: Value, b: Value) -> bool:
    """Equality that keeps 1, 1.0 and true apart, as YAML does."""
    return a == b and type(a) is type(b)


def plain(node: Node) -> object:
    """The node as Python data: str, int, float, bool, None, list, dict."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.pairs}


def node_of(value: object, place: Place | None = None) -> Node:
    """Python data as a tree, every node at `place`: the reverse of `plain`."""
    place = place or Place()
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Value, object]", value)
        return Fields([(Scalar(k, place), node_of(v, place)) for k, v in mapping.items()], place)
    if isinstance(value, list | tuple):
        return Items([node_of(item, place) for item in cast("list[object]", value)], place)
    return Scalar(cast("Value", value), place, quoted=isinstance(value, str))


def kind_of(node: Node) -> str:
    """What a message says was found: `a mapping`, `an empty value`, `'abc'`, `3`."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Fields):
        return "a mapping"
    return shown(node.value)


def shown(value: object) -> str:
    """A value as a message shows it: YAML's spelling, long text cut."""
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    limit = 60
    return text if len(text) <= limit else text[: limit - 4] + "..." + text[-1]
