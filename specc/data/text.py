"""Texts to continue: windows of tokens, and what comes after them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.data.learned import mapping
from specc.data.location import locate
from specc.data.pieces import Pieces
from specc.data.rows import Array, Column, Index, Rows, part
from specc.data.source import Dataset, Names, Samples, Source
from specc.data.spool import Spool
from specc.data.tokens import Characters, Coder, Tokens, coder
from specc.errors import DataError, RunError

KEY = "text"


class Text(Source):
    """Windows of a text file; the targets are the tokens that come next.

    Yields x int32 (n, length) and y int32: for `next: each` (n, length), what follows each token;
    for `next: last` (n,), what follows the window. The last parts of the text are the test and the
    validation split. The vocabulary is that of the whole file, and is stored with the model. A
    file may be larger than memory: the numbers of its tokens are kept in a temporary file.
    """

    path: str
    """The file, UTF-8, in the folder of `--data`."""

    tokens: Tokens = Characters()
    """What it is cut into: `characters`, `words` or `bpe`."""

    length: Annotated[int, Field(ge=1)] | None = None
    """Tokens of a window; by default the length of the model's input."""

    stride: Annotated[int, Field(ge=1)] | None = None
    """Tokens between the starts of two windows; `length` by default, so that none overlap."""

    next: Literal["each", "last"] = "each"
    """Whether the targets follow each token of a window, or its last."""

    lowercase: bool = False
    """Whether the text is turned to lower case."""

    test_split: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the text, from its end, that becomes the test split."""

    validation_split: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the text, before the test split, that validates."""

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        names = names or Names()
        path = locate(self.path, folder, "data.text.path")
        pieces = Pieces(path, self.lowercase)
        if names.learned is None:
            learned = {
                "tokens": {self.tokens.key: self.tokens.learn(pieces)},
                "lowercase": self.lowercase,
                "next": self.next,
            }
        else:
            learned = stored_text(names.learned)
        made = coder(learned["tokens"])
        ids = _ids(pieces, made)
        length = self.length or _length(names)
        shares = (1 - self.test_split - self.validation_split, self.validation_split)
        if shares[0] <= 0:
            raise DataError("data.text: test_split and validation_split leave nothing to train on")
        ends = np.floor(np.cumsum(shares) * len(ids) + 0.5).astype(int)
        parts = [part(ids, a, b) for a, b in itertools.pairwise((0, *ends.tolist(), len(ids)))]
        if len(parts[0]) <= length:
            raise DataError(
                f"{path}: expected more than {length} tokens to train on, found {len(parts[0])}; "
                "bring a longer text, or make the windows shorter"
            )
        train = self._samples(parts[0], length)
        validation, test = (self._held_out(path, each, length) for each in parts[1:])
        return Dataset(train, test, validation, learned={KEY: learned}, tokens=made.size)

    def _held_out(self, path: Path, ids: Column, length: int) -> Samples | None:
        """A split; None where there is to be none."""
        if len(ids) <= 1:
            return None
        if len(ids) <= length:
            raise DataError(
                f"{path}: expected splits of more than {length} tokens, found {len(ids)}; make the "
                "split larger, or the windows shorter"
            )
        return self._samples(ids, length)

    def _samples(self, ids: Column, length: int) -> Samples:
        """The windows of a part of the text, at least one."""
        stride = self.stride or length
        count = (len(ids) - length - 1) // stride + 1
        x = Windows(ids, count, stride, length)
        if self.next == "each":
            return Samples((x,), (Windows(part(ids, 1, None), count, stride, length),))
        if isinstance(ids, Rows):
            return Samples((x,), (Windows(part(ids, length, None), count, stride, None),))
        return Samples((x,), (ids[np.arange(count) * stride + length].astype(np.int32),))


class Windows(Rows):
    """Row i is `values[i * stride : i * stride + length]` as int32; one value when it is None."""

    def __init__(self, values: Column, count: int, stride: int, length: int | None) -> None:
        self._values, self._stride = values, stride
        self._within = np.arange(length or 1, dtype=np.int64)
        self.shape = (count,) if length is None else (count, length)
        self.dtype = np.dtype(np.int32)

    @override
    def take(self, rows: Index) -> Array:
        places = rows[:, np.newaxis] * self._stride + self._within
        found = self._values[places.reshape(-1)]
        return found.astype(np.int32).reshape(len(rows), *self.shape[1:])


def _ids(pieces: Pieces, made: Coder) -> Column:
    """The tokens of a text, in the smallest element type that counts the vocabulary."""
    dtype = np.min_scalar_type(made.size - 1)
    spool = Spool()
    spool.add(np.zeros(0, dtype))
    for piece in pieces:
        spool.add(made.encode(piece).astype(dtype))
    return spool.column()


def _length(names: Names) -> int:
    shape = names.shapes.get(names.inputs[0]) if len(names.inputs) == 1 else None
    if shape is None or len(shape) != 2 or shape[1] is None:  # noqa: PLR2004
        raise DataError(
            "data.text.length: expected a length, for the model has not one input (length,) that "
            "tells it; write one"
        )
    return shape[1]


def stored_text(learned: Mapping[str, Any]) -> dict[str, Any]:
    """What a source of texts stored: its tokens, and how it reads a text.

    Raises:
        RunError: it is another, or damaged.
    """
    found = dict(mapping(learned.get(KEY), KEY))
    if not isinstance(found.get("lowercase"), bool) or found.get("next") not in ("each", "last"):
        raise RunError(f"{KEY}: expected what training stored, found another")
    return found
