"""What operations share: operands that are tensors or constants, their element types, shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias, cast

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from specc.layer import Layer, Shapes
from specc.layers.types import float_type, integer_type
from specc.primitives import Tensor
from specc.shapes import ShapeError, axis_index
from specc.shapes import broadcast as broadcast_shapes
from specc.tensors import Shape

MOST_AXES = 8


def _frozen(value: object) -> object:
    """Nested lists as nested tuples."""
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in cast("Sequence[object]", value))
    return value


def _constant(value: object) -> object:
    frozen = _frozen(value)
    try:
        array = np.asarray(frozen)
    except ValueError:
        array = np.asarray(None)
    if frozen is not None and (array.dtype.kind not in "bif" or array.ndim > MOST_AXES):
        raise PydanticCustomError(
            "constant",
            "expected a number, or lists of numbers of one length, found {value}",
            {"value": repr(value)[:60]},
        )
    return frozen


# A number, or an array as nested lists; numbers take the element type of the tensors they meet.
Constant: TypeAlias = Annotated[
    Any,
    BeforeValidator(_constant),
    WithJsonSchema({"type": ["number", "boolean", "array", "null"]}, mode="validation"),
]


class Operation(Layer):
    """One function of `keras.ops`.

    Class attributes:
        operands: arguments of Keras' call in order: tensors, or fields of the same names.
        listed: whether the call takes one list of tensors.
    """

    abstract: ClassVar[bool] = True
    apart: ClassVar[bool] = False  # their axes count the batch
    key_prefix: ClassVar[str] = "ops."
    keras_module: ClassVar[str] = "keras.src.ops.numpy"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    listed: ClassVar[bool] = False


class Combination(Operation):
    """An operation each of whose operands is an input or a constant, in Keras' order.

    Inputs fill the operands that no field gives, in order.
    """

    abstract: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None

    def _given(self) -> Mapping[str, object]:
        """Operands that fields give."""
        values = {name: getattr(self, name, None) for name in self.operands}
        return {name: value for name, value in values.items() if value is not None}

    def operand_shapes(self, inputs: Shapes) -> list[Shape]:
        """Shapes of all operands in Keras' order.

        Raises:
            ShapeError: there are more or fewer inputs than open operands.
        """
        given = self._given()
        opened = [name for name in self.operands if name not in given]
        if len(inputs) != len(opened):
            raise ShapeError(
                f"takes {len(opened)} inputs ({', '.join(opened)}), received {len(inputs)};"
                " operands are inputs or fields"
            )
        shapes = iter(inputs)
        return [
            tuple(np.shape(cast("Any", given[name]))) if name in given else next(shapes)
            for name in self.operands
        ]

    def operand_tensors(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """All operands in Keras' order; constants in the element type that Keras gives them."""
        given = self._given()
        trace, tensors = inputs[0].trace, iter(inputs)
        found: list[Tensor] = []
        for name in self.operands:
            if name not in given:
                found.append(next(tensors))
                continue
            array = np.asarray(given[name])
            if array.dtype.kind == "f":
                found.append(trace.constant(array, float_type(inputs)))
            elif array.dtype.kind == "i":
                found.append(trace.constant(array, integer_type(inputs)))
            else:
                found.append(trace.constant(array, "bool"))
        return found


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The common shape of operands, aligned on the last axis.

    Raises:
        ShapeError: lengths differ and neither is 1, or the batch meets another length.
    """
    result: Shape = ()
    rank = max(map(len, shapes))
    for shape in shapes:
        result = broadcast_shapes(result, shape)
    for shape in shapes:
        batch = rank - len(shape)
        if shape and shape[0] is None and result[batch] is not None:
            raise ShapeError(f"the batch axis of {shape} meets a length of {result[batch]}")
    return result


def axes_of(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes as 0..rank-1, all of them when None.

    Raises:
        ShapeError: there is no such axis.
    """
    if axis is None:
        return tuple(range(rank))
    given = (axis,) if isinstance(axis, int) else axis
    return tuple(axis_index(a, rank) for a in given)
