"""Frames that are still to be computed: polars' `LazyFrame`."""

from __future__ import annotations

import sys
from typing import Any

from specc.errors import DataError

# Cells of a frame take 8 bytes each, or about that. Who has more memory can collect it himself.
MAX_BYTES, CELL = 2 * 2**30, 8


def collected(value: Any) -> Any:  # noqa: ANN401 - what users pass
    """The value itself, or the frame that a lazy one stands for.

    Its rows are counted first, which for files takes their headers alone.

    Raises:
        DataError: the frame is large, or cannot be computed.
    """
    polars: Any = sys.modules.get("polars")
    if polars is None or not isinstance(value, polars.LazyFrame):
        return value
    lazy: Any = value
    try:
        columns = len(lazy.collect_schema().names())
        rows = int(lazy.select(polars.len()).collect().item())
        size = rows * columns * CELL
        if size > MAX_BYTES:
            raise DataError(
                f"LazyFrame: expected at most {MAX_BYTES:,} bytes to collect, found {rows:,} rows "
                f"of {columns:,} columns, about {size:,}; select what is needed, pass"
                " `.collect()` if it fits into memory, or train on the file (`parquet`, `csv`)"
            )
        return lazy.collect()
    except (polars.exceptions.PolarsError, OSError) as error:
        text = " ".join(str(error).split())
        raise DataError(f"LazyFrame: expected one that can be collected, {text}") from error
