"""A ruled table of fixed width, cell for cell as Keras 3 prints `model.summary()`.

Keras draws with rich's `Table`: columns share the width in fixed parts, borders and padding then
take their cells back from every column alike, text wraps at spaces and longer words are cut.
Source: keras/src/utils/summary_utils.py (3.15.1); rich/table.py, rich/_wrap.py, rich/_ratio.py.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from specc.errors import SpeccError

# Keras refuses columns narrower than this.
MIN_COLUMN = 4
# Categories of Unicode that only change the letter before: accents and format marks.
_NO_CELLS = frozenset({"Mn", "Me", "Mc", "Cf"})


Align: TypeAlias = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, the share of the line where the column ends, and where its cells stand."""

    heading: str
    end: float
    align: Align = "left"


def draw(columns: Sequence[Column], rows: Sequence[Sequence[str]], line_length: int) -> str:
    """The table, lines joined by newlines.

    Raises:
        SpeccError: the line is too short for the columns.
    """
    widths = _widths([column.end for column in columns], line_length)
    lines = [_rule(widths, "┏━┳┓")]
    headings = [
        wrap(column.heading, width, column.align)
        for column, width in zip(columns, widths, strict=True)
    ]
    height = max(map(len, headings))
    # Headings stand at the bottom of their row, cells at the top.
    lowered = [[""] * (height - len(cell)) + cell for cell in headings]
    lines += _cells(lowered, columns, widths, "┃")
    lines.append(_rule(widths, "┡━╇┩"))
    for i, row in enumerate(rows):
        if i:
            lines.append(_rule(widths, "├─┼┤"))
        wrapped = [
            wrap(cell, width, column.align)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        lines += _cells(wrapped, columns, widths, "│")
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
            space = " " * (width - cells(text))
            parts.append(space + text if column.align == "right" else text + space)
        lines.append(border + border.join(f" {part} " for part in parts) + border)
    return lines


def wrap(text: str, width: int, align: Align = "left") -> list[str]:
    """`text` in lines of at most `width`: broken at spaces, longer words cut with an ellipsis."""
    lines = [""]
    for word in re.findall(r"\s*\S+\s*", text):
        fits = cells(lines[-1]) + cells(word.rstrip()) <= width
        if fits or not lines[-1]:
            lines[-1] += word
        else:
            lines.append(word)
    stripped = [
        line.rstrip() if align == "right" else _without_space(line, width) for line in lines
    ]
    return [_cut(line, width) for line in stripped]


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for a wide letter, none for an accent."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(letter: str) -> int:
    if unicodedata.category(letter) in _NO_CELLS:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _without_space(line: str, width: int) -> str:
    """The line without the space behind it.

    Where it strips, rich counts a wide letter as one cell, so that a space may stay for which the
    line is then cut.
    """
    end = line.rstrip()
    kept = line[: max(width, len(end))]
    return kept if cells(kept) > width else end


def _cut(line: str, width: int) -> str:
    if cells(line) <= width:
        return line
    kept = line
    while cells(kept) > width - 1:
        kept = kept[:-1]
    return kept + " " * (width - 1 - cells(kept)) + "…"
