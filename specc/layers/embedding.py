"""A learnt vector for each integer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import PositiveFloat, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import unsupported
from specc.initializers import Initializer, RandomUniform
from specc.layer import Cost, Lowering, Masks, Shapes, Weight
from specc.layers.axes import known
from specc.layers.lora import Adapted, adapted, adapters
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class Embedding(Adapted):
    """Row x of a table, for each id x in 0 .. input_dim - 1.

    Shapes: ids (N, ...) of any number type, table `embeddings` (input_dim, output_dim), result
    (N, ..., output_dim).

    Source: keras/src/layers/core/embedding.py (3.15.1).
    """

    main: ClassVar[str] = "embeddings"

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
    mask_zero: bool = False
    """Whether id 0 is padding that later layers skip."""
    lora_rank: PositiveInt | None = None
    """Rank of the product that is added to the then frozen table; none when absent."""
    lora_alpha: PositiveFloat | None = None
    """The product's factor is lora_alpha / lora_rank; lora_rank by default."""

    @override
    def ids(self, flags: Mapping[str, Any]) -> int | None:
        return self.input_dim

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return (*inputs[0], self.output_dim)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        full = weight(self, "embeddings", (self.input_dim, self.output_dim))
        table, lora = adapters(full, self.lora_rank)
        return (table, *lora)

    def table(self, low: Lowering) -> Tensor:
        """The table with its adapters."""
        return adapted(low, "embeddings", self.lora_rank, self.lora_alpha)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (ids,) = inputs
        if ids.dtype not in ("int32", "int64"):
            ids = ops.cast(ids, "int32")
        return ops.gather_rows(self.table(low), ids)

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        ids = inputs[0]
        if not self.mask_zero or ids is None:
            return ()
        return (ops.logical_not(ops.equal(ids, 0)),)


class ReversibleEmbedding(Embedding):
    """Row x of a table; called with `reverse`, the products of a vector with every row.

    Shapes: ids (N, ...), result (N, ..., output_dim); with the call flag `reverse` x (N, ...,
    output_dim), result (N, ..., input_dim). Table `embeddings` (input_dim, output_dim), and
    `reverse_embeddings` (output_dim, input_dim) unless `tie_weights`.

    Source: keras/src/layers/core/reversible_embedding.py (3.15.1).
    """

    call_flags: ClassVar[tuple[str, ...]] = ("reverse",)
    tie_weights: bool = True
    """Whether both directions use one table."""
    reverse_dtype: Annotated[None, unsupported("another type for the reverse direction")] = None
    """Element type of the products: not supported, they are those of the table."""
    logit_soft_cap: PositiveFloat | None = None
    """Products p become cap tanh(p / cap), which keeps them within the cap."""

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        table = super().weights(inputs)
        if self.tie_weights:
            return table
        shape = (self.output_dim, self.input_dim)
        return (*table, Weight("reverse_embeddings", shape, self.embeddings_initializer))

    @override
    def ids(self, flags: Mapping[str, Any]) -> int | None:
        return None if flags.get("reverse", False) else super().ids(flags)

    @override
    def call_shape(self, inputs: Shapes, flags: Mapping[str, Any]) -> Shape | Shapes:
        if not flags.get("reverse", False):
            return self.output_shape(inputs)
        (x,) = inputs
        if known(x, -1) != self.output_dim:
            raise ShapeError(
                f"reverse needs vectors of {self.output_dim}, the table's output_dim;"
                f" found {show(x)}"
            )
        return (*x[:-1], self.input_dim)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if not low.flags.get("reverse", False):
            return super().lower(low, *inputs)
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        if self.tie_weights:
            kernel = ops.transpose(self.table(low), (1, 0))
        else:
            kernel = low.weight("reverse_embeddings")
        y = ops.dense(x, kernel)
        cap = self.logit_soft_cap
        return y if cap is None else ops.tanh(y * (1.0 / cap)) * cap

    @override
    def output_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> Masks:
        # Keras leaves masks to the embedding layer proper.
        return ()

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        # Only the reverse direction, which keeps the number of axes, multiplies.
        if len(output) != len(inputs[0]):
            return super().cost(inputs, output)
        made = elements(output[1:])
        return Cost(made * self.output_dim, made * 3 * (self.logit_soft_cap is not None))
