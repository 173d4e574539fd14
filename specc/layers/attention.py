"""Attention without projections: dot products or sums of queries and keys score values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from typing_extensions import override

from specc import primitives as ops
from specc.fields import Rate
from specc.initializers import GlorotUniform, Ones
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.attending import (
    boolean,
    both,
    causal,
    check_mask,
    common_length,
    dropped,
    key_shape,
    optional,
    returns_scores,
)
from specc.layers.axes import expect_rank, known
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show


class _Attention(Layer):
    """softmax(scores(query, key)) value.

    Call flags: `use_causal_mask`, query i sees keys 0 to i; `return_attention_scores`, the softmax
    is a second output.
    """

    supports_masking: ClassVar[bool] = True
    abstract: ClassVar[bool] = True
    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 6
    call_flags: ClassVar[tuple[str, ...]] = ("use_causal_mask", "return_attention_scores")
    arguments: ClassVar[tuple[str, ...]] = (
        "query", "value", "key", "query_mask", "value_mask", "key_mask",
    )  # fmt: skip
    argument_lists: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "mask": ("query_mask", "value_mask", "key_mask")
    }
    mask_arguments: ClassVar[Mapping[str, str]] = {
        "query_mask": "query", "value_mask": "value", "key_mask": "key",
    }  # fmt: skip

    @abstractmethod
    def scores(self, low: Lowering, query: Tensor, key: Tensor) -> Tensor:
        """One score (N, Tq, Tv) for each query and key."""

    def rate(self) -> float:
        """Probability of dropping a weight in training."""
        raise NotImplementedError

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        query, value, key = inputs[0], inputs[1], key_shape(inputs)
        for shape in (query, value, key):
            expect_rank(shape, 3, "(batch, steps, dim)")
        common_length(value, key)
        if known(query, -1) != known(key, -1):
            raise ShapeError(
                f"query {show(query)} and key {show(key)} differ in their last axis;"
                " project one of them before"
            )
        check_mask(inputs, 3, "query_mask", query[:-1])
        check_mask(inputs, 4, "value_mask", value[:-1])
        return (*query[:-1], value[-1])

    @override
    def call_shape(self, inputs: Shapes, flags: Mapping[str, Any]) -> Shape | Shapes:
        shape = self.output_shape(inputs)
        if not returns_scores(flags):
            return shape
        return (shape, (*inputs[0][:-1], key_shape(inputs)[-2]))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        floatx = inputs[0].trace.floatx
        query, value = (ops.cast(x, floatx) for x in inputs[:2])
        given = optional(inputs, 2)
        key = value if given is None else ops.cast(given, floatx)
        scores = self.scores(low, query, key)
        own, others = optional(inputs, 3), optional(inputs, 4)
        mask = None if others is None else ops.expand_dims(boolean(others), 1)
        if low.flags.get("use_causal_mask", False):
            mask = both(mask, causal(scores, *ints(scores.shape[1:])))
        if mask is not None:
            # As in Keras scores are lowered, not replaced: a row without any key stays as it was.
            scores = ops.where(mask, scores, scores - 1e9)
        weights = dropped(low, ops.softmax(scores), self.rate())
        y = ops.matmul(weights, value)
        if own is not None:
            y = y * ops.cast(ops.expand_dims(boolean(own), -1), floatx)
        return (y, weights) if returns_scores(low.flags) else y

    def pairs(self, inputs: Shapes) -> int:
        """Number of scores of one sample."""
        return elements(inputs[0][1:-1]) * elements(inputs[1][1:-1])


class Attention(_Attention):
    """softmax(Q K^T) V; with `concat`, the score is w sum(tanh(q + k)).

    Shapes: query (N, Tq, d), value (N, Tv, e), key (N, Tv, d), the value by default; query_mask
    (N, Tq) and value_mask (N, Tv) are true where a step counts; result (N, Tq, e), and with
    `return_attention_scores` the weights (N, Tq, Tv). Weights `scale` () and `concat_score_weight`
    ().

    Source: keras/src/layers/attention/attention.py (3.15.1); Luong et al. (2015).
    """

    use_scale: bool = False
    """Whether scores have a learnt factor."""
    score_mode: Literal["dot", "concat"] = "dot"
    """Whether the score is the dot product, or the sum of tanh(query + key)."""
    dropout: Rate = 0.0
    """Part of the weights that training drops."""
    seed: int | None = None
    """Overrides the training seed for this layer."""

    @override
    def rate(self) -> float:
        return self.dropout

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        names = ["scale"] * self.use_scale + ["concat_score_weight"] * (self.score_mode != "dot")
        return tuple(Weight(name, (), Ones()) for name in names)

    @override
    def scores(self, low: Lowering, query: Tensor, key: Tensor) -> Tensor:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.move_axis(key, -1, -2))
            return scores * low.weight("scale") if self.use_scale else scores
        total = ops.expand_dims(query, 2) + ops.expand_dims(key, 1)
        if self.use_scale:
            total = total * low.weight("scale")
        return ops.reduce_sum(ops.tanh(total), -1) * low.weight("concat_score_weight")

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        pairs, depth, wide = self.pairs(inputs), known(inputs[0], -1), known(inputs[1], -1)
        # Subtraction, exponential, sum and division of the softmax.
        if self.score_mode == "dot":
            return Cost(pairs * (depth + wide), pairs * 4)
        return Cost(pairs * wide, pairs * (3 * depth + 5))


class AdditiveAttention(_Attention):
    """softmax(sum(scale tanh(q + k))) V.

    Shapes: query (N, Tq, d), value (N, Tv, e), key (N, Tv, d), the value by default; query_mask
    (N, Tq) and value_mask (N, Tv) are true where a step counts; result (N, Tq, e), and with
    `return_attention_scores` the weights (N, Tq, Tv). Weight `scale` (d).

    Source: keras/src/layers/attention/additive_attention.py (3.15.1); Bahdanau et al. (2015).
    """

    use_scale: bool = True
    """Whether the terms of a score have learnt factors."""
    dropout: Rate = 0.0
    """Part of the weights that training drops."""

    @override
    def rate(self) -> float:
        return self.dropout

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        if not self.use_scale:
            return ()
        return (Weight("scale", (known(inputs[0], -1),), GlorotUniform()),)

    @override
    def scores(self, low: Lowering, query: Tensor, key: Tensor) -> Tensor:
        terms = ops.tanh(ops.expand_dims(query, 2) + ops.expand_dims(key, 1))
        if self.use_scale:
            terms = terms * low.weight("scale")
        return ops.reduce_sum(terms, -1)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        pairs, depth, wide = self.pairs(inputs), known(inputs[0], -1), known(inputs[1], -1)
        return Cost(pairs * (wide + depth * self.use_scale), pairs * (2 * depth + 4))
