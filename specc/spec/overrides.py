"""`--set train.epochs=2`: assignments to a spec's tree before it is checked.

A path has the form of those in messages, `train.optimizer.rmsprop.learning_rate`,
`layers[2].conv2d.filters`; the value is YAML. Mappings on the way are made when they are missing,
and short forms on the way (`optimizer: rmsprop`, `dropout: 0.25`) become mappings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from specc.errors import Place, SpecError
from specc.family import Member
from specc.layer import Layer
from specc.spec.document import read
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of
from specc.spec.problems import Problems

# The keys of operations hold a dot: `layers[2].ops.mean.axis`.
PART = re.compile(r"(?:^|\.)(?P<key>(?:ops\.)?[^.\[\]]+)|\[(?P<index>[0-9]{1,6})\]")


def override(tree: Node | None, assignments: Sequence[str], problems: Problems) -> Node | None:
    """The tree with every assignment made, in order. The tree is changed in place.

    What is wrong with an assignment, now or when its value is checked, is placed at the option.
    """
    for assignment in assignments:
        place = Place(f"--set {assignment}")
        path, equals, text = assignment.partition("=")
        parts = _parts(path.strip())
        if not equals or parts is None:
            message = "expected PATH=VALUE, like train.epochs=2 or layers[0].dense.units=10"
            problems.add(place, "", message)
            continue
        before = len(problems)
        value = _value(text, place, problems)
        wrong = "" if len(problems) > before else _assign(tree, parts, value, place)
        if wrong:
            problems.add(place, path.strip(), wrong)
    return tree


def _parts(path: str) -> list[str | int] | None:
    """Keys and indices of a path; None when it is none."""
    parts: list[str | int] = []
    at = 0
    while at < len(path):
        match = PART.match(path, at)
        if match is None:
            return None
        parts.append(match["key"] if match["key"] is not None else int(match["index"]))
        at = match.end()
    return parts or None


def _value(text: str, place: Place, problems: Problems) -> Node:
    """The value's tree, every node placed at the option."""
    found = Problems()
    try:
        node = read(text, place.file, found)
    except SpecError as error:
        found.found = error.problems
        node = None
    for problem in found.found:
        problems.add(place, problem.path, problem.message)
    return _placed(node or Scalar(None), place)


def _placed(node: Node, place: Place) -> Node:
    if isinstance(node, Scalar):
        return Scalar(node.value, place, node.quoted)
    if isinstance(node, Items):
        return Items([_placed(item, place) for item in node.items], place)
    pairs = [(Scalar(key.value, place), _placed(value, place)) for key, value in node]
    return Fields(pairs, place)


def _assign(tree: Node | None, parts: Sequence[str | int], value: Node, place: Place) -> str:
    """Put `value` where `parts` lead; why that is impossible, or nothing."""
    node = tree
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        if isinstance(part, int):
            if not isinstance(node, Items) or part >= len(node.items):
                return _no_item(node, part)
            if last:
                node.items[part] = value
            else:
                node.items[part] = node = _open(node.items[part], "", parts[depth + 1], place)
        elif isinstance(node, Fields):
            if last:
                _put(node, part, value, place)
            else:
                inner = _open(node.get(part), part, parts[depth + 1], place)
                _put(node, part, inner, place)
                node = inner
        else:
            return f"{part!r}: expected a mapping to set it in, found {_found(node)}"
    return ""


def _open(node: Node | None, key: str, part: str | int, place: Place) -> Node:
    """The node, or a mapping in its place when `part` can be set in one.

    Null becomes an empty mapping; the bare name `rmsprop` becomes `rmsprop: {}` before its own key;
    what stands behind the key of a kind, `dropout: 0.25`, becomes its first field.
    """
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return Fields(place=place)
    if isinstance(node, Fields) or not isinstance(part, str):
        return node
    if isinstance(node, Scalar) and node.value == part:
        return Fields([(node, Scalar(None, node.place))], node.place)
    first = _first_field(key, part)
    return node if first is None else Fields([(Scalar(first, node.place), node)], node.place)


def _first_field(key: str, part: str) -> str | None:
    """What a scalar or list behind `key` sets, if a kind is called so and has the field `part`."""
    for family in (Layer, *Member.__subclasses__()):
        kind = family.named(key) if family.family_name else None
        if kind is not None and part in kind.model_fields:
            return kind.first_field()
    return None


def _put(fields: Fields, key: str, value: Node, place: Place) -> None:
    for i, (name, _) in enumerate(fields.pairs):
        if str(name.value) == key:
            fields.pairs[i] = (
                Scalar(name.value, place if isinstance(value, Scalar) else name.place),
                value,
            )
            return
    fields.pairs.append((Scalar(key, place), value))


def _no_item(node: Node | None, index: int) -> str:
    if isinstance(node, Items):
        return f"[{index}]: the list has {len(node.items)} items, counted from 0"
    return f"[{index}]: expected a list, found {_found(node)}"


def _found(node: Node | None) -> str:
    return "nothing" if node is None else kind_of(node)
