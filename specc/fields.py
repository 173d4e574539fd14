"""Field types that several layers share: each written form is normalised once, here.

A field that Keras reads with `standardize_tuple` takes one integer for every spatial axis or one
per axis, and is stored as a tuple with one entry per axis; it is written back as one integer when
all agree. Source of what is allowed: keras/src/utils/argument_validation.py (3.15.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias, cast

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from specc import activations

# Lengths of the spatial axes, or steps along them: one entry per axis.
Sizes: TypeAlias = tuple[int, ...]
Pairs: TypeAlias = tuple[tuple[int, int], ...]


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def per_axis(count: int, least: int) -> Callable[[object], Sizes]:
    """A validator: an integer, or `count` of them, each at least `least`, as a tuple of `count`."""
    several = f" or a list of {count}" if count > 1 else ""

    def validate(value: object) -> Sizes:
        items = [value] * count if _is_int(value) else value
        if (
            isinstance(items, list | tuple)
            and len(cast("list[object]", items)) == count
            and all(_is_int(item) for item in cast("list[object]", items))
        ):
            numbers = tuple(cast("list[int]", items))
            if all(number >= least for number in numbers):
                return numbers
        raise PydanticCustomError(
            "per_axis",
            "expected an integer of at least {least}{several}, found {value}",
            {"least": least, "several": several, "value": repr(value)},
        )

    return validate


def _shortest(sizes: Sizes) -> object:
    return sizes[0] if len(set(sizes)) == 1 else list(sizes)


def _sizes_schema(count: int, least: int) -> WithJsonSchema:
    one = {"type": "integer", "minimum": least}
    many = {"type": "array", "items": one, "minItems": count, "maxItems": count}
    return WithJsonSchema({"anyOf": [one, many]}, mode="validation")


_SHORT = PlainSerializer(_shortest, when_used="json")

# One positive integer per spatial axis.
IntSingle: TypeAlias = Annotated[
    Sizes, BeforeValidator(per_axis(1, 1)), _sizes_schema(1, 1), _SHORT
]
IntPair: TypeAlias = Annotated[Sizes, BeforeValidator(per_axis(2, 1)), _sizes_schema(2, 1), _SHORT]
IntTriple: TypeAlias = Annotated[
    Sizes, BeforeValidator(per_axis(3, 1)), _sizes_schema(3, 1), _SHORT
]
# The same, 0 allowed.
ExtraSingle: TypeAlias = Annotated[
    Sizes, BeforeValidator(per_axis(1, 0)), _sizes_schema(1, 0), _SHORT
]
ExtraPair: TypeAlias = Annotated[
    Sizes, BeforeValidator(per_axis(2, 0)), _sizes_schema(2, 0), _SHORT
]
ExtraTriple: TypeAlias = Annotated[
    Sizes, BeforeValidator(per_axis(3, 0)), _sizes_schema(3, 0), _SHORT
]


def pairs(count: int) -> Callable[[object], Pairs]:
    """A validator of (before, after) for each of `count` axes.

    An integer is meant for all sides. With one axis, two integers are its (before, after); with
    more, one integer per axis serves both its sides.
    """
    shape = "[before, after]" if count == 1 else f"{count} lists [before, after]"

    def validate(value: object) -> Pairs:
        items = [value] * count if _is_int(value) else value
        if isinstance(items, list | tuple):
            entries = list(cast("list[Any]", items))
            if count == 1 and len(entries) == 2 and all(map(_is_int, entries)):  # noqa: PLR2004
                entries = [entries]
            both = per_axis(2, 0)
            if len(entries) == count:
                try:
                    return tuple((a, b) for a, b in map(both, entries))
                except PydanticCustomError:
                    pass
        raise PydanticCustomError(
            "pairs",
            "expected an integer of at least 0 or {shape}, found {value}",
            {"shape": shape, "value": repr(value)},
        )

    return validate


def _shortest_pairs(value: Pairs) -> object:
    if len({side for pair in value for side in pair}) == 1:
        return value[0][0]
    if len(value) == 1:
        return list(value[0])
    return [list(pair) for pair in value]


def _pairs_schema(count: int) -> WithJsonSchema:
    one: dict[str, Any] = {"type": "integer", "minimum": 0}
    pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
    entry = {"anyOf": [one, pair]}
    many = {"type": "array", "items": entry, "minItems": count, "maxItems": count}
    return WithJsonSchema({"anyOf": [one, pair if count == 1 else many]}, mode="validation")


_SHORT_PAIRS = PlainSerializer(_shortest_pairs, when_used="json")

# (before, after) elements of each spatial axis, to add or to cut.
Sides1D: TypeAlias = Annotated[Pairs, BeforeValidator(pairs(1)), _pairs_schema(1), _SHORT_PAIRS]
Sides2D: TypeAlias = Annotated[Pairs, BeforeValidator(pairs(2)), _pairs_schema(2), _SHORT_PAIRS]
Sides3D: TypeAlias = Annotated[Pairs, BeforeValidator(pairs(3)), _pairs_schema(3), _SHORT_PAIRS]


def one_of(*choices: str) -> BeforeValidator:
    """A validator of a word out of `choices`, in any case."""

    def validate(value: object) -> str:
        word = value.lower() if isinstance(value, str) else ""
        if word in choices:
            return word
        raise PydanticCustomError(
            "choice",
            "expected {choices}, found {value}",
            {"choices": " or ".join(map(repr, choices)), "value": repr(value)},
        )

    return BeforeValidator(validate)


# Typed str, not Literal, so that a kind may allow more words than the base it extends.
Padding: TypeAlias = Annotated[
    str, one_of("valid", "same"), WithJsonSchema({"enum": ["valid", "same"]}, mode="validation")
]
CausalPadding: TypeAlias = Annotated[
    str,
    one_of("valid", "same", "causal"),
    WithJsonSchema({"enum": ["valid", "same", "causal"]}, mode="validation"),
]


def _data_format(value: object) -> object:
    return "channels_last" if value is None else value


# Where the channels stand; null is Keras' default, channels last.
DataFormat: TypeAlias = Annotated[
    Literal["channels_last", "channels_first"], BeforeValidator(_data_format)
]

# A fraction in [0, 1].
Rate: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
# One axis or several.
Axes: TypeAlias = int | tuple[int, ...]
_Row: TypeAlias = tuple[float, ...]


def _rectangular(value: object) -> object:
    try:
        np.asarray(value, np.float64)
    except ValueError:
        raise PydanticCustomError(
            "rectangular", "expected lists of one length, found {value}", {"value": repr(value)}
        ) from None
    return value


# A number, or numbers in up to three axes.
Values: TypeAlias = Annotated[
    float | _Row | tuple[_Row, ...] | tuple[tuple[_Row, ...], ...], AfterValidator(_rectangular)
]


def _optional_function(value: object) -> activations.Choice | None:
    found = None if value is None else activations.choose(value)
    return None if found == "linear" else found


def _function_written(value: object) -> object:
    return value.written() if isinstance(value, activations.Chosen) else value


def _functions() -> list[dict[str, Any]]:
    """JSON Schema of a function: its name alone, or with its parameters."""
    with_values = {
        name: activations.parameters(name).model_json_schema()
        for name, found in activations.registered().items()
        if found.keywords
    }
    for schema in with_values.values():
        schema.pop("title")
    chosen = {
        "type": "object",
        "properties": with_values,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return [{"enum": activations.names()}, chosen]


# A function by name, or with values for its parameters; Keras' further names (`swish`) become the
# first (`silu`).
ActivationChoice: TypeAlias = Annotated[
    activations.Choice,
    BeforeValidator(activations.choose),
    PlainSerializer(_function_written),
    WithJsonSchema({"anyOf": _functions()}, mode="validation"),
]
# The same or none at all; `linear` is none.
OptionalActivation: TypeAlias = Annotated[
    activations.Choice | None,
    BeforeValidator(_optional_function),
    PlainSerializer(_function_written),
    WithJsonSchema({"anyOf": [*_functions(), {"type": "null"}]}, mode="validation"),
]


def _lines_schema(item: str) -> WithJsonSchema:
    many = {"type": "array", "items": {"type": item}}
    return WithJsonSchema({"anyOf": [many, {"type": "string"}, {"type": "null"}]}, "validation")


# Lists that a spec may also give as the name of a file of lines.
TextLines: TypeAlias = Annotated[tuple[str, ...] | None, _lines_schema("string")]
IntLines: TypeAlias = Annotated[tuple[int, ...] | None, _lines_schema("integer")]


def unsupported(what: str) -> BeforeValidator:
    """A validator that refuses everything but false or null, and says `what` is missing."""

    def validate(value: object) -> object:
        if value is None or value is False:
            return value
        raise PydanticCustomError(
            "unsupported",
            "{what} is not supported; leave the field out",
            {"what": what},
        )

    return BeforeValidator(validate)
