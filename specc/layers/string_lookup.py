"""Texts looked up in a list: each becomes its place there, or the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import TextLines, unsupported
from specc.layer import NUMBERS_ENTER, TEXT_ENTERS, Cost, Layer, Lowering, Shapes
from specc.layers.encoding import Dense, whole
from specc.layers.vocabulary import OutputMode, Vocabulary, spelled
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements


def _one_place(value: int) -> int:
    if value > 1:
        raise PydanticCustomError(
            "hashed_texts",
            "expected 0 or 1, found {value}: one of several places is chosen by a hash of the"
            " text's bytes, which no operator of ONNX can read",
            {"value": value},
        )
    return value


class StringLookup(Layer):
    """The place of each text in the vocabulary, behind those of masked and unknown ones.

    Places: 0 for `mask_token` (with output_mode int, and when there is one), then one for texts
    that are not in the vocabulary, then the vocabulary. With `invert` place becomes text.

    Shapes: x (N, k, ...) of dtype string, result the same, int64; with `one_hot` (N, k, ..., size),
    with `multi_hot`, `count` and `tf_idf` (N, ..., size), where size is the number of places, or
    `max_tokens` with `pad_to_max_tokens`.

    Source: keras/src/layers/preprocessing/index_lookup.py and string_lookup.py (3.15.1).
    """

    lines: ClassVar[Mapping[str, type[int] | type[str]]] = {"vocabulary": str}

    max_tokens: Annotated[int, Field(gt=1)] | None = None
    """Largest number of places."""
    num_oov_indices: Annotated[NonNegativeInt, AfterValidator(_one_place)] = 1
    """Number of places for unknown texts, at most 1; with 0 they get -1, where Keras stops."""
    mask_token: str | None = None
    """The text that stands for nothing; it gets place 0, and no place in vectors."""
    oov_token: str | None = "[UNK]"
    """What unknown places become with `invert`, and how a vocabulary may begin."""
    vocabulary: TextLines = None
    """The known texts, or a file with one in a line, in the spec's folder. They must be given:
    nothing here learns them from data."""
    idf_weights: tuple[float, ...] | None = None
    """With tf_idf: the weight of each text."""
    invert: bool = False
    """Whether places become texts."""
    output_mode: Annotated[OutputMode, BeforeValidator(spelled)] = "int"
    """The place, or what `category_encoding` makes of it; tf_idf weighs counts."""
    pad_to_max_tokens: bool = False
    """Whether vectors have `max_tokens` elements."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""
    encoding: Literal["utf-8"] = "utf-8"
    """How texts are bytes."""
    salt: Annotated[None, unsupported("a salted hash")] = None
    """Key of a hash: not supported."""

    @property
    def known(self) -> Vocabulary:
        """The vocabulary with its places."""
        return Vocabulary(
            self.vocabulary, self.mask_token, self.oov_token, self.num_oov_indices,
            self.output_mode, self.max_tokens, self.pad_to_max_tokens, self.idf_weights,
            self.invert,
        )  # fmt: skip

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.known.check()
        return self

    @override
    def text(self, given: Sequence[bool]) -> bool:
        if all(given) == self.invert:
            raise ShapeError(TEXT_ENTERS if self.invert else NUMBERS_ENTER)
        return self.invert

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return self.known.output_shape(inputs[0])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        return self._texts(x) if self.invert else self.known.encoded(self._places(x))

    def _places(self, x: Tensor) -> Tensor:
        known = self.known
        tokens = list(map(str, known.tokens))
        numbers = list(range(known.start, known.start + len(tokens)))
        if self.mask_token is not None:
            tokens, numbers = [*tokens, self.mask_token], [*numbers, known.nothing]
        table = x.trace.constant(np.asarray([*numbers, known.out], np.int64))
        return ops.gather_rows(table, ops.text_places(x, tokens))

    def _texts(self, x: Tensor) -> Tensor:
        known = self.known
        unknown = self.oov_token or ""
        texts = [*[unknown] * known.start, *map(str, known.tokens), unknown]
        if self.mask_token is not None:
            texts[0] = self.mask_token
        return ops.text_at(known.inside(ops.cast(whole(x), "int64")), texts)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=4 * elements(inputs[0][1:]) + elements(output[1:]))
