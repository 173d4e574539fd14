"""Small written forms that several sections share: names, references, words, whole numbers.

Each reads one node and returns None, with a problem noted, when the node is something else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from specc.errors import nearest
from specc.spec.model import Reference
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of
from specc.spec.problems import Problems

LONGEST_NAME = 200
# `a[1]`: the second output of `a`.
REFERENCE = re.compile(r"(?P<name>.*?)(?:\[(?P<output>[0-9]{1,6})\])?")
# What a name cannot hold: they would not survive references, expressions and files.
FORBIDDEN = re.compile(r"[\[\]{}$\"'\\\x00-\x1f\x7f]|^\s|\s$")


def name_problem(name: str) -> str | None:
    """Why `name` cannot name anything; None when it can."""
    if not name:
        return "a name cannot be empty"
    if len(name) > LONGEST_NAME:
        return f"a name has at most {LONGEST_NAME} characters, this one has {len(name)}"
    if found := FORBIDDEN.search(name):
        return f"a name cannot contain {found[0]!r}, as {name!r} does"
    return None


def name(node: Node, path: str, problems: Problems, what: str = "a name") -> str | None:
    """A valid name."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        hint = "" if not isinstance(node, Scalar) or node.value is None else "; quote it"
        problems.add(node.place, path, f"expected {what}, found {kind_of(node)}{hint}")
        return None
    wrong = name_problem(node.value)
    if wrong:
        problems.add(node.place, path, wrong)
        return None
    return node.value


def reference(node: Node, path: str, problems: Problems) -> Reference | None:
    """A name, or a name with the number of an output."""
    match = None
    if isinstance(node, Scalar) and isinstance(node.value, str):
        match = REFERENCE.fullmatch(node.value)
    if match is None or name_problem(match["name"]):
        found = kind_of(node)
        problems.add(node.place, path, f"expected a name like `a` or `a[1]`, found {found}")
        return None
    return Reference(match["name"], int(match["output"] or 0))


def several(node: Node) -> list[tuple[str, Node]]:
    """(path, node) of a list's items, or of the node itself as the only one."""
    if isinstance(node, Items):
        return [(f"[{i}]", item) for i, item in enumerate(node.items)]
    return [("", node)]


def fields(
    node: Node | None, known: Collection[str], path: str, problems: Problems, what: str
) -> dict[str, Node]:
    """A mapping's values by key; unknown keys are problems. Nothing counts as empty."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}
    if not isinstance(node, Fields):
        problems.add(node.place, path, f"expected {what}, found {kind_of(node)}")
        return {}
    found: dict[str, Node] = {}
    for key, value in node:
        text = str(key.value)
        if text in known:
            found[text] = value
        else:
            unknown(key, known, join(path, text), problems)
    return found


def unknown(key: Scalar, known: Iterable[str], path: str, problems: Problems) -> None:
    """Note a key that is none of the known ones."""
    problems.add(key.place, path, f"unknown key {key.value!r};{nearest(str(key.value), known)}")


def word(node: Node, choices: Collection[str], path: str, problems: Problems) -> str | None:
    """One of a few words."""
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value in choices:
        return node.value
    expected = " or ".join(repr(choice) for choice in choices)
    problems.add(node.place, path, f"expected {expected}, found {kind_of(node)}")
    return None


def flag(node: Node, path: str, problems: Problems) -> bool | None:
    """True or false."""
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return node.value
    problems.add(node.place, path, f"expected true or false, found {kind_of(node)}")
    return None


def count(node: Node, least: int, most: int, path: str, problems: Problems) -> int | None:
    """A whole number from `least` to `most`."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    wanted = f"an integer from {least} to {most}"
    problems.add(node.place, path, f"expected {wanted}, found {kind_of(node)}")
    return None


def join(path: str, key: str) -> str:
    """The path of a key below `path`."""
    return f"{path}.{key}" if path else key
