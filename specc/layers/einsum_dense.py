"""The fully connected layer over any axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, cast

from pydantic import AfterValidator, PositiveFloat, PositiveInt
from typing_extensions import override

from specc import activations
from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import OptionalActivation
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Lowering, Shapes, Weight
from specc.layers.einsum import Equation
from specc.layers.lora import Adapted, adapted, adapters
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


def _checked(text: str) -> str:
    Equation.read(text)
    return text


def with_fans(own: Weight, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Weight:
    """The weight with these axes as the fans of its initializer, if that has fans not yet given."""
    initializer = own.initializer
    if getattr(initializer, "input_axes", ()) is not None:
        return own
    fans = {"input_axes": inputs, "output_axes": outputs}
    return Weight(
        own.name,
        own.shape,
        initializer.model_copy(update=fans),
        own.trainable,
        own.dtype,
        own.regularizer,
        own.constraint,
    )


class EinsumDense(Adapted):
    """activation(einsum(equation, x, W) + b).

    Shapes: as the equation says; `result_shape` (Keras: output_shape) gives the lengths of the
    result's axes but the batch, null where the input has them. Axes under `...` are left out.

    Source: keras/src/layers/core/einsum_dense.py (3.15.1).
    """

    renamed: ClassVar[Mapping[str, str]] = {"output_shape": "result_shape"}

    equation: Annotated[str, AfterValidator(_checked)]
    """Axes of input and kernel and of the result: `abc,cd->abd`."""
    result_shape: PositiveInt | tuple[PositiveInt | None, ...]
    """Lengths of the result's axes without the batch; null where the input has the axis."""
    activation: OptionalActivation = None
    """Function applied to the result."""
    bias_axes: str | None = None
    """Axes of the result along which a bias is added; no bias when absent."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the kernel."""
    bias_initializer: Initializer = Zeros()
    """First values of the bias."""
    kernel_regularizer: Regularizer | None = None
    """Penalty on the kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on the bias."""
    kernel_constraint: Constraint | None = None
    """Limit on the kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on the bias after each update."""
    lora_rank: PositiveInt | None = None
    """Rank of the product that is added to the then frozen kernel; none when absent."""
    lora_alpha: PositiveFloat | None = None
    """The product's factor is lora_alpha / lora_rank; lora_rank by default."""

    def _sizes(self, shape: Shape) -> tuple[Equation, dict[str, int | None]]:
        """The equation for an input of `shape`, and the length of each of its axes."""
        read = Equation.read(self.equation)
        if len(shape) < len(read.x) or (not read.dots and len(shape) > len(read.x)):
            raise ShapeError(f"{self.equation!r} does not fit the axes of an input {show(shape)}")
        full = read.spread(len(shape))
        sizes = dict(zip(full.x, shape, strict=True))
        given = self.result_shape if isinstance(self.result_shape, tuple) else (self.result_shape,)
        # What stands under `...` has no entry, and the batch, the first axis of all, has none.
        named = [label for label in read.y if label != full.y[0]]
        if len(given) != len(named):
            raise ShapeError(
                f"result_shape has {len(given)} entries for the {len(named)} axes {''.join(named)}"
                f" of {self.equation!r}; give one each"
            )
        for label, size in zip(named, given, strict=True):
            own = sizes.get(label)
            if own is not None and size is not None and own != size:
                raise ShapeError(
                    f"axis {label} of {self.equation!r} is {own} in the input and {size} in"
                    " result_shape; leave it null there"
                )
            sizes[label] = own if size is None else size
        for label in full.w:
            if sizes.get(label) is None:
                raise ShapeError(f"axis {label} of {self.equation!r} needs a known length")
        return full, sizes

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        full, sizes = self._sizes(inputs[0])
        shape = tuple(sizes.get(label) for label in full.y)
        return activations.output_shape(self.activation, shape)

    @override
    def shown_shape(self, inputs: Shapes) -> Shape:
        # Keras leaves open what output_shape leaves open, though the input has the axis.
        full, sizes = self._sizes(inputs[0])
        read = Equation.read(self.equation)
        given = self.result_shape if isinstance(self.result_shape, tuple) else (self.result_shape,)
        said = dict(zip([label for label in read.y if label != full.y[0]], given, strict=True))
        said[full.y[0]] = inputs[0][0]
        shape = tuple(said[label] if label in said else sizes.get(label) for label in full.y)
        return activations.output_shape(self.activation, shape)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        full, sizes = self._sizes(inputs[0])
        kernel = weight(self, "kernel", tuple(cast("int", sizes[label]) for label in full.w))
        made = tuple(i for i, label in enumerate(full.w) if label in full.y)
        summed = tuple(i for i, label in enumerate(full.w) if label not in full.y)
        kernel, lora = adapters(with_fans(kernel, summed, made), self.lora_rank)
        if self.bias_axes is None:
            return (kernel, *lora)
        absent = [label for label in self.bias_axes if label not in full.y]
        if absent or not self.bias_axes:
            raise ShapeError(f"bias_axes {self.bias_axes!r} are not axes of {self.equation!r}")
        tail = full.y[min(full.y.index(label) for label in self.bias_axes) :]
        shape = tuple(sizes[label] if label in self.bias_axes else 1 for label in tail)
        if None in shape:
            raise ShapeError(f"bias_axes {self.bias_axes!r} need known lengths")
        return (kernel, weight(self, "bias", cast("tuple[int, ...]", shape)), *lora)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        kernel = adapted(low, "kernel", self.lora_rank, self.lora_alpha)
        y = Equation.read(self.equation).spread(x.rank).contract(x, kernel)
        if self.bias_axes is not None:
            y = y + low.weight("bias")
        return activations.apply(self.activation, y)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        full, sizes = self._sizes(inputs[0])
        summed = [sizes[label] or 1 for label in full.w if label not in full.y]
        made = elements(output[1:])
        each = (self.bias_axes is not None) + activations.get(self.activation).ops
        return Cost(made * math.prod(summed), made * each)
