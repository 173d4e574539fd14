"""The largest of several features."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.axes import known
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements, show


class Maxout(Layer):
    """max over each run of `pool_size` neighbouring indices of an axis.

    Shapes: x (N, ..., k pool_size), result (N, ..., k).

    Source: Goodfellow et al. (2013), Maxout networks; the fields are those of Lasagne's
    FeaturePoolLayer.
    """

    keras_module: ClassVar[str] = ""

    pool_size: PositiveInt
    """Number of neighbours that one result is the largest of."""
    axis: int = -1
    """The axis of the features."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        axis = axis_index(self.axis, len(x))
        size = known(x, axis)
        if axis == 0 or size % self.pool_size:
            raise ShapeError(
                f"axis {axis} of {show(x)} does not divide into runs of {self.pool_size};"
                f" use a pool_size that divides {size}, and not the batch"
            )
        return (*x[:axis], size // self.pool_size, *x[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        axis = self.axis % x.rank
        (size,) = ints((x.shape[axis],))
        parts = (size // self.pool_size, self.pool_size)
        return ops.reduce_max(
            ops.reshape(x, (*x.shape[:axis], *parts, *x.shape[axis + 1 :])), axis + 1
        )

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(inputs[0][1:]) - elements(output[1:]))
