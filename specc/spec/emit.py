"""Writes a tree of nodes as YAML in the one layout that `specc fmt` and `specc import` share.

Sections, lists of layers and what has comments inside stand in block style; everything else is
written in braces or brackets when that fits into 100 columns.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from specc.spec.nodes import Fields, Items, Node, Scalar, Value
from specc.spec.scalars import is_text

WIDTH = 100
STEP = "  "
# Text that reads the same without quotes, in block and in flow style.
PLAIN = re.compile(r"[A-Za-z_./](?:[\w./@()+*=^-]|[ :](?=[\w./@(+*=^-]))*", re.ASCII)
# Text in YAML 1.2, but not for every reader of YAML 1.1.
DOUBTFUL = re.compile(r"yes|no|on|off|<<|=", re.IGNORECASE)

# What a node is for decides its layout: the first word for itself, then for what is in it.
Layout: TypeAlias = "Mapping[str, Layout] | None"
ENTRY: Mapping[str, Layout] = {}  # known by its identity: here null is written as nothing
LAYERS: Mapping[str, Layout] = {"[]": ENTRY}
GROUP: Mapping[str, Layout] = {"layers": LAYERS}
SPEC: Mapping[str, Layout] = {
    "layers": LAYERS, "blocks": {"*": GROUP}, "models": {"*": GROUP}, "train": {}, "data": {},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments by the id of what they belong to: the key of a pair, or the item of a list.

    Attributes:
        before: lines above it; an empty one is a blank line.
        after: (column, text) behind it, in its first line.
        below: lines after its end, in its indentation.
        head: lines at the very beginning of the file.
    """

    before: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    after: dict[int, tuple[int, str]] = field(default_factory=dict[int, "tuple[int, str]"])
    below: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    head: list[str] = field(default_factory=list[str])

    def on(self, node: Node) -> bool:
        """Whether a comment belongs to the node."""
        key = id(node)
        return any(self.before.get(key, ())) or key in self.after or key in self.below

    def move(self, node: Node, to: Node) -> None:
        """Give the node's comments to another one, in front of what it has."""
        for table in (self.before, self.below):
            lines = table.pop(id(node), [])
            if lines:
                table[id(to)] = [*lines, *table.get(id(to), [])]
        behind = self.after.pop(id(node), None)
        if behind is not None:
            old = self.after.get(id(to))
            self.after[id(to)] = behind
            if old is not None:
                self.below[id(to)] = [old[1], *self.below.get(id(to), [])]


def emit(tree: Fields, comments: Comments | None = None) -> str:
    """The text of a spec's tree."""
    comments = comments or Comments()
    lines = [*comments.head, *_Writer(comments).block(tree, "", SPEC)]
    # Keys that moved may bring their blank lines together.
    kept = [line for above, line in pairwise(["", *lines]) if line or above]
    return "\n".join(kept).strip("\n") + "\n"


def scalar(value: Value, text: str = "") -> str:
    """A scalar so that it reads back the same; `text` is a number's spelling to keep."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return text or _number(value)
    plain = PLAIN.fullmatch(value) and is_text(value) and not DOUBTFUL.fullmatch(value)
    return value if plain else _quoted(value)


def _number(value: float) -> str:
    if isinstance(value, float) and math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _quoted(text: str) -> str:
    """In double quotes with YAML's escapes: JSON's, but for characters above U+FFFF."""
    return "".join(
        char if char.isprintable() and char not in '"\\' else _escape(char) for char in text
    ).join('""')


def _escape(char: str) -> str:
    if ord(char) > 0xFFFF:  # noqa: PLR2004
        return f"\\U{ord(char):08x}"
    return json.dumps(char)[1:-1]


def flow(node: Node) -> str:
    """The node in one line."""
    if isinstance(node, Scalar):
        return scalar(node.value, node.text)
    if isinstance(node, Items):
        return "[" + ", ".join(flow(item) for item in node.items) + "]"
    pairs = (f"{scalar(key.value, key.text)}: {flow(value)}" for key, value in node)
    return "{" + ", ".join(pairs) + "}"


class _Writer:
    """Lines of nodes, with their comments."""

    def __init__(self, comments: Comments) -> None:
        self.comments = comments

    def block(self, node: Fields | Items, indent: str, layout: Layout) -> list[str]:
        """The lines of a mapping or list in block style."""
        if isinstance(node, Items):
            inner = None if layout is None else layout.get("[]")
            return [line for item in node.items for line in self._item(item, indent, inner)]
        lines: list[str] = []
        for key, value in node:
            inner = None if layout is None else layout.get(str(key.value), layout.get("*"))
            bare = layout is ENTRY and isinstance(value, Scalar) and value.value is None
            lines += self._pair(key, value, indent, inner, bare=bare)
        return lines

    def _pair(
        self, key: Scalar, value: Node, indent: str, layout: Layout, *, bare: bool
    ) -> list[str]:
        """Lines of a key and its value; `bare`: nothing behind the colon, `add:`."""
        start = f"{indent}{scalar(key.value, key.text)}:"
        above = self._above(key, indent)
        below = self._below(key, indent)
        if self._in_line(value, f"{start} ", layout):
            line = start if bare else f"{start} {flow(value)}"
            return [*above, self._behind(key, line), *below]
        inner = self.block(value, indent + STEP, layout) if not isinstance(value, Scalar) else []
        return [*above, self._behind(key, start), *inner, *below]

    def _item(self, node: Node, indent: str, layout: Layout) -> list[str]:
        start = f"{indent}- "
        above, below = self._above(node, indent), self._below(node, indent)
        if isinstance(node, Scalar) or self._in_line(node, start, layout):
            return [*above, self._behind(node, start + flow(node)), *below]
        first = self._first_key(node)
        if first is not None:
            above += self._above(first, indent)
        lines = self.block(node, indent + STEP, layout)
        if first is not None:
            lines = lines[len(self._above(first, indent)) :]
        lines[0] = start + lines[0].removeprefix(indent + STEP)
        lines[0] = self._behind(node, lines[0])
        return [*above, *lines, *below]

    def _first_key(self, node: Fields | Items) -> Node | None:
        if isinstance(node, Items):
            return node.items[0] if node.items else None
        return node.pairs[0][0] if node.pairs else None

    def _in_line(self, node: Node, start: str, layout: Layout) -> bool:
        """Whether the node is written in one line behind `start`."""
        if isinstance(node, Scalar):
            return True
        parts = node.items if isinstance(node, Items) else node.pairs
        if not parts:
            return True
        if layout is not None or self._has_comments(node):
            return False
        return len(start) + len(flow(node)) <= WIDTH

    def _has_comments(self, node: Node) -> bool:
        """Whether a comment stands inside the node."""
        if isinstance(node, Scalar):
            return False
        if isinstance(node, Items):
            return any(self.comments.on(item) or self._has_comments(item) for item in node.items)
        return any(self.comments.on(key) or self._has_comments(value) for key, value in node)

    def _above(self, node: Node, indent: str) -> list[str]:
        return [line and indent + line for line in self.comments.before.get(id(node), [])]

    def _below(self, node: Node, indent: str) -> list[str]:
        return [line and indent + line for line in self.comments.below.get(id(node), [])]

    def _behind(self, node: Node, line: str) -> str:
        """The line with the comment behind it, in its old column when the line is short enough."""
        if id(node) not in self.comments.after:
            return line
        column, text = self.comments.after[id(node)]
        return line + " " * max(2, column - 1 - len(line)) + text
