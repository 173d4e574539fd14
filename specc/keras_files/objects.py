"""Members become Keras' serialised objects: the reverse of `specc/keras_import/objects.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from pydantic import BaseModel

from specc import activations
from specc.activations import Chosen
from specc.constraints import Constraint
from specc.family import Member, snake_case
from specc.initializers import Initializer
from specc.keras_import.objects import FUNCTIONS, find, keras_class
from specc.keras_import.source import Json
from specc.layer import Layer
from specc.regularizers import Regularizer

# Where Keras keeps the families that fields of layers hold.
MODULES: tuple[tuple[type[Member], str], ...] = (
    (Initializer, "keras.initializers"),
    (Regularizer, "keras.regularizers"),
    (Constraint, "keras.constraints"),
)


class Unknown(ValueError):  # noqa: N818 - becomes a Problem
    """Something that Keras does not have; the message names it."""


def object_of(member: Member, name: str = "") -> Json:
    """A member as Keras writes it.

    Raises:
        Unknown: Keras has no such kind.
    """
    registered: str | None = None
    class_name = keras_class(type(member))
    if isinstance(member, Layer):
        module = member.keras_module
        registered = None if module.startswith("keras.layers") else class_name
        class_name = member.keras_export or class_name
    else:
        module = next((text for base, text in MODULES if isinstance(member, base)), "")
    if not module:
        raise Unknown(f"Keras has no {member.family_name} {member.key!r}")
    config = config_of(member)
    if isinstance(member, Layer):
        config["name"] = name or snake_case(member.type_name())
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered,
    }


def config_of(member: Member, without: Sequence[str] = ()) -> dict[str, Any]:
    """Fields under Keras' names: all of a layer's own, of others those that are not default."""
    renamed: Mapping[str, str] = member.renamed if isinstance(member, Layer) else {}
    keras = {own: theirs for theirs, own in renamed.items()}
    config: dict[str, Any] = {}
    for name, field in type(member).model_fields.items():
        value = getattr(member, name)
        # Some layers have no defaults when they are read again; initializers take no more fields.
        said = isinstance(member, Layer) and name not in Layer.model_fields
        if name not in without and (said or field.is_required() or value != field.default):
            config[keras.get(name, name)] = value_of(value)
    return config


def value_of(value: object) -> object:
    """A field's value as JSON holds it."""
    if isinstance(value, Member):
        return object_of(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Chosen):
        return _function(value)
    if isinstance(value, list | tuple):
        return [value_of(item) for item in cast("Sequence[object]", value)]
    return value


def _function(chosen: Chosen) -> Json:
    """A function with values for its parameters: in Keras a layer has them.

    Raises:
        Unknown: there is no such layer.
    """
    classes = {function: name for name, function in FUNCTIONS.items()}
    name = classes.get(chosen.name)
    kind = None if name is None else find(Layer, name)
    if kind is None:
        raise Unknown(f"Keras has no layer for the activation {chosen}")
    values = activations.keywords(chosen.name) | dict(chosen.arguments)
    return object_of(kind.model_validate(values))


def constant(value: object) -> object:
    """An operand as Keras writes it: numbers as they are, arrays as objects."""
    if not isinstance(value, list | tuple):
        return value
    array = np.asarray(cast("Sequence[Any]", value))
    kind = {"f": "float32", "i": "int32", "b": "bool"}[array.dtype.kind]
    return {"class_name": "__numpy__", "config": {"value": array.tolist(), "dtype": kind}}
