"""Whole lines of a table as columns of text, some times faster than the module `csv` reads them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from specc.data.rows import Array

QUOTE, LINE = ord('"'), ord("\n")
# Stands between cells while they are taken apart: ASCII's unit separator, which no text has.
BETWEEN = "\x1f"


class Cells(NamedTuple):
    """Columns of cells, and behind how many line ends of the block each row ends."""

    columns: tuple[list[str], ...]
    lines: Array


def cells(block: bytes, delimiter: str, width: int) -> Cells | None:
    """The rows of whole lines; None where only the module `csv` can tell what they are.

    A cell in quotes may hold delimiters, line ends, and quotes written twice.

    Args:
        block: lines, whose quotes are closed.
        delimiter: the ASCII character between cells.
        width: how many cells a row has.
    """
    has_quotes = b'"' in block
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
        if b"\r" in block:
            return None
        crossed = has_quotes
    else:
        crossed = False
    values = np.frombuffer(block.removesuffix(b"\n"), np.uint8)
    apart, line_ends = values == ord(delimiter), values == LINE
    every_line = np.flatnonzero(line_ends)
    quotes = keep = None
    if has_quotes:
        if BETWEEN.encode() in block:
            return None
        quotes = values == QUOTE
        # Sums of bytes overflow, but odd stays odd.
        inside = np.cumsum(quotes, dtype=np.uint8) & 1 == 1
        apart &= ~inside
        line_ends &= ~inside
        keep = _kept(quotes, inside, apart | line_ends)
        # A line end in a cell may have been two characters.
        if keep is None or (crossed and np.count_nonzero(line_ends) != len(every_line)):
            return None
    ends = np.append(np.flatnonzero(line_ends), len(values))
    # As many cells in each line; a line without any is not to be seen among those of one.
    counts = np.diff(np.searchsorted(np.flatnonzero(apart), ends), prepend=0)
    if (counts != width - 1).any() or (np.diff(ends, prepend=-1) == 1).any():
        return None
    try:
        if keep is None:
            found = values.tobytes().decode().replace("\n", delimiter).split(delimiter)
        else:
            marked = np.where(apart | line_ends, ord(BETWEEN), values).astype(np.uint8)
            found = marked[keep].tobytes().decode().split(BETWEEN)
    except UnicodeDecodeError:
        return None
    lines = np.arange(1, len(ends) + 1)
    if quotes is not None:
        lines = np.searchsorted(every_line, ends, side="left") + 1
    return Cells(tuple(found[i::width] for i in range(width)), lines)


def _kept(
    quotes: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], apart: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_] | None:
    """Which bytes are of cells: all but quotes, of two that mean one the second.

    None when a cell has quotes that neither begin nor end it.

    Args:
        quotes: where quotes are.
        inside: whether each byte is in quotes, the one that opens among them.
        apart: where cells end.
    """
    opens, closes = quotes & inside, quotes & ~inside
    bounded = np.concatenate([[True], apart, [True]])
    doubled = np.concatenate([[False], closes[:-1]]) & opens
    begins = bounded[:-2] | doubled
    ends = bounded[2:] | np.concatenate([opens[1:], [False]])
    if (opens & ~begins).any() or (closes & ~ends).any() or (len(inside) and inside[-1]):
        return None
    return ~quotes | doubled
