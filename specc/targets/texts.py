"""Realisation of primitives on text; ONNX compares text from opset 19, splits it from 20.

How many words or parts a text has is known when it is there. The length of such an axis is said to
be 1 here, and only `_made` makes nodes on it, which asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from specc.graph import Graph, Value, Values
from specc.lengths import expanded
from specc.onnx_api import TensorType
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.targets.layout import Placed, placed, plain
from specc.targets.realiser import BASE, Realiser
from specc.tensors import Dims, DType, product

# Slice to the end of an axis.
END = 2**63 - 1
# What separates words in ASCII besides the space.
SPACES = "\t\n\x0b\x0c\r"
# More than the runs of words of any text.
MANY = 2**40


@BASE.rule("is_text")
def is_text(r: Realiser, t: Tensor) -> Placed:
    """Equal with a row of constants."""
    x = plain(r.place(t.inputs[0]), t.inputs[0].shape)
    return placed(r.graph.op("Equal", x, r.graph.texts(t.attrs["texts"])), t.shape)


@BASE.rule("first_words")
def first_words(r: Realiser, t: Tensor) -> Placed:
    """StringSplit; as many fillers behind each text as words are wanted make rows long enough."""
    g, count = r.graph, t.attrs["count"]
    fillers = g.texts([" ".join(["", *[t.attrs["filler"]] * count])])
    filled = g.op("StringConcat", _flat(r, t), fillers)
    return placed(_columns(g, _split(g, filled, " ")[0], count, t), t.shape)


@BASE.rule("lower_case")
def lower_case(r: Realiser, t: Tensor) -> Placed:
    """StringNormalizer; the locale C, which every system has, knows the letters of ASCII only."""
    g, x = r.graph, _flat(r, t)
    settings = {"case_change_action": "LOWER", "locale": "C"}
    lower = _made(g, "StringNormalizer", x, dtype="string", shape=x.shape, **settings)
    return placed(g.reshape(lower, t.shape), t.shape)


@BASE.rule("without")
def without(r: Realiser, t: Tensor) -> Placed:
    """For each character the parts that it separates, joined."""
    x = _flat(r, t)
    for character in t.attrs["characters"]:
        x = _replaced(r.graph, x, character, "")
    return placed(r.graph.reshape(x, t.shape), t.shape)


@BASE.rule("text_places")
def text_places(r: Realiser, t: Tensor) -> Placed:
    """Sought all at once."""
    found = _places(r.graph, _flat(r, t), t.attrs["texts"])
    return placed(r.graph.reshape(found, t.shape), t.shape)


@BASE.rule("text_at")
def text_at(r: Realiser, t: Tensor) -> Placed:
    """Gather."""
    index = plain(r.place(t.inputs[0]), t.inputs[0].shape)
    return placed(r.graph.op("Gather", r.graph.texts(t.attrs["texts"]), index, axis=0), t.shape)


@BASE.rule("word_places")
def word_places(r: Realiser, t: Tensor) -> Placed:
    """The runs of each width side by side; those that are there go before those that are not."""
    g, x, (count,) = r.graph, _flat(r, t), ints(t.shape[1:])
    nothing = len(t.attrs["texts"]) + 1
    parts = [place for place, _ in _runs(g, x, t)]
    parts.append(expanded(g.const([[nothing]], "int64"), t.shape, x))
    wide = _made(g, "Concat", *parts, dtype="int64", shape=parts[0].shape, axis=1)
    if len(parts) == 2:  # noqa: PLR2004
        return placed(_columns(g, wide, count, t), t.shape)
    there = g.op("Less", wide, g.const(nothing, "int64"))
    ones = g.op("Where", there, g.const(1, "int64"), g.const(1, "int64"))
    at = _made(g, "CumSum", ones, g.const(1, "int32"), dtype="int64", shape=wide.shape)
    keys = g.op("Where", there, g.const(MANY, "int64"), g.const(0, "int64")) - at
    type_ = TensorType("int64", t.shape)
    _, order = g.stated_all("TopK", keys, g.ints(count), types=(type_, type_), axis=1)
    first = _made(g, "GatherElements", wide, order, dtype="int64", shape=t.shape, axis=1)
    return placed(first, t.shape)


@BASE.rule("word_counts")
def word_counts(r: Realiser, t: Tensor) -> Placed:
    """Ones added at the place of each run; runs that are not there have a column of their own."""
    g, x, (count,) = r.graph, _flat(r, t), ints(t.shape[1:])
    shape: Dims = (*x.shape, count + 1)
    total = expanded(g.const(np.zeros((1, 1)), t.dtype), shape, x)
    for place, there in _runs(g, x, t):
        ones = g.op("Where", there, g.const(1, t.dtype), g.const(1, t.dtype))
        how = {"axis": 1, "reduction": "add"}
        total = _made(g, "ScatterElements", total, place, ones, dtype=t.dtype, shape=shape, **how)
    return placed(_columns(g, total, count, t), t.shape)


@BASE.rule("character_places")
def character_places(r: Realiser, t: Tensor) -> Placed:
    """A number for each character, bit by bit: whether the text has one at this place with the bit.

    0 stands for none, 1 for an unknown one. The character at place i is what `.{i}` leaves.
    """
    g, x, texts, (count,) = r.graph, _flat(r, t), t.attrs["texts"], ints(t.shape[1:])
    numbers = {text: i + 2 for i, text in enumerate(texts) if len(text) == 1}
    columns: list[Value] = []
    for i in range(count):
        parts: list[Value] = []
        for bit in range((len(texts) + 1).bit_length()):
            kind = _class(numbers, bit)
            if kind:
                pattern = f"(?s).{{{i}}}{kind}.*"
                hit = g.op("RegexFullMatch", x, pattern=pattern)
                parts.append(g.cast(hit, "int64") * 2**bit)
        column = parts[0]
        for part in parts[1:]:
            column = column + part
        columns.append(g.reshape(column, (*x.shape, 1)))
    table = g.const([len(texts) + 1, len(texts), *range(len(texts))], "int64")
    joined = g.op("Concat", *columns, axis=1) if len(columns) > 1 else columns[0]
    return placed(g.op("Gather", table, joined, axis=0), t.shape)


def _class(numbers: dict[str, int], bit: int) -> str:
    """RE2's class of the characters whose number has a bit; "" when there are none."""
    has = {text for text, number in numbers.items() if number >> bit & 1}
    if bit == 0:
        # The number of unknown characters, 1, has it as well.
        others = numbers.keys() - has
        return f"[^{_listed(others)}]" if others else "."
    return f"[{_listed(has)}]" if has else ""


def _listed(characters: set[str]) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in sorted(characters))


def _flat(r: Realiser, t: Tensor) -> Value:
    """The first operand along one axis."""
    (x, *_) = t.inputs
    return r.graph.reshape(plain(r.place(x), x.shape), (product(x.shape),))


def _made(
    g: Graph, op: str, *inputs: Value, dtype: DType, shape: Dims, **attrs: int | str
) -> Value:
    """A node of a type that is said."""
    return g.stated_all(op, *inputs, types=(TensorType(dtype, shape),), **attrs)[0]


def _columns(g: Graph, wide: Value, count: int, t: Tensor) -> Value:
    """The first `count` columns."""
    bounds = (g.ints(0), g.ints(count), g.ints(1))
    return _made(g, "Slice", wide, *bounds, dtype=t.dtype, shape=t.shape)


def _split(g: Graph, x: Value, by: str) -> Values:
    """(parts of each text of (N,) as (N, most), rows end in ""; their numbers); "" are spaces."""
    types = (TensorType("string", (*x.shape, 1)), TensorType("int64", x.shape))
    return g.stated_all("StringSplit", x, types=types, delimiter=by)


def _replaced(g: Graph, x: Value, character: str, by: str) -> Value:
    """Texts with something else for a character; with spaces behind them, when it is a space."""
    empty = expanded(g.texts([""]), x.shape, x)
    parts, _ = _split(g, x, character)
    # Scan wants at least one row; a batch of empty texts has no parts.
    last = g.reshape(empty, (*x.shape, 1))
    wide = _made(g, "Concat", parts, last, dtype="string", shape=parts.shape, axis=1)
    rows = _made(g, "Transpose", wide, dtype="string", shape=(1, *x.shape))

    def step(body: Graph, states: Values, row: Values) -> tuple[Values, Values]:
        joined = body.op("StringConcat", states[0], row[0])
        if by:
            joined = body.op("StringConcat", joined, body.texts([by]))
        # A copy. Scan's buffers hold the texts of two rows ago, which StringConcat would append to
        # (onnxruntime 1.32).
        copied = body.append("Concat", (joined,), {"axis": 0}, [TensorType("string", x.shape)])
        return copied, ()

    return g.scan([empty], [rows], step)[0]


def _places(g: Graph, x: Value, texts: Sequence[str]) -> Value:
    """The place of each text of (M,) among `texts`, their number where it is none of them.

    Behind those that are sought in, every text leads to where it stands first.
    """
    every = _made(g, "Concat", g.texts(texts), x, dtype="string", shape=x.shape, axis=0)
    found = TensorType("int64", x.shape)
    types = (TensorType("string", x.shape), found, found, found)
    _, first, inverse, _ = g.stated_all("Unique", every, types=types, sorted=1)
    place = _made(g, "Gather", first, inverse, dtype="int64", shape=x.shape)
    bounds = (g.ints(len(texts)), g.ints(END))
    own = _made(g, "Slice", place, *bounds, dtype="int64", shape=x.shape)
    return g.op("Min", own, g.const(len(texts), "int64"))


def _runs(g: Graph, x: Value, t: Tensor) -> Iterator[tuple[Value, Value]]:
    """For each width (places of the runs of words, whether they are there); of texts (N,)."""
    for space in SPACES:
        x = _replaced(g, x, space, " ")
    words, count = _split(g, x, "")
    widths, texts = t.attrs["widths"], t.attrs["texts"]
    # Rows of the width of a run at least, also where no text has a word.
    more = expanded(g.texts([""]), (*x.shape, max(widths)), x)
    words = _made(g, "Concat", words, more, dtype="string", shape=words.shape, axis=1)
    for width in widths:
        run = _part(g, words, 0, width)
        for i in range(1, width):
            spaced = g.op("StringConcat", run, g.texts([" "]))
            run = g.op("StringConcat", spaced, _part(g, words, i, width))
        flat = _made(g, "Reshape", run, g.ints(-1), dtype="string", shape=x.shape)
        lengths = g.op("Shape", run)
        place = _made(
            g, "Reshape", _places(g, flat, texts), lengths, dtype="int64", shape=run.shape
        )
        length = g.op("Gather", lengths, g.const(1, "int64"), axis=0)
        numbers = (g.const(0, "int64"), length, g.const(1, "int64"))
        at = _made(g, "Range", *numbers, dtype="int64", shape=(1,))
        there = g.op("Less", at, g.reshape(count - (width - 1), (*x.shape, 1)))
        nothing = g.const(len(texts) + 1, "int64")
        yield g.op("Where", there, place, nothing), there


def _part(g: Graph, words: Value, start: int, width: int) -> Value:
    """The words that stand at `start` in runs of a width."""
    end = start - width + 1
    bounds = (g.ints(start), g.ints(end if end else END), g.ints(1))
    return _made(g, "Slice", words, *bounds, dtype="string", shape=words.shape)
