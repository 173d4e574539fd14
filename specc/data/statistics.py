"""What is learned from the columns of a table that is seen part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from specc.data.rows import Index
from specc.data.table import Table
from specc.errors import DataError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Learning(Generic[T]):
    """One column's share of a pass over a table in which all columns learn.

    Attributes:
        see: takes in a part of the table and which of its rows are learned from; others are only
            checked. Raises `DataError` when cells are not what they should be.
        done: what was learned. Raises `DataError` when that is nothing.
    """

    see: Callable[[Table, Index], None]
    done: Callable[[], T]


class Moments:
    """Count, mean, squared deviations from it, least and greatest of the numbers of a column.

    Parts are joined by the pairwise formula of Chan, Golub and LeVeque (1979).
    """

    def __init__(self, name: str, *, complete: bool) -> None:
        self._name, self._complete = name, complete
        self._path: Path | None = None
        self.count = 0
        self.mean = self.squares = 0.0
        self.low, self.high = np.inf, -np.inf

    def see(self, table: Table, rows: Index) -> None:
        """Take in some rows of a part; see `Learning`."""
        cells = table.values(self._name)
        self._path = table.path
        there = ~np.isnan(cells)
        if self._complete:
            table.present(self._name, there)
        table.within(self._name, cells)
        known = cells[rows][there[rows]]
        count = len(known)
        if not count:
            return
        mean = float(known.mean())
        apart, total = mean - self.mean, self.count + count
        self.squares += float(np.square(known - mean).sum())
        self.squares += apart * apart * self.count * count / total
        self.mean = self.mean + apart * count / total if self.count else mean
        self.count = total
        self.low = min(self.low, float(known.min()))
        self.high = max(self.high, float(known.max()))

    def check(self) -> None:
        """Refuse a column without any number.

        Raises:
            DataError: there was none.
        """
        if not self.count:
            raise DataError(f"{self._path}: column {self._name!r}: expected numbers, found none")

    @property
    def deviation(self) -> float:
        """Of the population: sqrt(squares / count)."""
        return float(np.sqrt(self.squares / self.count))


class Counts:
    """How often each piece of the cells of a column occurs."""

    def __init__(
        self, name: str, pieces: Callable[[str], Iterable[str]], *, complete: bool
    ) -> None:
        self._name, self._pieces, self._complete = name, pieces, complete
        self.counts: Counter[str] = Counter()

    def see(self, table: Table, rows: Index) -> None:
        """Take in some rows of a part; see `Learning`."""
        cells = table.texts(self._name)
        if self._complete:
            table.present(self._name, np.array([cell != "" for cell in cells]))
        self.counts.update(piece for row in rows for piece in self._pieces(cells[int(row)]))

    def ranked(self, *ignored: str) -> list[str]:
        """The pieces, frequent ones first, equally frequent ones as they sort."""
        found = {piece: count for piece, count in self.counts.items() if piece not in ignored}
        return sorted(found, key=lambda piece: (-found[piece], piece))
