"""Families, their kinds, and the fields of these: names, values, defaults, texts."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from specc import activations
from specc.docs import field_docs
from specc.errors import SpeccError, nearest
from specc.family import Member
from specc.layer import Layer
from specc.optimizers import Optimizer
from specc.reference.values import values
from specc.spec.data import DataOptions
from specc.spec.emit import flow
from specc.spec.nodes import node_of
from specc.spec.schema import families as all_families
from specc.spec.train import TrainSpec

# Functions that fields name; no classes.
ACTIVATION = "activation"
# In the order in which a spec has them. Others are no part of the language.
ORDER = (
    "layer", "loss", "metric", "optimizer", "schedule", "callback", "initializer", "regularizer",
    "constraint", "dataset", "column", "tokens", "split",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        values: what it can hold, in words.
        default: as a spec writes it; None where the field must be given.
        text: what it means; empty where nothing is written.
    """

    name: str
    values: str
    default: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of a family, or a section of a spec.

    Attributes:
        family: "" for a section.
        aliases: further names.
        text: paragraphs of what it is, the first a single line.
        fields: its own, in their order.
        shared: those that all of its family have.
        first: the field that a scalar or list behind the name sets.
    """

    family: str
    name: str
    aliases: tuple[str, ...]
    text: tuple[str, ...]
    fields: tuple[Field, ...]
    shared: tuple[Field, ...] = ()
    first: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "family": self.family or None,
            "name": self.name,
            "aliases": list(self.aliases),
            "text": "\n\n".join(self.text),
            "fields": [
                {"name": f.name, "values": f.values, "default": f.default, "text": f.text}
                for f in (*self.fields, *self.shared)
            ],
        }


def families() -> dict[str, tuple[Kind, ...]]:
    """Everything that a spec can name, by family, in the order of a spec."""
    found = {name: tuple(map(described, kinds)) for name, kinds in members().items()}
    return {**found, ACTIVATION: _activations()}


def members() -> dict[str, tuple[type[Member], ...]]:
    """The classes of every family."""
    found: dict[str, type[Member]] = {**dict(all_families(Member)), Layer.family_name: Layer}
    return {name: tuple(found[name].kinds().values()) for name in ORDER}


def sections() -> tuple[Kind, ...]:
    """`train:`, and what stands beside the source in `data:`."""
    return (_section("train", TrainSpec), _section("data", DataOptions))


@cache
def described(kind: type[Member]) -> Kind:
    """A kind in words."""
    family = next(base for base in kind.__mro__ if "family_name" in base.__dict__)
    # What update rules share stands below the family: not every optimizer is one.
    base = Optimizer if issubclass(kind, Optimizer) else family
    shared: dict[str, FieldInfo] = getattr(base, "model_fields", {})
    every = fields(kind)
    return Kind(
        kind.family_name,
        kind.key,
        _aliases(kind),
        paragraphs(kind),
        tuple(field for field in every if field.name not in shared),
        tuple(field for field in every if field.name in shared),
        kind.first_field(),
    )


def find(name: str) -> list[Kind]:
    """Every kind and section with this name or alias; losses and metrics share some.

    Raises:
        SpeccError: there is none; the message has the nearest names.
    """
    classes = [kind for kinds in members().values() for kind in kinds]
    found = [described(kind) for kind in classes if name in (kind.key, *_aliases(kind))]
    others = (*_activations(), *sections())
    found += [kind for kind in others if name in (kind.name, *kind.aliases)]
    if not found:
        known = {key for kind in classes for key in (kind.key, *_aliases(kind))}
        known |= {kind.name for kind in others}
        known |= {
            field.name for kind in (*others, *map(described, classes)) for field in kind.fields
        }
        raise SpeccError(f"{name}: expected something that a spec can name;{nearest(name, known)}")
    return found


def holders(name: str) -> list[tuple[Field, list[str]]]:
    """Every different field with this name, and what has it, in the order of a spec."""
    found: dict[Field, list[str]] = {}
    classes = [described(kind) for kinds in members().values() for kind in kinds]
    for kind in (*sections(), *classes):
        for field in (*kind.fields, *kind.shared):
            if field.name == name:
                found.setdefault(field, []).append(kind.name)
    return list(found.items())


def fields(model: type[BaseModel]) -> list[Field]:
    """Every field of a model, inherited ones too."""
    schema = model.model_json_schema()
    docs = field_docs(model)
    properties, defs = schema.get("properties", {}), schema.get("$defs", {})
    return [
        Field(name, values(properties[name], defs), _default(field), _line(docs.get(name, "")))
        for name, field in model.model_fields.items()
    ]


def paragraphs(model: type[BaseModel]) -> tuple[str, ...]:
    """The docstring's paragraphs, each in one line."""
    text = inspect.cleandoc(model.__doc__ or "")
    return tuple(_line(part) for part in text.split("\n\n") if part.strip())


def _aliases(kind: type[Member]) -> tuple[str, ...]:
    """Its own further names; those of a kind that it inherits from are that kind's."""
    return tuple(kind.__dict__.get("aliases", ()))


def _activations() -> tuple[Kind, ...]:
    """Functions; their parameters cannot be set where a field names one."""
    found: list[Kind] = []
    by_name = {name: activations.get(name) for name in activations.names()}
    for name, entry in by_name.items():
        if name == entry.name:
            also = tuple(n for n, other in by_name.items() if other is entry and n != name)
            text = inspect.cleandoc(entry.function.__doc__ or "")
            found.append(Kind(ACTIVATION, name, also, (_line(text),), ()))
    return tuple(found)


def _section(name: str, model: type[BaseModel]) -> Kind:
    return Kind("", name, (), paragraphs(model), tuple(fields(model)))


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    plain = TypeAdapter(field.rebuild_annotation()).dump_python(value, mode="json")
    return flow(node_of(plain))


def _line(text: str) -> str:
    return " ".join(text.split())
