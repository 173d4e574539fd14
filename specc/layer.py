"""`Layer`: what one entry of a spec is. One class says everything about a kind of layer.

A layer is its fields (Keras' names and defaults), a rule from input shapes to output shapes, the
weights it owns, and a lowering that speaks primitives. Nothing here or in `specc/layers/` knows
ONNX.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, TypeAlias, cast

from numpy.typing import NDArray
from pydantic import model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.constraints import Constraint
from specc.family import Member, snake_case
from specc.initializers import Initializer
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Dims, DType, Shape

Shapes: TypeAlias = tuple[Shape, ...]
# One for each tensor: which of its leading positions count (bool), None when all do.
Masks: TypeAlias = "tuple[Tensor | None, ...]"


@dataclass(frozen=True, slots=True)
class Weight:
    """One array that a layer owns, in Keras' shape and under Keras' name."""

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    trainable: bool = True
    dtype: DType = "float32"
    regularizer: Regularizer | None = None
    constraint: Constraint | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """How far one output element looks along each spatial axis; receptive fields follow from it.

    `kernel` counts elements before dilation; a layer that sees a whole axis has `kernel` None.
    A `transposed` window is written to rather than read: input i reaches the outputs
    i stride - pad + j dilation, j < kernel.
    """

    kernel: tuple[int, ...] | None
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    axes: tuple[int, ...]
    """Spatial axes of the input, batch included in the count: (1, 2) for channels last."""
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """Work for one sample. One MAC is one multiplication with its addition; FLOPs = 2 MACs + ops.

    `ops` counts further elementary operations (comparisons of a pool, exponentials, additions of a
    bias): they are reported as FLOPs, never as MACs.
    """

    macs: int = 0
    ops: int = 0


class Lowering(Protocol):
    """What a layer may ask for while it lowers itself."""

    @property
    def training(self) -> bool:
        """Whether this is a training step."""
        ...

    @property
    def flags(self) -> Mapping[str, Any]:
        """Further arguments of the call."""
        ...

    @property
    def masks(self) -> Masks:
        """The masks that travel with the inputs, None for an input without; or none at all."""
        ...

    def weight(self, name: str) -> Tensor:
        """The layer's weight or state called `name`, in Keras' shape."""
        ...

    def assign(self, name: str, value: Tensor) -> None:
        """The weight's or state's value after this batch (moving statistics)."""
        ...

    def add_loss(self, value: Tensor) -> None:
        """A scalar to add to the loss of the step."""
        ...

    def uniform(self, like: Tensor, shape: Dims) -> Tensor:
        """Fresh numbers in [0, 1), keyed by (seed, layer, draw, step)."""
        ...

    def normal(self, like: Tensor, shape: Dims) -> Tensor:
        """Fresh standard normal numbers, keyed by (seed, layer, draw, step)."""
        ...

    def model(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """What the sub-model that the layer holds makes of a tensor with a mask."""
        ...


TEXT_ENTERS = "works on numbers, received text; string_lookup or text_vectorization make ids of it"
NUMBERS_ENTER = "works on text, received numbers; write dtype: string at the input"

_FOREIGN = "runs another framework's program; build the model of layers"
# Layers of Keras that no graph can hold, and why.
REFUSED: Mapping[str, str] = {
    "lambda": "runs Python code; write a layer (docs/adding.md), or operations (ops.add, ...)",
    "max_num_bounding_boxes": "works on bounding boxes, which models here do not take",
    "flax_layer": _FOREIGN,
    "jax_layer": _FOREIGN,
    "tfsm_layer": _FOREIGN,
    "torch_module_wrapper": _FOREIGN,
}


def refusal(name: str) -> str | None:
    """Why there is no layer of Keras' name, snake_case or not; None when it is just not known."""
    reason = REFUSED.get(snake_case(name))
    return None if reason is None else f"the layer {name!r} is not supported: it {reason}"


class Layer(Member):
    """One kind of layer. Subclasses live in `specc/layers/`, one class a kind.

    Class attributes:
        keras_name: the Keras class (the summary's "type"); the Python class name by default.
        keras_module: where Keras has the class; empty for a kind that it does not have.
        keras_export: what Keras calls the class there, when that is not its own name.
        min_inputs, max_inputs: how many tensors one call takes; max None means any number.
        arguments: names of tensor arguments, for entries that give `inputs` as a mapping.
        argument_lists: arguments that Keras takes as one list, by the name of that list.
        call_flags: further arguments of a call beside `training`, which every layer takes.
        several_outputs: whether a call may have more than one output.
        keras_dtype: the element type that Keras gives the layer beside float32.
        lines: fields that are lists and that a spec may give as a file of lines, with what each
            line is.
        renamed: our names of fields whose Keras name is a method here, by Keras' name.
        supports_masking: whether the output's mask is that of the first input.
        mask_arguments: arguments that are masks; each with the argument whose own mask it takes
            when the call does not give it.
        apart: whether results for one sample follow from that sample alone, statistics of the
            batch aside that training takes for weights.
    """

    family_name: ClassVar[str] = "layer"
    keras_name: ClassVar[str] = ""
    keras_module: ClassVar[str] = "keras.layers"
    keras_export: ClassVar[str] = ""
    min_inputs: ClassVar[int] = 1
    max_inputs: ClassVar[int | None] = 1
    arguments: ClassVar[tuple[str, ...]] = ()
    argument_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    call_flags: ClassVar[tuple[str, ...]] = ()
    several_outputs: ClassVar[bool] = False
    keras_dtype: ClassVar[DType] = "float32"
    lines: ClassVar[Mapping[str, type[int] | type[str]]] = {}
    renamed: ClassVar[Mapping[str, str]] = {}
    supports_masking: ClassVar[bool] = False
    mask_arguments: ClassVar[Mapping[str, str]] = {}
    apart: ClassVar[bool] = True

    trainable: bool = True
    """Whether training changes the layer's trainable weights."""

    activity_regularizer: Regularizer | None = None
    """Penalty on the layer's output, divided by the batch size."""

    @model_validator(mode="before")
    @classmethod
    def _keras_names(cls, fields: object) -> object:
        """Fields under Keras' names where ours differ."""
        if not cls.renamed or not isinstance(fields, dict):
            return fields
        given = cast("dict[str, object]", fields)
        return {cls.renamed.get(name, name): value for name, value in given.items()}

    @classmethod
    @override
    def find(cls, name: str) -> type[Self]:
        """The kind called `name`; what no graph can hold is refused with the reason."""
        reason = refusal(name)
        if reason is not None:
            raise PydanticCustomError("refused_layer", "{reason}", {"reason": reason})
        return super().find(name)

    @classmethod
    def type_name(cls) -> str:
        """Keras' class name, as the summary prints it."""
        return cls.keras_name or cls.__name__

    def frozen(self) -> Self:
        """The layer that training leaves alone, with every layer inside it.

        Source: keras/src/layers/layer.py, Layer.trainable (3.15.1).
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        inside = {name: each.frozen() for name, each in fields.items() if isinstance(each, Layer)}
        return self.model_copy(update={**inside, "trainable": False})

    def output_shape(self, inputs: Shapes) -> Shape | Shapes:
        """Shape of the output, or shapes when the layer has several. Identity by default.

        Raises:
            ShapeError: the inputs do not fit; the message says why, the caller adds the place.
        """
        return inputs[0]

    def shown_shape(self, inputs: Shapes) -> Shape:
        """The shape in Keras' summary of a layer with one output, which may know less."""
        shape = self.output_shape(inputs)
        return tuple(dim for dim in shape if not isinstance(dim, tuple))

    def text(self, given: Sequence[bool]) -> bool:
        """Whether the results are text, told which inputs are. Most layers work on numbers alone.

        Raises:
            ShapeError: text enters where numbers must, or the other way round.
        """
        if any(given):
            raise ShapeError(TEXT_ENTERS)
        return False

    def call_shape(self, inputs: Shapes, flags: Mapping[str, Any]) -> Shape | Shapes:
        """`output_shape` for a call with `flags`, which change nothing by default."""
        del flags
        return self.output_shape(inputs)

    def ids(self, flags: Mapping[str, Any]) -> int | None:
        """How many ids the first input of a call may hold, from 0; None when it holds no ids."""
        del flags
        return None

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        """The weights built for these input shapes, in Keras' order. None by default."""
        del inputs
        return ()

    def states(self, inputs: Shapes) -> tuple[Weight, ...]:
        """What one batch leaves for the next beside weights: Keras neither counts nor saves it.

        A lowering reads and assigns it like a weight, in inference too. None by default.

        Raises:
            ShapeError: there is no fixed batch size.
        """
        del inputs
        return ()

    def in_turn(self, inputs: Shapes, *, training: bool) -> bool:
        """Whether calls on parts of a batch, one after the other, differ from one call on all.

        Samples meet, or a call sees what the one before left: states, and in training weights that
        are no subject of the gradient.
        """
        axis, rank = getattr(self, "axis", None), len(inputs[0])
        axes = cast("Sequence[object]", axis if isinstance(axis, list | tuple) else (axis,))
        crossing = any(isinstance(each, int) and each in (0, -rank) for each in axes)
        if crossing or not self.apart or self.states(inputs):
            return True
        return training and any(not weight.trainable for weight in self.weights(inputs))

    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        """Names of the weights in each group in which Keras' files keep them, in Keras' order.

        Groups are called after attributes of Keras' object; `""` is the object itself, which
        keeps trainable weights first.
        """
        return stored_alone(weights)

    def merged(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Weights as Keras' files hold them, where others that they do not hold are a part of them.

        Where these are read, the others are 0.
        """
        del arrays
        return {}

    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The layer's computation in primitives, on tensors in Keras' layout."""
        raise NotImplementedError

    def with_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> list[Tensor | None]:
        """The inputs of a call, with masks of the others in `mask_arguments` that are left out.

        Source: keras/src/layers/layer.py, Layer.__call__, step 6 (3.15.1).
        """
        found = list(inputs)
        for name, source in self.mask_arguments.items():
            at, of = self.arguments.index(name), self.arguments.index(source)
            mask = masks[of] if of < len(masks) else None
            if mask is not None:
                found += [None] * (at + 1 - len(found))
                found[at] = mask if found[at] is None else found[at]
        return found

    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        """Masks of the outputs from those of the inputs; outputs without one may be left out.

        Where the call gives a mask argument, it stands in `masks` for its source's own mask.
        """
        del inputs
        return masks[:1] if self.supports_masking else ()

    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        """Work of one sample's forward pass. None by default (moves and copies)."""
        del inputs, output
        return Cost()

    def window(self, inputs: Shapes) -> Window | None:
        """The window the layer slides over its input; None for a pointwise layer."""
        del inputs
        return None


def moved_text(given: Sequence[bool]) -> bool:
    """`Layer.text` of a layer that only moves elements: text stays text.

    Raises:
        ShapeError: text and numbers meet.
    """
    if any(given) and not all(given):
        raise ShapeError("received text and numbers; expected one or the other")
    return any(given)


def stored_alone(weights: Sequence[Weight]) -> dict[str, list[str]]:
    """`Layer.stored` of a layer that keeps all of its weights itself."""
    return {"": [w.name for w in sorted(weights, key=lambda w: not w.trainable)]}


@dataclass(frozen=True, slots=True)
class InputLayer:
    """A place where data enters. Not a `Layer`: it computes nothing and specs name it `inputs:`."""

    shape: Shape
    """Without the batch axis; None where a length is open."""
    dtype: DType = "float32"
    batch: int | None = field(default=None)

    @property
    def full_shape(self) -> Shape:
        """With the batch axis."""
        return (self.batch, *self.shape)
