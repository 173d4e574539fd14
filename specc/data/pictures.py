"""Image files as rows of bytes, decoded when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from typing_extensions import override

from specc.data.images import Frame, read_bytes
from specc.data.rows import Array, Index, Rows

# Decoded pictures up to so many bytes are kept: from the second epoch on nothing is decoded.
MAX_KEPT_BYTES = 2 * 2**30
# Files of fewer bytes are decoded by one thread: Pillow lets others run while it decodes, but most
# of the 75 us that such a file takes are Python's (28 x 28 pixels in 600 bytes: two threads take
# as long as one; 96 x 96 in 2,200: two take 0.7 of it, 256 x 256 in 12,000: 0.6).
SMALL = 1024
# More threads than any disk or batch keeps busy.
MAX_THREADS = 16


class Pictures(Rows):
    """Pictures as bytes, decoded when they are asked for; small sets are decoded once.

    Args:
        paths: the files.
        wanted: what an input makes of each.
        threads: that decode; as many as this process may use processors when None.
    """

    def __init__(self, paths: Sequence[Path], wanted: Frame, threads: int | None = None) -> None:
        self._paths, self._wanted = paths, wanted
        size = (wanted.height or 0, wanted.width or 0)
        if not wanted.axis:
            sample = size
        else:
            sample = (*size, wanted.channels) if wanted.last else (wanted.channels, *size)
        self.shape, self.dtype = (len(paths), *sample), np.dtype(np.uint8)
        kept = int(np.prod(self.shape)) <= MAX_KEPT_BYTES
        # The system gives memory to an empty array when it is written to.
        self._kept = np.empty(self.shape, np.uint8) if kept else None
        self._done = np.zeros(len(paths), np.bool_)
        self._threads = _processors() if threads is None else threads
        self._pool: ThreadPoolExecutor | None = None

    def _decode(self, rows: Sequence[int], into: Array, places: Sequence[int]) -> None:
        """Fill `into` at `places`, by several threads; a row says which file, so any may do it."""
        if not rows:
            return
        threads = 1 if _small(self._paths[rows[0]]) else min(self._threads, len(rows))

        def decode(first: int) -> None:
            for row, place in zip(rows[first::threads], places[first::threads], strict=True):
                into[place] = read_bytes(self._paths[row], self._wanted)

        if threads < 2:  # noqa: PLR2004
            decode(0)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, "decoding")
        # A share for each thread, and one for this: a task for each picture costs more than it
        # brings, for threads that wait for each other at every one.
        shares = [self._pool.submit(decode, first) for first in range(1, threads)]
        decode(0)
        for share in shares:
            share.result()

    @override
    def take(self, rows: Index) -> Array:
        if self._kept is None:
            found = np.empty((len(rows), *self.shape[1:]), np.uint8)
            self._decode(rows.tolist(), found, range(len(rows)))
            return found
        missing = np.unique(rows[~self._done[rows]])
        if len(missing):
            numbers = missing.tolist()
            self._decode(numbers, self._kept, numbers)
            self._done[missing] = True
        return self._kept[rows]


def _small(path: Path) -> bool:
    try:
        return path.stat().st_size < SMALL
    except OSError:  # reading it will tell
        return True


def _processors() -> int:
    """Processors that this process may use, up to `MAX_THREADS`."""
    usable = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if usable else os.cpu_count() or 1
    return min(count, MAX_THREADS)
