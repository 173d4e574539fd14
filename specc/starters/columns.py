"""What the columns of a table seem to mean, from their cells alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specc.data.csv_format import is_number
from specc.data.table import Table
from specc.errors import DataError

# Names that say which column is to be predicted; the last column where none does.
TARGETS = ("target", "label", "class", "y", "output")
# More values than this are no categories any more, and more whole numbers no classes.
MOST_CATEGORIES, MOST_CLASSES = 50, 20
# Texts of so many words and more are read word by word; words that are kept of each.
WORDY, LONGEST_TEXT = 3.0, 128
VOCABULARY = 10_000
# Cells that the number of words is counted in.
LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Goal:
    """What is predicted.

    Attributes:
        name: of the column.
        classes: how many classes there are; 0 where it is a number.
        mean, deviation: of a number.
        incomplete: whether cells are missing.
    """

    name: str
    classes: int
    mean: float = 0.0
    deviation: float = 1.0
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """What it is predicted from.

    Attributes:
        row: columns that are numbers and categories, as `columns:` has them.
        texts: columns that are read word by word.
        left_out: the others, and why.
    """

    row: Mapping[str, Any]
    texts: Mapping[str, Any]
    left_out: Mapping[str, str]


def goal(table: Table, wanted: str | None) -> Goal:
    """The column that is to be predicted, and how.

    Raises:
        DataError: there is no such column, or it can be no target.
    """
    name = wanted if wanted is not None else _usual(table)
    cells = table.texts(name)
    there = [cell for cell in cells if cell]
    incomplete = len(there) < len(cells)
    values = set(there)
    if len(values) < 2:  # noqa: PLR2004
        raise DataError(
            f"{table.path}: column {name!r}: expected something to predict, found "
            f"{'one value' if values else 'no values'}; name another column with --target"
        )
    if not all(map(is_number, values)):
        if len(values) > max(MOST_CATEGORIES, len(there) // 10):
            raise DataError(
                f"{table.path}: column {name!r}: expected numbers or classes to predict, found "
                f"{len(values):,} different texts; name another column with --target"
            )
        return Goal(name, len(values), incomplete=incomplete)
    numbers = np.array(there, np.float64)
    whole = (numbers == np.trunc(numbers)).all() and numbers.min() >= 0
    if whole and len(values) <= MOST_CLASSES and numbers.max() < 2 * MOST_CLASSES:
        return Goal(name, int(numbers.max()) + 1, incomplete=incomplete)
    return Goal(name, 0, float(numbers.mean()), float(numbers.std()), incomplete)


def _usual(table: Table) -> str:
    named = [name for name in table.names if name.lower() in TARGETS]
    return named[0] if named else table.names[-1]


def features(table: Table, target: str) -> Features:
    """What the columns beside the target seem to be."""
    row: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name in table.names:
        if name == target:
            continue
        cells = table.texts(name)
        counts = Counter(cells)
        incomplete = bool(counts.pop("", 0))
        if len(counts) < 2:  # noqa: PLR2004
            left_out[name] = "one value" if counts else "empty"
        elif all(map(is_number, counts)):
            if _counts_rows(counts, len(cells)):
                left_out[name] = "numbers of the rows"
            else:
                row[name] = {"numeric": {"missing": "mean"}} if incomplete else "numeric"
        elif len(counts) <= MOST_CATEGORIES and len(counts) < len(cells) / 2:
            row[name] = {"category": {"missing": "value"}} if incomplete else "category"
        elif _words(cells) >= WORDY:
            texts[name] = {"text": {"length": _length(cells), "vocabulary": VOCABULARY}}
        else:
            left_out[name] = f"{len(counts):,} different texts"
    if not row and not texts:
        told = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise DataError(f"{table.path}: expected columns to predict from, found none ({told})")
    return Features(row, texts, left_out)


def _counts_rows(counts: Mapping[str, int], rows: int) -> bool:
    """0, 1, 2, ... or 1, 2, 3, ..., each once: no property of a sample."""
    if len(counts) < rows:
        return False
    numbers = np.sort(np.array([*counts], np.float64))
    return bool(numbers[0] in (0, 1) and (np.diff(numbers) == 1).all())


def _some(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if cell][:LOOKED_AT]


def _words(cells: Sequence[str]) -> float:
    return float(np.mean([len(cell.split()) for cell in _some(cells)]))


def _length(cells: Sequence[str]) -> int:
    """Words that nine of ten texts do not exceed, as a multiple of 8."""
    most = float(np.quantile([len(cell.split()) for cell in _some(cells)], 0.9))
    return min(LONGEST_TEXT, max(8, int(-(-most // 8) * 8)))
