"""Layers around another layer, in whose place a model of the spec may stand."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias, cast

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.family import FAMILY_MARK
from specc.layer import Layer, Lowering
from specc.layers.attending import optional
from specc.primitives import Tensor

KEY = "call"


class Applied(Layer):
    """A model of the spec in the place of a layer: `{call: NAME}`. Its weights are the model's."""

    abstract: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = 2
    arguments: ClassVar[tuple[str, ...]] = ("inputs", "mask")

    call: str
    """The model's name under `models:`."""

    @override
    def written(self) -> object:
        return {KEY: self.call}

    @override
    def full(self) -> object:
        return self.written()

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return low.model(inputs[0], optional(inputs, 1))


def _applied(value: object) -> object:
    """`{call: NAME}` as the model that it names; other forms as they are."""
    fields: dict[str, Any] = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if set(fields) != {KEY}:
        return cast("object", value)
    name = fields[KEY]
    if not isinstance(name, str):
        raise PydanticCustomError(
            "model_name", "expected the name of a model, found {value}", {"value": repr(name)}
        )
    return Applied(call=name)


LayerOrModel: TypeAlias = Annotated[
    Layer,
    BeforeValidator(_applied),
    WithJsonSchema(
        {
            "anyOf": [
                {FAMILY_MARK: Layer.family_name},
                {
                    "type": "object",
                    "required": [KEY],
                    "properties": {KEY: {"type": "string", "minLength": 1}},
                    "additionalProperties": False,
                },
            ]
        },
        mode="validation",
    ),
]


class Wrapper(Layer):
    """A layer around another one, or around a model of the spec.

    Source: keras/src/layers/core/wrapper.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    layer: LayerOrModel
    """The layer; `{call: NAME}` is the model of that name under `models:`."""
