"""Integers looked up in a list: each becomes its place there, or the other way round."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, NonNegativeInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import unsupported
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.encoding import Dense, encode, encoded_shape, whole
from specc.layers.hashing import buckets
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements

# A table of places serves where values lie closer than this; else they are compared one by one.
WIDEST = 2**20


def _spelled(value: object) -> object:
    return {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(str(value), value)


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

    max_tokens: Annotated[int, Field(gt=1)] | None = None
    """Largest number of places."""
    num_oov_indices: NonNegativeInt = 1
    """Number of places for unknown values; with 0 they get -1, where Keras stops."""
    mask_token: int | None = None
    """The value that stands for nothing; it gets place 0, and no place in vectors."""
    oov_token: int | None = -1
    """What unknown places become with `invert`, and how a vocabulary may begin."""
    vocabulary: tuple[int, ...] | None = None
    """The known values. They must be given: nothing here learns them from data."""
    vocabulary_dtype: Literal["int64"] = "int64"
    """Element type of the vocabulary."""
    idf_weights: tuple[float, ...] | None = None
    """With tf_idf: the weight of each value."""
    invert: bool = False
    """Whether places become values."""
    output_mode: Annotated[
        Literal["int", "one_hot", "multi_hot", "count", "tf_idf"], BeforeValidator(_spelled)
    ] = "int"
    """The place, or what `category_encoding` makes of it; tf_idf weighs counts."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""
    pad_to_max_tokens: bool = False
    """Whether vectors have `max_tokens` elements."""
    oov_method: Literal["floormod", "farmhash"] = "floormod"
    """How one of several places for unknown values is chosen: by remainder, or by hash."""
    salt: Annotated[None, unsupported("a salted hash")] = None
    """Key of the hash: not supported."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = None
        tokens = self._tokens()
        if self.pad_to_max_tokens and self.max_tokens is None:
            wrong = "expected max_tokens with pad_to_max_tokens"
        elif self.invert and self.output_mode != "int":
            wrong = "expected output_mode int with invert"
        elif (self.idf_weights is not None) != (
            self.output_mode == "tf_idf" and self.vocabulary is not None
        ):
            wrong = "expected idf_weights with output_mode tf_idf, and only there"
        elif len(set(tokens)) != len(tokens):
            wrong = "expected every value of the vocabulary once"
        elif self.mask_token is not None and self.mask_token in tokens:
            wrong = "expected mask_token at most at the start of the vocabulary"
        elif self.invert and self.oov_token in tokens:
            wrong = "expected oov_token at most at the start of the vocabulary"
        elif self.max_tokens is not None and self._start + len(tokens) > self.max_tokens:
            wrong = f"expected a vocabulary of at most max_tokens {self.max_tokens} places"
        elif self.idf_weights is not None and len(self.idf_weights) != len(self.vocabulary or ()):
            wrong = "expected as many idf_weights as values in the vocabulary"
        if wrong is not None:
            raise PydanticCustomError("lookup", wrong)  # pyright: ignore[reportArgumentType]
        return self

    @property
    def _masked(self) -> bool:
        """Whether there is a place for the mask."""
        return self.mask_token is not None and self.output_mode == "int"

    @property
    def _start(self) -> int:
        """The place of the vocabulary's first value."""
        return self._masked + self.num_oov_indices

    @property
    def _special(self) -> bool:
        """Whether the vocabulary begins with what stands for masked and unknown values."""
        begin = [self.mask_token] * self._masked + [self.oov_token] * self.num_oov_indices
        return list((self.vocabulary or ())[: self._start]) == begin

    def _tokens(self) -> tuple[int, ...]:
        given = self.vocabulary or ()
        return given[self._start :] if self._special else given

    @property
    def _depth(self) -> int:
        places = self._start + len(self._tokens())
        return self.max_tokens or places if self.pad_to_max_tokens else places

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if not self.vocabulary:
            raise ShapeError("vocabulary must be given; take the one that adapt() found")
        if self.output_mode == "int":
            return inputs[0]
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(inputs[0], mode, self._depth)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(whole(inputs[0]), "int64")
        if self.invert:
            return self._values(x)
        places = self._places(x)
        if self.output_mode == "int":
            return places
        if self.output_mode != "tf_idf":
            return encode(places, self.output_mode, self._depth)
        weights = np.asarray(self.idf_weights, np.float64)
        front = 0 if self._special else self._start
        more = self._depth - front - len(weights)
        filled = [*[weights.mean()] * front, *weights, *[0.0] * more]
        counts = encode(places, "count", self._depth)
        return counts * counts.trace.constant(np.asarray(filled), counts.dtype)

    def _places(self, x: Tensor) -> Tensor:
        tokens = np.asarray(self._tokens(), np.int64)
        known, place = _found(x, tokens, self._start)
        if self.num_oov_indices == 0:
            unknown: Tensor | int = -1
        elif self.num_oov_indices == 1:
            unknown = int(self._masked)
        elif self.oov_method == "floormod":
            n = self.num_oov_indices
            rest = x - x / n * n
            unknown = rest + ops.cast(ops.less(rest, 0), "int64") * n + int(self._masked)
        else:
            unknown = buckets(x, self.num_oov_indices) + int(self._masked)
        place = ops.where(known, place, unknown)
        if self.mask_token is None:
            return place
        # In vectors the mask has no place: an index beyond all of them gives zeros.
        nothing = 0 if self._masked else np.iinfo(np.int64).max
        return ops.where(ops.equal(x, self.mask_token), nothing, place)

    def _values(self, x: Tensor) -> Tensor:
        unknown = -1 if self.oov_token is None else self.oov_token
        table = np.asarray([unknown] * self._start + list(self._tokens()), np.int64)
        if self._masked and self.mask_token is not None:
            table[0] = self.mask_token
        last = len(table)
        table = x.trace.constant(np.concatenate((table, [unknown])))
        inside = ops.logical_and(ops.greater_equal(x, 0), ops.less(x, last))
        return ops.gather_rows(table, ops.where(inside, x, last))

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
