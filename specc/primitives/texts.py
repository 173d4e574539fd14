"""Primitives on text. Graphs that use them are for serving: no gradient, no other layout."""

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
