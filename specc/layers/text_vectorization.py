"""Whole texts as the places of their words, or as vectors of these."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import TextLines, unsupported
from specc.layer import NUMBERS_ENTER, Cost, Layer, Lowering, Shapes
from specc.layers.encoding import Dense
from specc.layers.string_lookup import StringLookup
from specc.layers.vocabulary import OutputMode, Vocabulary, spelled
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show

# RE2 repeats a part of a pattern at most so often, and characters are found by it.
MOST_CHARACTERS = 1000


class TextVectorization(Layer):
    """The place of each word of a text in the vocabulary: 0 for none, 1 for an unknown one.

    Standardized, split, joined to runs of words, looked up. Letters are those of ASCII, as in
    TensorFlow's `strings.lower`, and so is white space.

    Shapes: x (N,) or (N, 1) of dtype string, result (N, output_sequence_length), int64; with
    `multi_hot`, `count` and `tf_idf` (N, size), where size is the number of places, or `max_tokens`
    with `pad_to_max_tokens`. Without `split` x is (N, k), and so is the result.

    Keras announces (N, 1, size) for vectors of an input (N, 1), and makes (N, size).

    Source: keras/src/layers/preprocessing/text_vectorization.py (3.15.1).
    """

    lines: ClassVar[Mapping[str, type[int] | type[str]]] = {"vocabulary": str}

    max_tokens: Annotated[int, Field(gt=1)] | None = None
    """Largest number of places."""
    standardize: Literal["lower_and_strip_punctuation", "lower", "strip_punctuation"] | None = (
        "lower_and_strip_punctuation"
    )
    """What is done to texts first: letters become small ones, the punctuation of ASCII is left
    out."""
    split: Literal["whitespace", "character"] | None = "whitespace"
    """Where texts are parted; null: nowhere, each is one word."""
    ngrams: PositiveInt | tuple[PositiveInt, ...] | None = None
    """How many words make a run that is looked up: all numbers up to this one, or these."""
    output_mode: Annotated[OutputMode, BeforeValidator(spelled)] = "int"
    """The places, or what `category_encoding` makes of them; tf_idf weighs counts."""
    output_sequence_length: PositiveInt | None = None
    """Number of places for each text: more are cut off, fewer are filled up with 0. It must be
    given with output_mode int, for graphs have no rows as long as the longest text of a batch."""
    pad_to_max_tokens: bool = False
    """Whether vectors have `max_tokens` elements."""
    vocabulary: TextLines = None
    """The known words, or a file with one in a line, in the spec's folder. They must be given:
    nothing here learns them from data."""
    idf_weights: tuple[float, ...] | None = None
    """With tf_idf: the weight of each word."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""
    ragged: Annotated[Literal[False], unsupported("a ragged result")] = False
    """Whether rows have lengths of their own: not supported."""
    encoding: Literal["utf-8"] = "utf-8"
    """How texts are bytes."""

    @property
    def lookup(self) -> StringLookup:
        """What looks the words up."""
        return StringLookup(
            max_tokens=self.max_tokens, mask_token="", vocabulary=self.vocabulary,
            idf_weights=self.idf_weights, output_mode=self.output_mode,
            pad_to_max_tokens=self.pad_to_max_tokens,
        )  # fmt: skip

    @property
    def _known(self) -> Vocabulary:
        return self.lookup.known

    @property
    def _widths(self) -> tuple[int, ...]:
        if self.ngrams is None:
            return (1,)
        return tuple(range(1, self.ngrams + 1)) if isinstance(self.ngrams, int) else self.ngrams

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        vectors = self.output_mode != "int"
        length = self.output_sequence_length
        wrong = None
        if vectors and length is not None:
            wrong = "expected output_mode int with output_sequence_length"
        elif self.split is not None and self.output_mode == "one_hot":
            wrong = (
                "output_mode one_hot of split texts makes rows of different lengths, which graphs"
                " do not have; use multi_hot or count, or one_hot of the places"
            )
        elif self.ngrams is not None and self.split != "whitespace":
            wrong = "ngrams: expected split whitespace, whose words they join"
        elif self.split == "character" and vectors:
            wrong = (
                "split character: expected output_mode int; no operator of ONNX takes a text of any"
                " length apart, so that only the first characters can be told"
            )
        elif self.split == "character" and (length or 0) > MOST_CHARACTERS:
            wrong = f"split character: expected output_sequence_length up to {MOST_CHARACTERS}"
        if wrong is not None:
            raise PydanticCustomError("text_vectorization", "{wrong}", {"wrong": wrong})
        self._known.check()
        return self

    @override
    def text(self, given: Sequence[bool]) -> bool:
        if not all(given):
            raise ShapeError(NUMBERS_ENTER)
        return False

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        length = self.output_sequence_length
        if self.split is None:
            if len(x) != 2:  # noqa: PLR2004
                raise ShapeError(f"without split: expected (batch, texts), found {show(x)}")
            return self._known.output_shape((x[0], length or x[1]))
        if x[1:] not in ((), (1,)):
            raise ShapeError(f"expected one text for each sample, (batch, 1), found {show(x)}")
        if self.output_mode != "int":
            return self._known.output_shape((x[0], None))
        if length is None:
            raise ShapeError(
                "output_sequence_length must be given: graphs have no rows as long as the longest"
                " text of a batch"
            )
        return self._known.output_shape((x[0], length))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = self._standardized(inputs[0])
        if self.split is None:
            return self._whole(low, x)
        x = ops.reshape(x, x.shape[:1])
        tokens = list(map(str, self._known.tokens))
        if self.output_mode != "int":
            return self._vectors(ops.word_counts(x, tokens, self._widths))
        count = self.output_sequence_length or 1
        if self.split == "character":
            places = ops.character_places(x, tokens, count)
        else:
            places = ops.word_places(x, tokens, self._widths, count)
        first = self._known.start
        numbers = [*range(first, first + len(tokens)), self._known.out, 0]
        return ops.gather_rows(x.trace.constant(np.asarray(numbers, np.int64)), places)

    def _standardized(self, x: Tensor) -> Tensor:
        how = self.standardize or ""
        if "lower" in how:
            x = ops.lower_case(x)
        return ops.without(x, string.punctuation) if "strip" in how else x

    def _whole(self, low: Lowering, x: Tensor) -> Tensor:
        """Each text as one word."""
        y = self.lookup.lower(low, x)
        length, (have,) = self.output_sequence_length, ints(x.shape[1:])
        if length is None or length == have:
            return y
        if length < have:
            return ops.slice_axis(y, 1, 0, length)
        return ops.pad(y, ((0, 0), (0, length - have)))

    def _vectors(self, counts: Tensor) -> Tensor:
        """Counts (N, words, others) as Keras has them: others first, filled up with zeros."""
        known, last = self._known, len(self._known.tokens)
        parts = [ops.slice_axis(counts, 1, last, last + 1), ops.slice_axis(counts, 1, 0, last)]
        y = ops.concat(parts, 1)
        more = known.depth - last - 1
        y = ops.pad(y, ((0, 0), (0, more))) if more else y
        if self.output_mode == "multi_hot":
            return ops.minimum(y, 1.0)
        return known.weighted(y) if self.output_mode == "tf_idf" else y

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=elements(output[1:]))
