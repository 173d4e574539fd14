"""What is told of a file whose text is not UTF-8."""

from __future__ import annotations

from pathlib import Path

from specc.errors import DataError, Place, Problem, not_utf8

# Larger files are not read again for the place of one byte.
MAX_SEARCHED_BYTES = 64 * 2**20


def undecoded(path: Path, error: UnicodeDecodeError) -> DataError:
    """What to raise, with line and column: `error` knows only the part that was being read."""
    if path.stat().st_size <= MAX_SEARCHED_BYTES:
        try:
            path.read_bytes().decode()
        except UnicodeDecodeError as whole:
            return DataError(str(not_utf8(whole, str(path))))
    message = not_utf8(error, "").message
    return DataError(str(Problem(Place(str(path)), "", message)))
