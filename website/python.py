"""The page about the Python interface, made from signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import specc
import specc.sklearn
from website.markdown import definition, plain

PATH = "reference/python.md"
INTRODUCTION = """\
# Python reference

[Python](../python.md) shows these at work.
"""
# A section of a docstring that lists names with their texts.
LISTED = ("Args:", "Raises:", "Attributes:", "Class attributes:", "Returns:")
TITLES = {"Args:": "Arguments", "Returns:": "Result"}
WIDTH = 88
ENTRY = re.compile(r"^([\w., *]+?): (.*)$", re.DOTALL)
ESTIMATORS = ("SpecClassifier", "SpecRegressor")


def page() -> str:
    """The whole page."""
    names = [name for name in specc.__all__ if not name.startswith("_")]
    members = {name: getattr(specc, name) for name in names}
    errors = {name: each for name, each in members.items() if _is_error(each)}
    classes = {
        name: each for name, each in members.items() if inspect.isclass(each) and name not in errors
    }
    functions = {
        name: each for name, each in members.items() if name not in errors and name not in classes
    }
    parts = [INTRODUCTION, "## Functions\n"]
    parts += [_function(f"specc.{name}", each, "###") for name, each in functions.items()]
    for name, each in classes.items():
        parts.append(_class(f"specc.{name}", each))
    for name in ESTIMATORS:
        parts.append(_class(f"specc.sklearn.{name}", getattr(specc.sklearn, name)))
    parts.append("## Errors\n")
    parts += [_error(name, each) for name, each in errors.items()]
    return "\n".join(parts)


def _is_error(each: object) -> bool:
    return inspect.isclass(each) and issubclass(each, Exception)


def _class(name: str, each: type[Any]) -> str:
    parts = [f"## `{name}`\n", _signature(name.rpartition(".")[2], each), *docstring(each)]
    for member, value in inspect.getmembers_static(each):
        if member.startswith("_") or not _own(value, each):
            continue
        if isinstance(value, property):
            parts += [f"### `{member}`\n", *docstring(value)]
        else:
            parts.append(_function(member, getattr(each, member), "###"))
    return "\n".join(parts)


def _own(value: object, owner: type[Any]) -> bool:
    """A method or property of this package, with a text; not a field or what others inherit."""
    inner = getattr(value, "fget", None) or getattr(value, "__func__", value)
    ours = getattr(inner, "__module__", "").startswith("specc")
    return callable(inner) and ours and bool(inspect.getdoc(inner)) and not inspect.isclass(inner)


def _function(name: str, function: Callable[..., Any], level: str) -> str:
    short = name.rpartition(".")[2]
    return "\n".join([f"{level} `{name}`\n", _signature(short, function), *docstring(function)])


def _error(name: str, each: type[Exception]) -> str:
    base = each.__bases__[0].__name__
    return "\n".join([f"### `specc.{name}`\n", f"Derived from `{base}`.\n", *docstring(each)])


def _signature(name: str, what: Callable[..., Any]) -> str:
    """As the source has it; a parameter a line where one line is too short for all."""
    signature = inspect.signature(what)
    parts = _parts(signature)
    back = signature.return_annotation
    end = "" if back is inspect.Signature.empty else f" -> {back}"
    text = f"{name}({', '.join(parts)}){end}"
    if len(text) > WIDTH:
        inner = "".join(f"    {part},\n" for part in parts)
        text = f"{name}(\n{inner}){end}"
    return f"```python\n{text}\n```\n"


def _parts(signature: inspect.Signature) -> list[str]:
    """Parameters, with the mark behind which they are given by name."""
    parts: list[str] = []
    starred = False
    for each in signature.parameters.values():
        if each.name in ("self", "cls"):
            continue
        if each.kind is each.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred |= each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        mark = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        kind = "" if each.annotation is each.empty else f": {each.annotation}"
        value = "" if each.default is each.empty else f" = {each.default!r}"
        parts.append(f"{mark}{each.name}{kind}{value if kind else value.replace(' ', '')}")
    return parts


def docstring(what: object) -> list[str]:
    """Paragraphs, code, and lists of arguments and errors of a docstring."""
    parts: list[str] = []
    for block in inspect.cleandoc(what.__doc__ or "").split("\n\n"):
        head, _, rest = block.partition("\n")
        if head in LISTED:
            parts += [f"**{TITLES.get(head, head.rstrip(':'))}**\n", *_listed(rest)]
        elif block.startswith("    "):
            parts.append(f"```python\n{inspect.cleandoc(block)}\n```\n")
        else:
            parts.append(f"{plain(' '.join(block.split()))}\n")
    return parts


def _listed(text: str) -> list[str]:
    """`name: text`, with lines that go on indented further."""
    entries: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line)
    found = [ENTRY.match(entry) for entry in entries]
    return [
        definition(f"`{match[1]}`", plain(match[2])) if match else f"{plain(entry)}\n"
        for entry, match in zip(entries, found, strict=True)
    ]
