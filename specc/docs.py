"""Docstrings of fields: the string below a field in its class, read from the source when needed.

pydantic can do this for every class when it is defined, but then each start of the program pays
for some hundred classes, most of which are never asked.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The text of every documented field, inherited ones included."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is not BaseModel and issubclass(base, BaseModel):
            found |= _own(base)
    return {name: found[name] for name in model.model_fields if name in found}


def _own(model: type[BaseModel]) -> dict[str, str]:
    """The docs in one class body: a string that stands directly below `name: type`."""
    try:
        path = inspect.getsourcefile(model)
    except TypeError:  # no source at hand: made at run time
        return {}
    return _in_file(path).get(model.__qualname__, {}) if path else {}


@cache
def _in_file(path: str) -> dict[str, dict[str, str]]:
    """Those of every class in a file, by its qualified name; the file is parsed once for all."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except SyntaxError:  # byte code beside a file that has changed since
        return {}
    return {name: _documented(body) for name, body in _classes(tree.body, "")}


def _classes(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
    """(qualified name, body) of classes, those inside classes and functions too."""
    for statement in body:
        match statement:
            case ast.ClassDef(name=name, body=inner):
                yield prefix + name, inner
                yield from _classes(inner, f"{prefix}{name}.")
            case ast.FunctionDef(name=name, body=inner):
                yield from _classes(inner, f"{prefix}{name}.<locals>.")
            case _:
                pass


def _documented(body: Sequence[ast.stmt]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        match (field, text):
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                found[name] = inspect.cleandoc(doc)
            case _:
                pass
    return found
