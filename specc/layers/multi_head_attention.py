"""Attention with several heads, each with its own projections of query, key and value."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.fields import Rate
from specc.initializers import GlorotUniform, Initializer, Zeros
from specc.layer import Cost, Layer, Lowering, Masks, Shapes, Weight
from specc.layers.attending import (
    band,
    boolean,
    both,
    causal,
    check_mask,
    common_length,
    dropped,
    full,
    key_shape,
    optional,
    returns_scores,
)
from specc.layers.axes import expect_rank, known
from specc.layers.einsum_dense import with_fans
from specc.layers.nested import stored_inside
from specc.layers.weight import weight
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class ProjectedAttention(Layer):
    """softmax(Q K^T / sqrt(d)) V for each head, joined by a last projection.

    Call flags: `use_causal_mask`, query i sees keys 0 to i; `return_attention_scores`, the softmax
    is a second output.
    """

    supports_masking: ClassVar[bool] = True
    abstract: ClassVar[bool] = True
    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 7
    call_flags: ClassVar[tuple[str, ...]] = ("use_causal_mask", "return_attention_scores")
    arguments: ClassVar[tuple[str, ...]] = (
        "query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask",
    )  # fmt: skip
    mask_arguments: ClassVar[Mapping[str, str]] = {
        "query_mask": "query", "value_mask": "value", "key_mask": "key",
    }  # fmt: skip

    dropout: Rate = 0.0
    """Part of the attention weights that training drops."""
    use_bias: bool = True
    """Whether the projections add a bias."""
    sliding_window: PositiveInt | None = None
    """Only keys nearer than this to the query count; all when absent."""
    flash_attention: bool | None = None
    """Kept for Keras' sake: it chooses an algorithm, never a result."""
    kernel_initializer: Initializer = GlorotUniform()
    """First values of the projections' kernels."""
    bias_initializer: Initializer = Zeros()
    """First values of the projections' biases."""
    kernel_regularizer: Regularizer | None = None
    """Penalty on each kernel."""
    bias_regularizer: Regularizer | None = None
    """Penalty on each bias."""
    kernel_constraint: Constraint | None = None
    """Limit on each kernel after each update."""
    bias_constraint: Constraint | None = None
    """Limit on each bias after each update."""
    use_gate: bool = False
    """Whether each head's result is multiplied by sigmoid of a projection of the query."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @classmethod
    @override
    def first_field(cls) -> str | None:
        # Fields that both kinds share stand first here, in Keras last.
        return next((f for f in cls.model_fields if f not in ProjectedAttention.model_fields), None)

    @abstractmethod
    def heads(self) -> tuple[int, int, int, int]:
        """Query heads, key and value heads, depth of queries and keys, depth of values."""

    def made(self, query: Shape) -> tuple[int, ...]:
        """Last axes of the result: the query's by default."""
        return (known(query, -1),)

    def attended(self, rank: int) -> tuple[int, ...]:
        """Axes that attention runs over, for inputs of `rank` axes."""
        return tuple(range(1, rank - 1))

    def explicit(self, query: Tensor, flags: Mapping[str, Any]) -> bool:
        """Whether Keras leaves its fused kernel, which gives a row without keys a uniform mean."""
        usual = query.rank == 3  # noqa: PLR2004 - batch, steps, dim
        return self.dropout > 0.0 or returns_scores(flags) or not usual

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        query, value, key = inputs[0], inputs[1], key_shape(inputs)
        common_length(value, key)
        if len(query) < 3 or len(query) != len(value):  # noqa: PLR2004
            raise ShapeError(
                f"query {show(query)} and value {show(value)}: expected (batch, steps, dim) or"
                " both with as many further axes"
            )
        for shape in (query, value, key):
            known(shape, -1)
        if len(query) == 3:  # noqa: PLR2004 - with more axes Keras takes masks of pairs alone
            check_mask(inputs, 3, "query_mask", query[:-1])
            check_mask(inputs, 4, "value_mask", value[:-1])
            check_mask(inputs, 5, "key_mask", key[:-1])
            check_mask(inputs, 6, "attention_mask", (query[1], value[1]))
        return (*query[:-1], *self.made(query))

    @override
    def call_shape(self, inputs: Shapes, flags: Mapping[str, Any]) -> Shape | Shapes:
        shape = self.output_shape(inputs)
        if not returns_scores(flags):
            return shape
        query, value = inputs[0], inputs[1]
        axes = self.attended(len(query))
        rest = tuple(query[i] for i in range(1, len(query) - 1) if i not in axes)
        sides = (*(query[i] for i in axes), *(value[i] for i in axes))
        return (shape, (query[0], *rest, self.heads()[0], *sides))

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        query, value, key = inputs[0], inputs[1], key_shape(inputs)
        heads, shared, depth, wide = self.heads()
        parts = [("query", known(query, -1), heads, depth), ("key", known(key, -1), shared, depth)]
        if self.use_gate:
            parts.append(("gate", known(query, -1), heads, wide))
        parts.append(("value", known(value, -1), shared, wide))
        found: list[Weight] = []
        for name, *shape in parts:
            found += self._projection(name, tuple(shape), 1)
        return (*found, *self._projection("attention_output", (heads, wide, *self.made(query)), 2))

    # Keras' attributes of the projections, by what weights stand under.
    attributes: ClassVar[Mapping[str, str]] = {
        "query": "_query_dense", "key": "_key_dense", "gate": "_gate_dense",
        "value": "_value_dense", "attention_output": "_output_dense",
    }  # fmt: skip

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        used = dict.fromkeys(w.name.partition("/")[0] for w in weights)
        found: dict[str, list[str]] = {}
        for name in used:
            found |= stored_inside(weights, name, self.attributes[name])
        return found

    def _projection(self, name: str, shape: tuple[int, ...], summed: int) -> list[Weight]:
        kernel = weight(self, f"{name}/kernel", shape, settings="kernel")
        axes = tuple(range(len(shape)))
        kernel = with_fans(kernel, axes[:summed], axes[summed:])
        bias = weight(self, f"{name}/bias", shape[summed:], settings="bias")
        return [kernel, bias] if self.use_bias else [kernel]

    def _projected(self, low: Lowering, name: str, x: Tensor, summed: int = 1) -> Tensor:
        """x times the kernel over the last `summed` axes, plus the bias."""
        kernel = low.weight(f"{name}/kernel")
        shape = ints(kernel.shape)
        deep, new = math.prod(shape[:summed]), shape[summed:]
        bias = None
        if self.use_bias:
            bias = ops.reshape(low.weight(f"{name}/bias"), (math.prod(new),))
        flat = ops.reshape(x, (*x.shape[: x.rank - summed], deep))
        y = ops.dense(flat, ops.reshape(kernel, (deep, math.prod(new))), bias)
        return ops.reshape(y, (*flat.shape[:-1], *new))

    def _order(self, rank: int) -> list[int]:
        """Axes of a projection (N, *axes, H, d) as batch, axes not attended, H, attended, d."""
        axes = self.attended(rank - 1)
        return [*(i for i in range(rank - 2) if i not in axes), rank - 2, *axes, rank - 1]

    def _by_head(self, x: Tensor) -> Tensor:
        """(N, rest..., H, steps, d): attended axes as one."""
        moved = ops.transpose(x, self._order(x.rank))
        kept = x.rank - 1 - len(self.attended(x.rank - 1))
        steps = math.prod(ints(moved.shape[kept:-1]))
        y = ops.reshape(moved, (*moved.shape[:kept], steps, moved.shape[-1]))
        times = self.heads()[0] // ints((x.shape[-2],))[0]
        if times == 1:
            return y
        # Head h of the keys serves the query heads h times to (h + 1) times - 1.
        wide = (*y.shape[: kept - 1], y.shape[kept - 1], times, *y.shape[kept:])
        copies = ops.broadcast_to(ops.expand_dims(y, kept), wide, y)
        return ops.reshape(copies, (*y.shape[: kept - 1], self.heads()[0], *y.shape[kept:]))

    def _mask(self, low: Lowering, inputs: tuple[Tensor, ...], scores: Tensor) -> Tensor | None:
        """Pairs that count, spread over `scores`; None when all do."""
        query, value = inputs[:2]
        steps, keys = ints((query.shape[1], value.shape[1]))
        mask: Tensor | None = None
        for index, axis in self.masks:
            given = optional(inputs, index)
            if given is not None:
                mask = both(mask, ops.expand_dims(boolean(given), axis))
        if low.flags.get("use_causal_mask", False):
            mask = both(mask, causal(scores, steps, keys))
        if self.sliding_window is not None:
            mask = both(mask, band(scores, steps, keys, self.sliding_window))
        given = optional(inputs, 6)
        mask = both(mask, None if given is None else boolean(given))
        if mask is None:
            return None
        side = len(self.attended(query.rank))
        lead = mask.shape[: mask.rank - 2 * side]
        more = (1,) * (scores.rank - 2 - len(lead))
        # A mask that is the same for all queries has 1 there.
        rows, columns = ints(mask.shape[-2 * side : -side]), ints(mask.shape[-side:])
        return ops.reshape(mask, (*lead, *more, math.prod(rows), math.prod(columns)))

    # Input of a mask of steps, and the axis that spreads it over the other side's steps.
    masks: ClassVar[tuple[tuple[int, int], ...]] = ((3, 2), (4, 1), (5, 1))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        floatx = inputs[0].trace.floatx
        query, value = (ops.cast(x, floatx) for x in inputs[:2])
        given = optional(inputs, 2)
        key = value if given is None else ops.cast(given, floatx)
        heads, _, depth, wide = self.heads()
        q = self._projected(low, "query", query)
        k = self._by_head(self._projected(low, "key", key))
        v = self._by_head(self._projected(low, "value", value))
        scaled = self._by_head(q) * (1.0 / math.sqrt(depth))
        scores = ops.matmul(scaled, ops.move_axis(k, -1, -2))
        mask = self._mask(low, inputs, scores)
        if mask is None:
            weights = ops.softmax(scores)
        else:
            weights = ops.masked_softmax(scores, mask)
            if self.explicit(query, low.flags) and (returns_scores(low.flags) or not full(mask)):
                weights = ops.where(mask, weights, 0.0)
        mixed = ops.matmul(dropped(low, weights, self.dropout), v)
        order = self._order(q.rank)
        moved = tuple(q.shape[i] for i in order)[:-1]
        back = [order.index(i) for i in range(q.rank)]
        y = ops.transpose(ops.reshape(mixed, (*moved, wide)), back)
        if self.use_gate:
            y = y * ops.sigmoid(self._projected(low, "gate", query))
        y = self._projected(low, "attention_output", y, 2)
        if not returns_scores(low.flags):
            return y
        axes = self.attended(query.rank)
        rest = tuple(query.shape[i] for i in range(1, query.rank - 1) if i not in axes)
        sides = (*(query.shape[i] for i in axes), *(value.shape[i] for i in axes))
        return y, ops.reshape(weights, (query.shape[0], *rest, heads, *sides))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        query, value, key = inputs[0], inputs[1], key_shape(inputs)
        heads, shared, depth, wide = self.heads()
        steps, keys = elements(query[1:-1]), elements(value[1:-1])
        axes = self.attended(len(query))
        pairs = heads * steps * elements(tuple(value[i] for i in axes))
        made = math.prod(self.made(query))
        macs = steps * known(query, -1) * heads * (depth + wide * self.use_gate)
        macs += keys * shared * (known(key, -1) * depth + known(value, -1) * wide)
        macs += pairs * (depth + wide) + steps * heads * wide * made
        # The softmax: subtraction, exponential, sum, division.
        return Cost(macs, pairs * 4)


class MultiHeadAttention(ProjectedAttention):
    """Attention of several heads, each on its own projections: softmax(Q K^T / sqrt(d)) V.

    Shapes: query (N, *T, a), value (N, *S, b), key (N, *S, c), the value by default; result
    (N, *T, a), and with `return_attention_scores` the weights (N, heads, *T, *S). value_mask and
    key_mask (N, S) and attention_mask (N, T, S) are true where a pair counts. Weights
    `query/kernel` (a, heads, d), `key/kernel` (c, heads, d), `value/kernel` (b, heads, e),
    `attention_output/kernel` (heads, e, a), each with its bias.

    Source: keras/src/layers/attention/multi_head_attention.py (3.15.1); Vaswani et al. (2017).
    """

    renamed: ClassVar[Mapping[str, str]] = {"output_shape": "result_shape"}
    attributes: ClassVar[Mapping[str, str]] = {
        "query": "query_dense", "key": "key_dense", "gate": "_gate_dense",
        "value": "value_dense", "attention_output": "output_dense",
    }  # fmt: skip

    num_heads: PositiveInt
    """Number of heads."""
    key_dim: PositiveInt
    """Length of a head's queries and keys."""
    value_dim: PositiveInt | None = None
    """Length of a head's values; key_dim when absent."""
    result_shape: PositiveInt | tuple[PositiveInt, ...] | None = None
    """Last axes of the result (Keras: output_shape); the query's last when absent."""
    attention_axes: int | tuple[int, ...] | None = None
    """Axes that attention runs over; all between batch and the last when absent."""

    @override
    def with_masks(self, inputs: Sequence[Tensor | None], masks: Masks) -> list[Tensor | None]:
        # Keras reads the query's mask from the tensor only, never from the argument.
        own = [
            None if at == self.arguments.index("query_mask") else x for at, x in enumerate(inputs)
        ]
        return super().with_masks(own, masks)

    @override
    def heads(self) -> tuple[int, int, int, int]:
        return self.num_heads, self.num_heads, self.key_dim, self.value_dim or self.key_dim

    @override
    def made(self, query: Shape) -> tuple[int, ...]:
        if self.result_shape is None:
            return super().made(query)
        return self.result_shape if isinstance(self.result_shape, tuple) else (self.result_shape,)

    @override
    def attended(self, rank: int) -> tuple[int, ...]:
        if self.attention_axes is None:
            return super().attended(rank)
        given = self.attention_axes
        axes = given if isinstance(given, tuple) else (given,)
        return tuple(sorted(axis % rank for axis in axes))

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        shape = super().output_shape(inputs)
        rank = len(inputs[0])
        if not all(0 < axis < rank - 1 for axis in self.attended(rank)):
            raise ShapeError(
                f"attention_axes {self.attention_axes} are not among the axes 1 to {rank - 2}"
                f" of {show(inputs[0])}"
            )
        return shape


class GroupedQueryAttention(ProjectedAttention):
    """Attention in which several query heads share one head of keys and values.

    Shapes: query (N, T, a), value (N, S, b), key (N, S, c), the value by default; result (N, T, a),
    and with `return_attention_scores` the weights (N, heads, T, S). query_mask (N, T), value_mask
    and key_mask (N, S) and attention_mask (N, T, S) are true where a pair counts. Weights
    `query/kernel` (a, heads, d), `key/kernel` (c, shared, d), `value/kernel` (b, shared, d),
    `attention_output/kernel` (heads, d, a), each with its bias.

    Source: keras/src/layers/attention/grouped_query_attention.py (3.15.1); Ainslie et al. (2023).
    """

    # The name that Keras exports, and writes in configurations; its class has this one's name.
    aliases: ClassVar[tuple[str, ...]] = ("group_query_attention",)
    keras_export: ClassVar[str] = "GroupQueryAttention"

    head_dim: PositiveInt
    """Length of a head's queries, keys and values."""
    num_query_heads: PositiveInt
    """Number of heads of the queries."""
    num_key_value_heads: PositiveInt
    """Number of heads of keys and values; divides that of the queries."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.num_query_heads % self.num_key_value_heads:
            raise PydanticCustomError(
                "heads",
                "expected num_query_heads to be a multiple of num_key_value_heads, found"
                " {queries} and {shared}",
                {"queries": self.num_query_heads, "shared": self.num_key_value_heads},
            )
        return self

    @override
    def heads(self) -> tuple[int, int, int, int]:
        return self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        expect_rank(inputs[0], 3, "(batch, steps, dim)")
        return super().output_shape(inputs)
