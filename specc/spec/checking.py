"""Nodes become validated models; pydantic's errors become ours, each at its place in the file.

A field of several types (`float | Schedule`) fails once for each of them; only the type that came
nearest is reported, or all of them as one "expected a, b or c".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from specc.errors import nearest
from specc.family import Member, check_numbers, explained
from specc.spec.nodes import Fields, Items, Node, Scalar, plain, shown
from specc.spec.problems import Problems

M = TypeVar("M", bound=Member)
B = TypeVar("B", bound=BaseModel)

# What pydantic's type errors expected.
EXPECTED = {
    "int_type": "an integer", "int_parsing": "an integer", "int_from_float": "an integer",
    "float_type": "a number", "float_parsing": "a number", "finite_number": "a finite number",
    "bool_type": "true or false", "bool_parsing": "true or false", "string_type": "text",
    "list_type": "a list", "tuple_type": "a list", "dict_type": "a mapping",
    "model_type": "a mapping", "none_required": "null",
}  # fmt: skip
# What pydantic's limits expected.
LIMITS = {
    "greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"), "less_than_equal": ("le", "at most"),
}  # fmt: skip
NUMBERS = frozenset({"int_type", "int_parsing", "float_type", "float_parsing"})
# Errors that say only that a value is of another type.
OTHER_TYPE = frozenset({*EXPECTED, "member_form"})


def member(
    kind: type[M], node: Node | None, key: Scalar, path: str, problems: Problems
) -> M | None:
    """A member of `kind` from what stands behind its key; None and problems when it is wrong."""
    fields = None if node is None else plain(node)
    at = key if node is None or fields is None else node
    try:
        made = kind.from_fields(fields)
    except ValidationError as error:
        _report(error, key, at, path, problems)
        return None
    except PydanticCustomError as error:
        problems.add(at.place, path, error.message())
        return None
    return made if fields is None or _uncoerced_body(at, made, path, problems) else None


def section(model: type[B], node: Node, key: Scalar, path: str, problems: Problems) -> B | None:
    """A section (`train:`, `data:`) from its mapping; None and problems when it is wrong."""
    try:
        made = model.model_validate(plain(node))
        check_numbers(made)
    except ValidationError as error:
        _report(explained(error, model), key, node, path, problems)
        return None
    return made if _uncoerced(node, made, path, problems) else None


@dataclass(slots=True)
class _Line:
    """One error on its way to a problem: the node it reached, and the union branches it was in."""

    node: Node
    path: str
    kind: str
    message: str
    branches: list[tuple[str, str]]
    """(path where a union stood, the branch's label), outermost first."""


def _report(error: ValidationError, key: Scalar, node: Node, path: str, problems: Problems) -> None:
    lines = [_line(dict(detail), node, path) for detail in error.errors(include_url=False)]
    for line in _settled(lines, 0):
        at = key.place if line.node is node and isinstance(node, Fields) else line.node.place
        problems.add(at, line.path, line.message)


def _line(detail: dict[str, Any], node: Node, path: str) -> _Line:
    """Follow pydantic's location through the nodes; parts that are no key name union branches."""
    loc = cast("tuple[int | str, ...]", detail["loc"])
    kind = str(detail["type"])
    if kind == "missing_field":
        loc = loc[:-1]
    branches: list[tuple[str, str]] = []
    for part in loc:
        found = _step(node, part)
        if found is None:
            branches.append((path, str(part)))
            continue
        key, node = found
        if kind == "unknown_field" and part == loc[-1]:
            node = key
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    context = cast("dict[str, Any]", detail.get("ctx") or {})
    message = _message(kind, str(detail["msg"]), context, detail["input"])
    if kind == "literal_error" and not isinstance(node, Scalar):
        kind = "string_type"  # a list or mapping is further away than the wrong word
    return _Line(node, path, kind, message, branches)


def _step(node: Node, part: int | str) -> tuple[Node, Node] | None:
    """(key, value) of the part of `node` that `part` names; an item is its own key."""
    if isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
        return node.items[part], node.items[part]
    if isinstance(node, Fields):
        return next(((key, value) for key, value in node if str(key.value) == str(part)), None)
    return None


def _message(kind: str, message: str, context: dict[str, Any], found: object) -> str:
    """Pydantic's message in our form: what was expected, what was found."""
    if kind in EXPECTED:
        hint = ""
        if kind == "bool_parsing" and str(found) in ("yes", "no", "on", "off"):
            hint = "; yes, no, on and off are text in YAML 1.2"
        return f"expected {EXPECTED[kind]}, found {described(found)}{hint}"
    if kind in LIMITS:
        name, words = LIMITS[kind]
        return f"expected a number of {words} {context.get(name)}, found {described(found)}"
    if kind == "literal_error":
        hint = nearest(found, _words(context)) if isinstance(found, str) else ""
        close = hint.partition(" valid:")[0]
        return f"expected {context.get('expected')}, found {described(found)}" + (
            f";{close}" if close else ""
        )
    if kind in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        words = "at least" if kind == "too_short" else "at most"
        return f"expected {words} {limit} values, found {context.get('actual_length')}"
    return message.removeprefix("Value error, ")


def _words(context: dict[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context.get("expected")))


def described(value: object) -> str:
    """What was found, for a message."""
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else shown(value)


def _settled(lines: Sequence[_Line], level: int) -> list[_Line]:
    """The errors to report: of each union only the branch that came nearest."""
    done = [line for line in lines if len(line.branches) <= level]
    unions: dict[str, list[_Line]] = {}
    for line in lines:
        if len(line.branches) > level:
            unions.setdefault(line.branches[level][0], []).append(line)
    for path, members in unions.items():
        done += _nearest_branch(path, members, level)
    return done


def _nearest_branch(path: str, lines: Sequence[_Line], level: int) -> list[_Line]:
    """One branch's errors; or all branches as one error, when each wanted just another type."""
    branches: dict[str, list[_Line]] = {}
    for line in lines:
        branches.setdefault(line.branches[level][1], []).append(line)
    if all(line.kind in OTHER_TYPE and line.path == path for line in lines):
        wanted = [line.message.removeprefix("expected ").partition(", found ") for line in lines]
        names = list(dict.fromkeys(name for name, _, _ in wanted))
        several = ", ".join(names[:-1]) + (" or " if names[:-1] else "") + names[-1]
        lines[0].message = f"expected {several}, found {wanted[0][2]}"
        return [lines[0]]

    def nearness(branch: list[_Line]) -> tuple[bool, int]:
        right_type = [line for line in branch if line.kind not in OTHER_TYPE]
        return bool(right_type), max(len(line.path) for line in right_type or branch)

    chosen = max(branches.values(), key=nearness)
    others = [line.kind for line in lines if line.kind in NUMBERS and line.path == path]
    if others and len(chosen) == 1 and chosen[0].path == path and chosen[0].kind not in OTHER_TYPE:
        chosen[0].message = f"expected {EXPECTED[others[0]]}, or: {chosen[0].message}"
    return _settled(chosen, level + 1)


def _uncoerced(node: Node, value: object, path: str, problems: Problems) -> bool:
    """Whether nothing was converted on the way: "32" is no integer and true is no 1.

    pydantic's lax mode converts both; its strict mode would refuse lists where tuples are kept.
    """
    if isinstance(node, Scalar):
        named = isinstance(value, Member)  # by its bare name
        return named or _same_type(node, value, path, problems)
    if isinstance(node, Fields) and isinstance(value, Member) and len(node) == 1:
        key, body = node.pairs[0]
        if value.members.get(str(key.value)) is type(value):
            return _uncoerced_body(body, value, f"{path}.{key.value}", problems)
    good = True
    for part, inner, made in _pairs(node, value):
        good &= _uncoerced(inner, made, path + part, problems)
    return good


def _pairs(node: Items | Fields, value: object) -> list[tuple[str, Node, object]]:
    """(path, node, what it became) of the parts of a node, as far as they can be told."""
    if isinstance(node, Items):
        if not isinstance(value, list | tuple):
            return []
        made = list(cast("Sequence[object]", value))
        both = zip(node.items, made, strict=False) if len(made) == len(node.items) else ()
        return [(f"[{i}]", inner, part) for i, (inner, part) in enumerate(both)]
    parts: list[tuple[str, Node, object]] = []
    for key, inner in node:
        if isinstance(value, BaseModel):
            parts.append((f".{key.value}", inner, getattr(value, str(key.value), None)))
        elif isinstance(value, dict):
            made = cast("dict[object, object]", value)
            parts.append((f".{key.value}", inner, made.get(key.value)))
    return parts


def _uncoerced_body(node: Node, made: Member, path: str, problems: Problems) -> bool:
    """As `_uncoerced` for what stands behind a member's key: its fields, or the first one alone."""
    if isinstance(node, Scalar) and node.value is None:
        return True
    if isinstance(node, Fields):
        good = True
        for part, inner, value in _pairs(node, made):
            good &= _uncoerced(inner, value, path + part, problems)
        return good
    first = made.first_field()
    return first is None or _uncoerced(node, getattr(made, first), path, problems)


def _same_type(node: Scalar, value: object, path: str, problems: Problems) -> bool:
    text_for_number = isinstance(node.value, str) and isinstance(value, int | float)
    truth_for_number = (
        isinstance(node.value, bool)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    )
    number_for_truth = isinstance(value, bool) and not isinstance(node.value, bool)
    if not (text_for_number or truth_for_number or number_for_truth):
        return True
    wanted = "true or false" if isinstance(value, bool) else "a number"
    hint = "; remove the quotes" if node.quoted and text_for_number else ""
    if text_for_number and node.value in ("yes", "no", "on", "off"):
        hint = "; yes, no, on and off are text in YAML 1.2"
    problems.add(node.place, path, f"expected {wanted}, found {shown(node.value)}{hint}")
    return False
