"""The function that a spec chooses: a name, or a name with values for its parameters."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.activations.registry import Activation, find, names
from specc.errors import InternalError, nearest
from specc.family import check_numbers
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, show


@dataclass(frozen=True, slots=True)
class Chosen:
    """A function with values for some of its parameters, none of them the default."""

    name: str
    arguments: tuple[tuple[str, Any], ...]

    @override
    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.arguments)})"

    def written(self) -> object:
        """The shortest form that `choose` reads back."""
        values = dict(self.arguments)
        first = next(iter(parameters(self.name).model_fields))
        return {self.name: values[first] if [*values] == [first] else values}


# What a field of a layer holds.
Choice: TypeAlias = str | Chosen


def get(choice: Choice | None) -> Activation:
    """The function of a choice, its parameters bound; None is `linear`.

    Raises:
        InternalError: there is none (fields check choices when a spec is read).
    """
    name = choice.name if isinstance(choice, Chosen) else choice or "linear"
    found = find(name)
    if found is None:
        raise InternalError(f"unknown activation {name!r}")
    if isinstance(choice, Chosen):
        return replace(found, function=partial(found.function, **dict(choice.arguments)))
    return found


def choose(value: object) -> Choice:
    """What a spec writes: `name`, `{name: {parameter: value}}`, or the first one's value alone.

    Raises:
        PydanticCustomError: nothing is called so (the message has the nearest names), a value does
            not fit, or the function needs values and has none.
    """
    if isinstance(value, Chosen):
        return value
    name, given = value, None
    if isinstance(value, dict) and len(cast("dict[object, object]", value)) == 1:
        ((name, given),) = cast("dict[object, object]", value).items()
    if not isinstance(name, str):
        raise PydanticCustomError(
            "activation_form",
            "expected an activation function: `name` or `name: {parameter: value}`, found {value}",
            {"parameter": "{parameter: value}", "value": repr(cast("object", value))},
        )
    return _valued(_known(name), given)


def canonical(name: str) -> str:
    """The first name of what a spec calls `name`, used by name alone.

    Raises:
        PydanticCustomError: as `choose`.
    """
    found = choose(name)
    return found.name if isinstance(found, Chosen) else found


def apply(choice: Choice | None, x: Tensor) -> Tensor:
    """The chosen function of x."""
    return get(choice).function(x)


def output_shape(choice: Choice | None, shape: Shape) -> Shape:
    """Shape of the function's result: that of its argument, but for `glu`.

    Raises:
        ShapeError: there is no such axis, or `glu` cannot halve it.
    """
    found = get(choice)
    if "axis" not in found.keywords:
        return shape
    axis = axis_index(found.keywords["axis"], len(shape))
    length = shape[axis]
    if not found.measures:
        return shape
    if length is None:
        raise ShapeError(f"{found.name} needs a known length along axis {axis} of {show(shape)}")
    if not found.halves:
        return shape
    if length % 2:
        raise ShapeError(f"{found.name} halves axis {axis}, which is odd in {show(shape)}")
    return (*shape[:axis], length // 2, *shape[axis + 1 :])


def keywords(name: str) -> dict[str, Any]:
    """The function's parameters and their defaults."""
    return get(name).keywords


_CHECKS = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@cache
def parameters(name: str) -> type[BaseModel]:
    """The parameters of a function as a model, for checks and the JSON Schema."""
    found = get(name)
    hints = typing.get_type_hints(found.function)
    fields: dict[str, Any] = {key: (hints[key], value) for key, value in found.keywords.items()}
    return create_model(name, __config__=_CHECKS, **fields)


def _known(name: str) -> Activation:
    found = find(name)
    if found is None:
        raise PydanticCustomError(
            "unknown_activation",
            "unknown activation {name};{hint}",
            {"name": repr(name), "hint": nearest(name, names())},
        )
    return found


def _valued(found: Activation, given: object) -> Choice:
    """The function with what is given for its parameters."""
    known = found.keywords
    if given is not None and not isinstance(given, dict):
        given = {next(iter(known), str(given)): given}
    values = cast("Mapping[str, object]", given or {})
    unknown = [str(name) for name in values if name not in known]
    if unknown or (values and not known):
        raise PydanticCustomError(
            "activation_parameter",
            "activation {name} has no parameter {unknown};{hint}",
            {
                "name": repr(found.name),
                "unknown": repr(unknown[0]),
                "hint": nearest(unknown[0], known) if known else " it takes no values",
            },
        )
    needs = [name for name in found.needs if name not in values]
    if needs:
        raise PydanticCustomError(
            "activation_arguments",
            "activation {name} needs values for {needs}",
            {"name": repr(found.name), "needs": " and ".join(needs)},
        )
    try:
        checked = parameters(found.name).model_validate(values)
        check_numbers(checked)
    except ValidationError as error:
        detail = error.errors()[0]
        raise PydanticCustomError(
            "activation_value",
            "activation {name}: {parameter}: {reason}",
            {
                "name": repr(found.name),
                "parameter": ".".join(map(str, detail["loc"])),
                "reason": detail["msg"],
            },
        ) from None
    own = tuple((k, v) for k in known if (v := getattr(checked, k)) != known[k] or k in found.needs)
    return Chosen(found.name, own) if own else found.name
