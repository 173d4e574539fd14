"""Realisation of primitives on text; ONNX compares text from opset 19, splits it from 20."""

from __future__ import annotations

from specc.primitives import Tensor
from specc.targets.layout import Placed, placed, plain
from specc.targets.realiser import BASE, Realiser


@BASE.rule("is_text")
def is_text(r: Realiser, t: Tensor) -> Placed:
    """Equal with a row of constants."""
    x = plain(r.place(t.inputs[0]), t.inputs[0].shape)
    return placed(r.graph.op("Equal", x, r.graph.texts(t.attrs["texts"])), t.shape)


@BASE.rule("first_words")
def first_words(r: Realiser, t: Tensor) -> Placed:
    """StringSplit; as many fillers behind each text as words are wanted make rows long enough."""
    g, (x,) = r.graph, t.inputs
    count = t.attrs["count"]
    filled = g.op(
        "StringConcat",
        g.reshape(plain(r.place(x), x.shape), x.shape[:1]),
        g.texts([" ".join(["", *[t.attrs["filler"]] * count])]),
    )
    split = g.split_text(filled)
    words = g.stated(
        "Slice", split, g.ints(0), g.ints(count), g.ints(1), dtype="string", shape=t.shape
    )
    return placed(words, t.shape)
