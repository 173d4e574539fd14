"""`specc schema`: JSON Schema of the spec language, for editors that complete and validate YAML.

Everything in it is generated: from the registries, from the fields of layers, losses, optimizers
and sources, and from their docstrings.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast, get_args

from pydantic import BaseModel

import specc.layers  # noqa: F401  # pyright: ignore[reportUnusedImport] - registers the layers
from specc.data.source import Source
from specc.docs import field_docs
from specc.family import FAMILY_MARK, Member
from specc.layer import Layer
from specc.spec.data import DataOptions
from specc.spec.expansion import MOST_LAYERS
from specc.spec.model import LANGUAGE
from specc.spec.sections import KINDS
from specc.spec.train import TrainSpec
from specc.tensors import DType

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXPRESSION: Schema = {"$ref": "#/$defs/expression"}
NAME: Schema = {"$ref": "#/$defs/name"}
NAMES: Schema = {"anyOf": [NAME, {"type": "array", "items": NAME, "minItems": 1}]}
KEPT = ("type", "required", "additionalProperties")
NUMBERS = ("integer", "number", "boolean")


def json_schema() -> Schema:
    """The schema, draft 2020-12. Layer fields take `${...}` where a value stands."""
    every = dict(families(Member))
    in_layers = _reached(Layer, every)
    defs: Schema = {
        "expression": {
            "type": "string",
            "pattern": r"\$\{",
            "description": "Arithmetic on a block's arguments: ${filters * 4}.",
        },
        "name": {"type": "string", "minLength": 1},
        "input": _input(),
        "inputs": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"$ref": "#/$defs/input"},
            "description": "Names and shapes, without the batch: {image: [28, 28, 1]}.",
        },
        "block": _block(),
        "entry": _entry(several=False),
        "entry_or_block": _entry(several=True),
    }
    for family in (*every.values(), Layer):
        filled = family is Layer or family.family_name in in_layers
        for name, kind in family.kinds().items():
            defs[f"{family.family_name}.{name}"] = _fields(kind, filled=filled)
        defs[family.family_name] = _family(family)
    return {
        "$schema": DIALECT,
        "title": "specc spec",
        "description": "A model and its training as data. Unknown keys are errors.",
        "type": "object",
        "required": ["specc", "inputs", "layers"],
        "additionalProperties": False,
        "properties": _top(),
        "if": {"required": ["blocks"]},
        "then": {"properties": _layers("entry_or_block")},
        "else": {"properties": _layers("entry")},
        "$defs": defs,
    }


def families(base: type[Member]) -> Iterator[tuple[str, type[Member]]]:
    """Every family but layers, by name."""
    for family in base.__subclasses__():
        if family is not Layer and "family_name" in family.__dict__:
            yield family.family_name, family


def _reached(family: type[Member], families: Mapping[str, type[Member]]) -> set[str]:
    """Families that the fields of `family` name, and those that their fields name."""
    reached: set[str] = set()
    open_ = [family]
    while open_:
        for kind in open_.pop().kinds().values():
            new = {*_marks(kind.model_json_schema())} - reached
            reached |= new
            open_ += [families[name] for name in new if name in families]
    return reached


def _marks(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        mapping = cast("Schema", node)
        if FAMILY_MARK in mapping:
            yield str(mapping[FAMILY_MARK])
        for value in mapping.values():
            yield from _marks(value)
    elif isinstance(node, list):
        for value in cast("list[object]", node):
            yield from _marks(value)


def _top() -> Schema:
    version = f"Version of the language: {LANGUAGE}."
    sub = {
        "type": "object",
        "required": ["inputs", "layers"],
        "additionalProperties": False,
        "properties": {"name": NAME, **_model()},
    }
    return {
        "specc": {"const": LANGUAGE, "description": version},
        "name": {**NAME, "description": "Name of the model."},
        **_model(),
        "blocks": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/block"},
            "description": "Groups of entries with arguments; they are inlined where they stand.",
        },
        "models": {
            "type": "object",
            "additionalProperties": sub,
            "description": "Sub-models, called with `call: name`, any number of times.",
        },
        "train": {**_fields(TrainSpec, filled=False), "description": _summary(TrainSpec)},
        "data": _data(),
    }


def _model() -> Schema:
    """The keys of a model; the form of its entries is added where it is known."""
    return {
        "kind": {"enum": [*KINDS], "description": "Keras' bookkeeping; the graph decides it."},
        "trainable": {"type": "boolean", "description": "Whether training changes its weights."},
        "inputs": {"$ref": "#/$defs/inputs"},
        "layers": {
            "type": "array",
            "minItems": 1,
            "description": "Layers, each reading the one above unless its `inputs:` say otherwise.",
        },
        "outputs": {**NAMES, "description": "Names of the outputs; the last entry by default."},
    }


def _layers(entry: str) -> Schema:
    """Entries of the form `entry`, in the model and in every sub-model."""
    layers = {"items": {"$ref": f"#/$defs/{entry}"}}
    return {
        "layers": layers,
        "models": {"additionalProperties": {"properties": {"layers": layers}}},
    }


def _input() -> Schema:
    length = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}
    shape = {"anyOf": [{"type": "array", "items": length}, {"type": "integer", "minimum": 1}]}
    keys = {
        "shape": {**shape, "description": "Lengths without the batch; null where one is open."},
        "dtype": {"enum": [*get_args(DType)], "default": "float32"},
        "batch": {"type": "integer", "minimum": 1, "description": "A fixed batch size."},
    }
    full = {"type": "object", "required": ["shape"], "additionalProperties": False}
    return {"anyOf": [*shape["anyOf"], {**full, "properties": keys}]}


def _block() -> Schema:
    entries = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/entry_or_block"}}
    args = {
        "anyOf": [{"type": "array", "items": NAME}, {"type": "object"}],
        "description": "Names, or names with defaults; null marks one that must be given.",
    }
    inputs = {**NAMES, "description": "Names of the inputs inside the block; `input` by default."}
    outputs = {**NAMES, "description": "Names inside the block; the last entry by default."}
    return {
        "type": "object",
        "required": ["layers"],
        "additionalProperties": False,
        "properties": {"args": args, "inputs": inputs, "layers": entries, "outputs": outputs},
    }


def _entry(*, several: bool) -> Schema:
    """An entry of `layers:`; with `several`, a key may also be that of a block."""
    bare: Schema = {"enum": _bare_names(Layer)}
    flags = {"type": "object", "description": "Further arguments of the call."}
    beside: Schema = {
        "name": {**NAME, "description": "What references call this entry's output."},
        "inputs": {
            "anyOf": [*NAMES["anyOf"], {"type": "object", "additionalProperties": NAME}],
            "description": "What the entry reads: a name, a list, or argument: name.",
        },
        "call": {
            "anyOf": [NAME, flags],
            "description": "The name of a layer or model to call again; or call arguments.",
        },
        "repeat": {
            "anyOf": [{"type": "integer", "minimum": 0, "maximum": MOST_LAYERS}, EXPRESSION],
            "description": "So many in a chain; ${i} counts from 0.",
        },
    }
    full: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1 + len(beside),
        "properties": {**_bodies(Layer, filled=True), **beside},
        "additionalProperties": several,
    }
    return {"anyOf": [bare, *([NAME] if several else []), full]}


def _family(family: type[Member]) -> Schema:
    """Any member in any of its written forms."""
    full: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": _bodies(family, filled=False),
        "additionalProperties": False,
    }
    return {"anyOf": [{"enum": _bare_names(family)}, full]}


def _bare_names(family: type[Member]) -> list[str]:
    """Names, aliases too, of the members that need no field."""
    members = list(family.registered().items())
    return [name for name, kind in members if not _required(kind)]


def _required(kind: type[BaseModel]) -> list[str]:
    return [name for name, field in kind.model_fields.items() if field.is_required()]


def _bodies(family: type[Member], *, filled: bool) -> Schema:
    """What may stand behind each member's key: its fields, its first field alone, or nothing."""
    bodies: Schema = {}
    for name, kind in family.registered().items():
        ref = {"$ref": f"#/$defs/{family.family_name}.{kind.key}"}
        forms: list[Schema] = [ref]
        first = kind.first_field()
        if first is not None and set(_required(kind)) <= {first}:
            forms.append({"$ref": f"{ref['$ref']}/properties/{first}"})
        if not _required(kind):
            forms.append({"type": "null"})
        if filled:
            forms.append(EXPRESSION)
        bodies[name] = {"anyOf": forms, "description": _summary(kind)}
    return bodies


def _data() -> Schema:
    """A `dataset:`, or one source by its own key; and options."""
    dataset: Schema = {FAMILY_MARK: Source.family_name, "description": "Where samples come from."}
    options = cast("Schema", _fields(DataOptions, filled=False)["properties"])
    sources: Schema = {"dataset": _resolved(dataset), **_bodies(Source, filled=False)}
    return {
        "type": "object",
        "properties": {**sources, **options},
        "oneOf": [{"required": [name]} for name in sources],
        "additionalProperties": False,
        "description": "Where samples come from.",
    }


def _fields(model: type[BaseModel], *, filled: bool) -> Schema:
    """A model's fields; with `filled`, each may also be an expression."""
    schema = cast("Schema", _resolved(model.model_json_schema()))
    docs = field_docs(model)
    properties: Schema = {}
    for name, field in cast("Schema", schema.get("properties", {})).items():
        entry: Schema = {key: value for key, value in field.items() if key != "title"}
        default = model.model_fields[name].default
        if name in docs:
            entry["description"] = docs[name]
        if isinstance(default, Member):
            entry["default"] = default.written()
        properties[name] = _with_expression(entry) if filled else entry
    kept = {key: schema[key] for key in KEPT if key in schema}
    return {**kept, "properties": properties, "description": _summary(model)}


def _resolved(node: object) -> Any:  # noqa: ANN401 - a schema or a part of one
    """The schema with every family's mark turned into a reference."""
    if isinstance(node, list):
        return [_resolved(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    mapping = cast("Schema", node)
    found = {key: _resolved(value) for key, value in mapping.items() if key != FAMILY_MARK}
    if FAMILY_MARK in mapping:
        found["$ref"] = f"#/$defs/{mapping[FAMILY_MARK]}"
    return found


def _with_expression(field: Schema) -> Schema:
    """The field's schema, or an expression in its place or in place of a number in it."""
    about = {key: field[key] for key in ("description", "default") if key in field}
    rest = {key: value for key, value in field.items() if key not in about}
    own = _inner(rest)
    forms = own["anyOf"] if set(own) == {"anyOf"} else [own]
    return {"anyOf": [*forms, EXPRESSION], **about}


def _inner(node: Schema) -> Schema:
    """Numbers inside lists may be expressions too."""
    found = dict(node)
    if isinstance(node.get("items"), dict):
        found["items"] = _either(_inner(node["items"]))
    if isinstance(node.get("anyOf"), list):
        found["anyOf"] = [_inner(form) for form in node["anyOf"]]
    return found


def _either(node: Schema) -> Schema:
    return {"anyOf": [node, EXPRESSION]} if node.get("type") in NUMBERS else node


def _summary(model: type[BaseModel]) -> str:
    """The first paragraph of the docstring."""
    text = inspect.cleandoc(model.__doc__ or "")
    return " ".join(text.partition("\n\n")[0].split())
