"""What a field can hold, in words, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from specc.activations import names
from specc.family import FAMILY_MARK

Schema: TypeAlias = Mapping[str, Any]
PLAIN = {"boolean": "true or false", "null": "null", "array": "list", "object": "mapping"}
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
# Lists of numbers that are nested deeper are called so.
NESTED = "nested lists of numbers"


def values(schema: Schema, defs: Schema) -> str:
    """`whole number > 0`, `valid or same`, `initializer or null`, ...

    Args:
        schema: of the field.
        defs: what `$ref` means in it.
    """
    if FAMILY_MARK in schema:
        found = str(schema[FAMILY_MARK])
    elif "$ref" in schema:
        found = values(defs[str(schema["$ref"]).rpartition("/")[2]], defs)
    elif "anyOf" in schema:
        found = _either(_distinct([values(each, defs) for each in schema["anyOf"]]))
    elif isinstance(schema.get("type"), list):
        kinds = cast("list[str]", schema["type"])
        found = _either([values({"type": kind}, defs) for kind in kinds])
    elif "enum" in schema or "const" in schema:
        found = _words(schema)
    else:
        found = _typed(schema, defs)
    return found


def _words(schema: Schema) -> str:
    """One or some words."""
    if "const" in schema:
        return json.dumps(schema["const"]).strip('"')
    options = [str(option) for option in schema["enum"]]
    return "activation" if set(names()) <= set(options) else _either(options)


def _typed(schema: Schema, defs: Schema) -> str:
    """Anything of one type."""
    match schema.get("type"):
        case "integer":
            found = f"whole number{_bounds(schema)}"
        case "number":
            found = f"number{_bounds(schema)}"
        case "string":
            found = "one character" if schema.get("maxLength") == 1 else "text"
        case "array":
            found = _list(schema, defs)
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            found = f"mapping from a name to {values(schema['additionalProperties'], defs)}"
        case kind:
            found = PLAIN.get(str(kind), "anything")
    return found


def _bounds(schema: Schema) -> str:
    """` >= 0 and < 1`."""
    found = [f"{sign} {json.dumps(schema[key])}" for key, sign in BOUNDS.items() if key in schema]
    return f" {' and '.join(found)}" if found else ""


def _list(schema: Schema, defs: Schema) -> str:
    if "prefixItems" in schema:
        return "list of " + ", ".join(values(each, defs) for each in schema["prefixItems"])
    if "items" not in schema:
        return "list"
    inner = values(schema["items"], defs)
    if inner.startswith("list"):
        return NESTED if "number" in inner else f"list of {_plural(inner)}"
    least, most = schema.get("minItems"), schema.get("maxItems")
    count = f"{least} " if least is not None and least == most else ""
    return f"list of {count}{_plural(inner) if count != '1 ' else inner}"


def _plural(name: str) -> str:
    """`whole number > 0` to `whole numbers > 0`; alternatives are put in brackets."""
    if " or " in name:
        return f"({name})"
    for start in ("list of ", "mapping "):
        if name.startswith(start):
            return start.replace(" ", "s ", 1) + name.removeprefix(start)
    head, sign, tail = name.partition(" >")
    return f"{head}{'' if head.endswith('s') else 's'}{sign}{tail}"


def _either(options: Sequence[str]) -> str:
    if len(options) < 2:  # noqa: PLR2004
        return options[0] if options else "nothing"
    return f"{', '.join(options[:-1])} or {options[-1]}"


def _distinct(options: Sequence[str]) -> list[str]:
    """Without repeats; null is the last."""
    found = list(dict.fromkeys(options))
    return sorted(found, key=lambda option: option == "null")
