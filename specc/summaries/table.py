"""A ruled table of fixed width, cell for cell as Keras 3 prints `model.summary()`.

Keras draws with rich's `Table`: columns share the width in fixed parts, borders and padding then
take their cells back from every column alike, text wraps at spaces and longer words are cut.
Source: keras/src/utils/summary_utils.py (3.15.1); rich/table.py, rich/_wrap.py, rich/_ratio.py.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from specc.errors import SpeccError

# Keras refuses columns narrower than this.
MIN_COLUMN = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, the share of the line where the column ends, and where its cells stand."""

    heading: str
    end: float
    align: Literal["left", "right"] = "left"


def draw(columns: Sequence[Column], rows: Sequence[Sequence[str]], line_length: int) -> str:
    """The table, lines joined by newlines.

    Raises:
        SpeccError: the line is too short for the columns.
    """
    widths = _widths([column.end for column in columns], line_length)
    lines = [_rule(widths, "┏━┳┓")]
    headings = [wrap(column.heading, width) for column, width in zip(columns, widths, strict=True)]
    height = max(map(len, headings))
    # Headings stand at the bottom of their row, cells at the top.
    lowered = [[""] * (height - len(cell)) + cell for cell in headings]
    lines += _cells(lowered, columns, widths, "┃")
    lines.append(_rule(widths, "┡━╇┩"))
    for i, row in enumerate(rows):
        if i:
            lines.append(_rule(widths, "├─┼┤"))
        cells = [wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        lines += _cells(cells, columns, widths, "│")
    lines.append(_rule(widths, "└─┴┘"))
    return "\n".join(lines)


def _widths(ends: Sequence[float], line_length: int) -> list[int]:
    """Cells of text in each column."""
    outer = _shares(ends, line_length)
    if min(outer) < MIN_COLUMN:
        least = next(n for n in itertools.count(line_length) if min(_shares(ends, n)) >= MIN_COLUMN)
        raise SpeccError(
            f"a line of {line_length} is too short for {len(ends)} columns; "
            f"use --line-length {least} or more"
        )
    # Each column asks for its padding on top, n + 1 borders come first, and what is too much is
    # taken away evenly. Rounding is to even, as Python's.
    excess = sum(outer) + 2 * len(outer) - (line_length - len(outer) - 1)
    inner: list[int] = []
    for i, width in enumerate(outer):
        taken = round(excess / (len(outer) - i))
        excess -= taken
        inner.append(max(1, width - taken))
    return inner


def _shares(ends: Sequence[float], line_length: int) -> list[int]:
    marks = [0, *(int(end * line_length) for end in ends)]
    return [right - left for left, right in itertools.pairwise(marks)]


def _rule(widths: Sequence[int], pieces: str) -> str:
    left, line, middle, right = pieces
    return left + middle.join(line * (width + 2) for width in widths) + right


def _cells(
    row: Sequence[Sequence[str]], columns: Sequence[Column], widths: Sequence[int], border: str
) -> list[str]:
    """The lines of one row, whose cells are wrapped."""
    lines: list[str] = []
    for i in range(max(map(len, row))):
        parts: list[str] = []
        for cell, column, width in zip(row, columns, widths, strict=True):
            text = cell[i] if i < len(cell) else ""
            parts.append(text.rjust(width) if column.align == "right" else text.ljust(width))
        lines.append(border + border.join(f" {part} " for part in parts) + border)
    return lines


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width`: broken at spaces, longer words cut with an ellipsis."""
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text):
        fits = len(lines[-1]) + len(word.rstrip()) <= width
        if fits or not lines[-1]:
            lines[-1] += word
        else:
            lines.append(word)
    return [_cut(line.rstrip(), width) for line in lines]


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
