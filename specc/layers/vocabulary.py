"""What lookups of integers and of texts have in common: places of tokens, and vectors of places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic_core import PydanticCustomError

from specc import primitives as ops
from specc.layers.encoding import encode, encoded_shape
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape

Token: TypeAlias = int | str
OutputMode: TypeAlias = Literal["int", "one_hot", "multi_hot", "count", "tf_idf"]
# Stands for a place that no vector has: it gives zeros.
NOWHERE = int(np.iinfo(np.int64).max)


def spelled(value: object) -> object:
    """Keras' older names of output modes."""
    return {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(str(value), value)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens and their places: 0 for the mask, then those of unknown tokens, then the tokens.

    Attributes:
        given: as the spec has them; they may begin with what stands for masked and unknown ones.
        mask: the token that stands for nothing; only with mode int it has a place.
        oov: what unknown places become when places become tokens.
        unknown: number of places for unknown tokens.
        limit: largest number of places, `max_tokens`.
        padded: whether vectors have `limit` elements.
        idf: with tf_idf the weight of each token.

    Source: keras/src/layers/preprocessing/index_lookup.py (3.15.1).
    """

    given: tuple[Token, ...] | None
    mask: Token | None
    oov: Token | None
    unknown: int
    mode: OutputMode
    limit: int | None = None
    padded: bool = False
    idf: tuple[float, ...] | None = None
    invert: bool = False

    def check(self) -> None:
        """Settings that contradict each other are refused.

        Raises:
            PydanticCustomError: naming the first.
        """
        wrong = self._settings_problem() or self._tokens_problem()
        if wrong is not None:
            raise PydanticCustomError("lookup", "{wrong}", {"wrong": wrong})

    def _settings_problem(self) -> str | None:
        if self.padded and self.limit is None:
            return "expected max_tokens with pad_to_max_tokens"
        if self.invert and self.mode != "int":
            return "expected output_mode int with invert"
        if (self.idf is not None) != (self.mode == "tf_idf" and self.given is not None):
            return "expected idf_weights with output_mode tf_idf, and only there"
        if self.idf is not None and len(self.idf) != len(self.given or ()):
            return "expected as many idf_weights as values in the vocabulary"
        return None

    def _tokens_problem(self) -> str | None:
        tokens = self.tokens
        if len(set(tokens)) != len(tokens):
            return "expected every value of the vocabulary once"
        if self.mask is not None and self.mask in tokens:
            return "expected mask_token at most at the start of the vocabulary"
        if self.invert and self.oov in tokens:
            return "expected oov_token at most at the start of the vocabulary"
        if self.limit is not None and self.start + len(tokens) > self.limit:
            return f"expected a vocabulary of at most max_tokens {self.limit} places"
        return None

    @property
    def masked(self) -> bool:
        """Whether there is a place for the mask."""
        return self.mask is not None and self.mode == "int"

    @property
    def start(self) -> int:
        """The place of the first token."""
        return self.masked + self.unknown

    @property
    def _special(self) -> bool:
        """Whether the vocabulary begins with what stands for masked and unknown tokens."""
        begin = [self.mask] * self.masked + [self.oov] * self.unknown
        return list((self.given or ())[: self.start]) == begin

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The known tokens."""
        given = self.given or ()
        return given[self.start :] if self._special else given

    @property
    def depth(self) -> int:
        """Length of vectors."""
        places = self.start + len(self.tokens)
        return self.limit or places if self.padded else places

    @property
    def nothing(self) -> int:
        """What stands for the mask among places."""
        return 0 if self.masked else NOWHERE

    @property
    def out(self) -> int:
        """The only place of unknown tokens, or -1 when they have none."""
        return int(self.masked) if self.unknown else -1

    def output_shape(self, x: Shape) -> Shape:
        """Shape of what is made of tokens of shape x.

        Raises:
            ShapeError: no vocabulary is given, or the shape does not fit.
        """
        if not self.given:
            raise ShapeError("vocabulary must be given; take the one that adapt() found")
        if self.mode == "int":
            return x
        return encoded_shape(x, "count" if self.mode == "tf_idf" else self.mode, self.depth)

    def encoded(self, places: Tensor) -> Tensor:
        """Places themselves, or the vectors that the mode asks for."""
        if self.mode == "int":
            return places
        if self.mode != "tf_idf":
            return encode(places, self.mode, self.depth)
        return self.weighted(encode(places, "count", self.depth))

    def weighted(self, counts: Tensor) -> Tensor:
        """Counts (..., depth) times the weight of each place."""
        weights = np.asarray(self.idf, np.float64)
        front = 0 if self._special else self.start
        more = self.depth - front - len(weights)
        filled = [*[weights.mean()] * front, *weights, *[0.0] * more]
        return counts * counts.trace.constant(np.asarray(filled), counts.dtype)

    def inside(self, place: Tensor) -> Tensor:
        """Places of tokens or special ones, counted; any other is the one behind all of them."""
        last = self.start + len(self.tokens)
        within = ops.logical_and(ops.greater_equal(place, 0), ops.less(place, last))
        return ops.where(within, place, last)
