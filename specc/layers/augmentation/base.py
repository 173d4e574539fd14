"""What layers that vary images in training have in common: ranges, draws, and when they act.

Draws come in the order and shapes of Keras, from this package's generator: the distributions are
Keras', the numbers are not. They are functions of seed, layer and step, so that a resumed run
draws the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias, cast

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Layer, Lowering, Shapes
from specc.layers.axes import expect_image, from_channels_last, to_channels_last
from specc.primitives import Tensor
from specc.tensors import Dims, Shape

Span: TypeAlias = tuple[float, float]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def span(
    low: float, high: float, *, mirrored: bool = False, optional: bool = False
) -> Callable[[object], Span | None]:
    """A validator of a range of random numbers: two numbers, or one that both ends follow from.

    One number f stands for (max(-|f|, low), |f|); `mirrored` for (-|f|, |f|), whatever `low` is.
    As in Keras a pair may reach beyond the limits on one side.
    """

    def validate(value: object) -> Span | None:
        if value is None and optional:
            return None
        if isinstance(value, int | float) and _number(value) and low <= value <= high:
            size = abs(value)
            return (-size if mirrored else max(-size, low), size)
        if isinstance(value, list | tuple):
            items = cast("list[float]", list(cast("list[object]", value)))
            if len(items) == 2 and all(map(_number, items)):  # noqa: PLR2004
                first, last = sorted(items)
                if first <= high and last >= low:
                    return (first, last)
        raise PydanticCustomError(
            "span",
            "expected a number or two in {low} to {high}, found {value}",
            {"low": low, "high": high, "value": repr(cast("object", value))},
        )

    return validate


_PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_SCHEMA = WithJsonSchema({"anyOf": [{"type": "number"}, _PAIR]}, mode="validation")
_OPTIONAL = WithJsonSchema(
    {"anyOf": [{"type": "number"}, _PAIR, {"type": "null"}]}, mode="validation"
)


# A strength in [0, 1], or one whose sign is drawn too, or the range that it is drawn from.
Fraction: TypeAlias = Annotated[Span, BeforeValidator(span(0.0, 1.0)), _SCHEMA]
Signed: TypeAlias = Annotated[Span, BeforeValidator(span(-1.0, 1.0)), _SCHEMA]
Mirrored: TypeAlias = Annotated[Span, BeforeValidator(span(0.0, 1.0, mirrored=True)), _SCHEMA]
OptionalFraction: TypeAlias = Annotated[
    Span | None, BeforeValidator(span(0.0, 1.0, optional=True)), _OPTIONAL
]
OptionalSigned: TypeAlias = Annotated[
    Span | None, BeforeValidator(span(-1.0, 1.0, optional=True)), _OPTIONAL
]


def _limits(value: object) -> Span:
    if isinstance(value, list | tuple):
        items = cast("list[float]", list(cast("list[object]", value)))
        if len(items) == 2 and all(map(_number, items)) and items[0] != items[1]:  # noqa: PLR2004
            return (min(items), max(items))
    raise PydanticCustomError(
        "limits",
        "expected two different numbers, found {value}",
        {"value": repr(cast("object", value))},
    )


# The least and the largest value of a pixel.
ValueRange: TypeAlias = Annotated[
    Span, BeforeValidator(_limits), WithJsonSchema(_PAIR, mode="validation")
]
BYTES: Span = (0, 255)


def drawn(low: Lowering, x: Tensor, limits: Span, shape: Dims | None = None) -> Tensor:
    """Numbers between two limits, one for each sample by default, (N, 1, 1, 1).

    Nothing is drawn where the limits agree.
    """
    least, most = limits
    if least == most:
        return x.trace.constant(float(least), x.dtype)
    u = low.uniform(x, (x.shape[0], 1, 1, 1) if shape is None else shape)
    return u * float(most - least) + float(least)


def chance(low: Lowering, x: Tensor, factor: Span) -> Tensor:
    """1 for the samples that a layer acts on, else 0: u < p, where p itself lies in a range."""
    p = drawn(low, x, factor)
    return ops.cast(ops.less(low.uniform(x, (x.shape[0], 1, 1, 1)), p), x.dtype)


def mixed(keep: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """A where `keep` is 1, b where it is 0."""
    return ops.where(ops.greater(keep, 0.5), a, b)


def rescaled(x: Tensor, old: Span, new: Span) -> Tensor:
    """Values of the range `old` in the range `new`."""
    if tuple(old) == tuple(new):
        return x
    return (x - float(old[0])) / float(old[1] - old[0]) * float(new[1] - new[0]) + float(new[0])


def clipped(x: Tensor, limits: Span) -> Tensor:
    """Values within limits."""
    return ops.clip(x, float(limits[0]), float(limits[1]))


class Augmentation(Layer):
    """Images with a change that is drawn for each step; the images themselves outside training.

    Subclasses end with the fields `data_format` and `seed`, in Keras' order. `draws` and `changed`
    see channels last.
    """

    abstract: ClassVar[bool] = True
    always: ClassVar[bool] = False
    if TYPE_CHECKING:  # A field of every subclass, which would here come before all others.
        data_format: DataFormat

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_image(inputs[0], 2, self.data_format)
        return inputs[0]

    def draws(self, low: Lowering, x: Tensor) -> tuple[Tensor, ...]:
        """The random numbers of one step. None by default."""
        del low, x
        return ()

    def changed(self, x: Tensor, *draws: Tensor) -> Tensor:
        """The images after the change that the numbers say."""
        raise NotImplementedError

    def applied(self, low: Lowering, x: Tensor) -> Tensor:
        """The images after a change that is drawn now."""
        return self.changed(x, *self.draws(low, x))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        if not (low.training or self.always):
            return x
        x = to_channels_last(x, self.data_format)
        return from_channels_last(self.applied(low, x), self.data_format)
