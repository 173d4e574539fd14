"""The look of `model.summary()` in Keras 2.0, which the book prints."""

from __future__ import annotations

from collections.abc import Sequence

from specc.family import snake_case
from specc.summaries.rows import Row, Totals, shape_text

# (line length, ends of the columns): a chain, and a graph with its connections.
CHAIN = (65, (0.45, 0.85, 1.0))
GRAPH = (98, (0.33, 0.55, 0.67, 1.0))


def draw(rows: Sequence[Row], totals: Totals, *, chain: bool, line_length: int | None) -> str:
    """The summary; cells are cut, never wrapped.

    Source: keras/utils/layer_utils.py, print_summary (2.0).
    """
    default, ends = CHAIN if chain else GRAPH
    length = line_length or default
    stops = [int(end * length) for end in ends]
    names = {row.name: _counted_from_one(row) for row in rows}
    lines = ["_" * length]
    headings = ["Layer (type)", "Output Shape", "Param #", "Connected to"]
    lines += [_line(headings[: len(stops)], stops), "=" * length]
    for i, row in enumerate(rows):
        if i:
            lines.append("_" * length)
        shape = shape_text(row.output_shapes)
        cells = [f"{names[row.name]} ({row.type})", shape, str(row.params)]
        if chain:
            lines.append(_line(cells, stops))
            continue
        # Each connection after the first has a line of its own.
        feeds = [
            names[name] + text.removeprefix(name)
            for name, text in zip(row.connected_to, row.connections, strict=True)
        ]
        first, *more = feeds or [""]
        lines.append(_line([*cells, first], stops))
        lines += [_line(["", "", "", other], stops) for other in more]
    lines += [
        "=" * length,
        f"Total params: {totals.params:,}",
        f"Trainable params: {totals.trainable_params:,}",
        f"Non-trainable params: {totals.non_trainable_params:,}",
        "_" * length,
    ]
    return "\n".join(lines)


def _counted_from_one(row: Row) -> str:
    """An automatic name as Keras 2 gave it: dense, dense_1 were dense_1, dense_2."""
    if row.number is None:
        return row.name
    base = snake_case(row.type)
    return f"{'input' if base == 'input_layer' else base}_{row.number + 1}"


def _line(cells: Sequence[str], stops: Sequence[int]) -> str:
    line = ""
    for cell, stop in zip(cells, stops, strict=True):
        # A cut cell gives up its last letter to the gap before the next one.
        line = line[:-1] + " " if line else line
        line = (line + cell)[:stop].ljust(stop)
    return line
