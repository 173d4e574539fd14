"""A learnt vector for each integer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import unsupported
from specc.initializers import Initializer, RandomUniform
from specc.layer import Layer, Lowering, Shapes, Weight
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.tensors import Shape


class Embedding(Layer):
    """Row x of a table, for each id x in 0 .. input_dim - 1.

    Shapes: ids (N, ...) of any number type, table `embeddings` (input_dim, output_dim), result
    (N, ..., output_dim).

    Source: keras/src/layers/core/embedding.py (3.15.1).
    """

    input_dim: PositiveInt
    """Number of rows: the largest id plus 1."""
    output_dim: PositiveInt
    """Length of a row."""
    embeddings_initializer: Initializer = RandomUniform()
    """First values of the table."""
    embeddings_regularizer: Regularizer | None = None
    """Penalty on the table."""
    embeddings_constraint: Constraint | None = None
    """Limit on the table after each update."""
    mask_zero: Annotated[Literal[False], unsupported("masking of id 0")] = False
    """Whether id 0 is padding that later layers skip: not supported."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return (*inputs[0], self.output_dim)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (weight(self, "embeddings", (self.input_dim, self.output_dim)),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (ids,) = inputs
        if ids.dtype not in ("int32", "int64"):
            ids = ops.cast(ids, "int32")
        return ops.gather_rows(low.weight("embeddings"), ids)
