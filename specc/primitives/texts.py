"""Primitives on text: no gradient, no layout but row-major.

A place among `texts` counts from 0; `len(texts)` stands for a text that is none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from specc.primitives.tensor import Tensor


def is_text(x: Tensor, texts: Sequence[str]) -> Tensor:
    """Whether each text is each of `texts`, as bool.

    Shapes: x (..., 1), result (..., len(texts)).
    """
    return x.trace.emit("is_text", (x,), (*x.shape[:-1], len(texts)), "bool", texts=tuple(texts))


def first_words(x: Tensor, count: int, filler: str) -> Tensor:
    """The first `count` words of each text, between single spaces; `filler` where none are.

    Shapes: x (N, 1), result (N, count).
    """
    return x.trace.emit(
        "first_words", (x,), (x.shape[0], count), "string", count=count, filler=filler
    )


def lower_case(x: Tensor) -> Tensor:
    """Text with the letters A to Z in lower case; other letters stay."""
    return x.trace.emit("lower_case", (x,), x.shape, "string")


def without(x: Tensor, characters: str) -> Tensor:
    """Text without any of some characters. Shapes: x (N,), result the same."""
    return x.trace.emit("without", (x,), x.shape, "string", characters=characters)


def text_places(x: Tensor, texts: Sequence[str]) -> Tensor:
    """The place of each text among `texts`, int64. Shapes: as x."""
    return x.trace.emit("text_places", (x,), x.shape, "int64", texts=tuple(texts))


def text_at(place: Tensor, texts: Sequence[str]) -> Tensor:
    """The text at each place (int64, within range). Shapes: as place."""
    return place.trace.emit("text_at", (place,), place.shape, "string", texts=tuple(texts))


def word_places(x: Tensor, texts: Sequence[str], widths: Sequence[int], count: int) -> Tensor:
    """Places of the first `count` runs of words of each text, int64; len(texts) + 1 behind them.

    Words stand between the white space of ASCII, which does not count; `widths` are the numbers of
    words in a run, joined by single spaces: all runs of the first width, then those of the next.

    Shapes: x (N,), result (N, count).
    """
    return x.trace.emit(
        "word_places", (x,), (*x.shape, count), "int64", texts=tuple(texts), widths=tuple(widths)
    )


def word_counts(x: Tensor, texts: Sequence[str], widths: Sequence[int]) -> Tensor:
    """How often each of `texts`, and last any other, is among the runs of words of each text.

    Runs are those of `word_places`. Shapes: x (N,), result (N, len(texts) + 1), float.
    """
    shape = (*x.shape, len(texts) + 1)
    return x.trace.emit(
        "word_counts", (x,), shape, x.trace.floatx, texts=tuple(texts), widths=tuple(widths)
    )


def character_places(x: Tensor, texts: Sequence[str], count: int) -> Tensor:
    """Places of the first `count` characters of each text, int64; len(texts) + 1 behind them.

    Shapes: x (N,), result (N, count).
    """
    return x.trace.emit("character_places", (x,), (*x.shape, count), "int64", texts=tuple(texts))
