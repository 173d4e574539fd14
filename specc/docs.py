"""Docstrings of fields: the string below a field in its class, read from the source when needed.

pydantic can do this for every class when it is defined, but then each start of the program pays
for some hundred classes, most of which are never asked.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
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
        source = inspect.getsource(model)
    except (OSError, TypeError):  # no source at hand: made at run time, or byte code alone
        return {}
    (body,) = ast.parse(textwrap.dedent(source)).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, text in pairwise(statements):
        match (field, text):
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                found[name] = inspect.cleandoc(doc)
            case _:
                pass
    return found
