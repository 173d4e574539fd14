"""Integers looked up in a list: each becomes its place there, or the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, NonNegativeInt, model_validator
from typing_extensions import override

from specc import primitives as ops
from specc.fields import IntLines, unsupported
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.encoding import Dense, whole
from specc.layers.hashing import buckets
from specc.layers.vocabulary import OutputMode, Vocabulary, spelled
from specc.primitives import Tensor
from specc.tensors import Shape, elements

# A table of places serves where values lie closer than this; else they are compared one by one.
WIDEST = 2**20


class IntegerLookup(Layer):
    """The place of each integer in the vocabulary, behind those of masked and unknown ones.

    Places: 0 for `mask_token` (with output_mode int, and when there is one), then `num_oov_indices`
    for values that are not in the vocabulary, then the vocabulary. With `invert` place becomes
    value.

    Shapes: x (N, k, ...), result the same, int64; with `one_hot` (N, k, ..., size), with
    `multi_hot`, `count` and `tf_idf` (N, ..., size), where size is the number of places, or
    `max_tokens` with `pad_to_max_tokens`.

    Source: keras/src/layers/preprocessing/index_lookup.py and integer_lookup.py (3.15.1).
    """

    lines: ClassVar[Mapping[str, type[int] | type[str]]] = {"vocabulary": int}

    max_tokens: Annotated[int, Field(gt=1)] | None = None
    """Largest number of places."""
    num_oov_indices: NonNegativeInt = 1
    """Number of places for unknown values; with 0 they get -1, where Keras stops."""
    mask_token: int | None = None
    """The value that stands for nothing; it gets place 0, and no place in vectors."""
    oov_token: int | None = -1
    """What unknown places become with `invert`, and how a vocabulary may begin."""
    vocabulary: IntLines = None
    """The known values, or a file with one in a line, in the spec's folder. They must be given:
    nothing here learns them from data."""
    vocabulary_dtype: Literal["int64"] = "int64"
    """Element type of the vocabulary."""
    idf_weights: tuple[float, ...] | None = None
    """With tf_idf: the weight of each value."""
    invert: bool = False
    """Whether places become values."""
    output_mode: Annotated[OutputMode, BeforeValidator(spelled)] = "int"
    """The place, or what `category_encoding` makes of it; tf_idf weighs counts."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""
    pad_to_max_tokens: bool = False
    """Whether vectors have `max_tokens` elements."""
    oov_method: Literal["floormod", "farmhash"] = "floormod"
    """How one of several places for unknown values is chosen: by remainder, or by hash."""
    salt: Annotated[None, unsupported("a salted hash")] = None
    """Key of the hash: not supported."""

    @property
    def _known(self) -> Vocabulary:
        return Vocabulary(
            self.vocabulary, self.mask_token, self.oov_token, self.num_oov_indices,
            self.output_mode, self.max_tokens, self.pad_to_max_tokens, self.idf_weights,
            self.invert,
        )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._known.check()
        return self

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return self._known.output_shape(inputs[0])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(whole(inputs[0]), "int64")
        return self._values(x) if self.invert else self._known.encoded(self._places(x))

    def _places(self, x: Tensor) -> Tensor:
        known = self._known
        tokens = np.asarray(known.tokens, np.int64)
        there, place = _found(x, tokens, known.start)
        unknown: Tensor | int = known.out
        if self.num_oov_indices > 1 and self.oov_method == "floormod":
            n = self.num_oov_indices
            rest = x - x / n * n
            unknown = rest + ops.cast(ops.less(rest, 0), "int64") * n + int(known.masked)
        elif self.num_oov_indices > 1:
            unknown = buckets(x, self.num_oov_indices) + int(known.masked)
        place = ops.where(there, place, unknown)
        if self.mask_token is None:
            return place
        return ops.where(ops.equal(x, self.mask_token), known.nothing, place)

    def _values(self, x: Tensor) -> Tensor:
        known = self._known
        unknown = -1 if self.oov_token is None else self.oov_token
        values = np.asarray([unknown] * known.start + list(known.tokens), np.int64)
        if known.masked and self.mask_token is not None:
            values[0] = self.mask_token
        table = x.trace.constant(np.concatenate((values, [unknown])))
        return ops.gather_rows(table, known.inside(x))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=4 * elements(inputs[0][1:]) + elements(output[1:]))


def _found(x: Tensor, tokens: npt.NDArray[np.int64], start: int) -> tuple[Tensor, Tensor]:
    """Whether each x is among the tokens, and its place there, counted from `start`."""
    low, high = int(tokens.min()), int(tokens.max())
    if high - low < WIDEST:
        table = np.full(high - low + 2, -1, np.int64)
        table[tokens - low] = np.arange(start, start + len(tokens))
        inside = ops.logical_and(ops.greater_equal(x, low), ops.less_equal(x, high))
        row = ops.where(inside, x - low, high - low + 1)
        place = ops.gather_rows(x.trace.constant(table), row)
        return ops.greater_equal(place, 0), place
    hit = ops.cast(ops.equal(ops.expand_dims(x, -1), x.trace.constant(tokens)), "int64")
    numbers = x.trace.constant(np.arange(start, start + len(tokens), dtype=np.int64))
    return ops.greater(ops.reduce_sum(hit, -1), 0), ops.reduce_sum(hit * numbers, -1)
