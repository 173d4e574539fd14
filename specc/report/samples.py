"""Samples as people see them: pictures where the input is one, else numbers."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.data.columns import Columns
from specc.errors import cut
from specc.web.pictures import image, levels

Array = npt.NDArray[Any]
# Batch, height, width, channels; grey images may leave out the last.
RANKS = (3, 4)
CHANNELS = (1, 3, 4)
WIDTH = 112
MOST_NUMBERS, MOST_CELLS = 8, 8


def pictorial(x: Array) -> bool:
    """Whether samples are images: (n, h, w) or (n, h, w, 1, 3 or 4), not tiny."""
    if x.ndim not in RANKS or x.dtype.kind not in "fiu":
        return False
    return min(x.shape[1:3]) > 2 and (x.ndim == RANKS[0] or x.shape[-1] in CHANNELS)  # noqa: PLR2004


def pixels(sample: Array) -> Array:
    """One image as uint8 (h, w, c): values in [0, 1] or [0, 255] as they are, others stretched."""
    values = sample[..., np.newaxis] if sample.ndim == RANKS[0] - 1 else sample
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return levels(values, 0.0, 1.0)
    if low >= 0 and high <= 255 and high > 2:  # noqa: PLR2004
        return levels(values, 0.0, 255.0)
    return levels(values)


def grey(sample: Array) -> Array:
    """One image as (h, w) in [0, 1]."""
    return pixels(sample)[..., :3].mean(axis=-1) / 255


def cells(columns: Columns, row: Array) -> str:
    """The cells of a table's row as HTML: each with the name of its column."""
    told = [f"{escape(name)}&nbsp;{escape(cut(cell))}" for name, cell in columns.told(row)]
    more = ", …" if len(told) > MOST_CELLS else ""
    return f"<code>{', '.join(told[:MOST_CELLS])}{more}</code>"


def shown(x: Array, index: int, alt: str, width: int = WIDTH) -> str:
    """One sample as HTML."""
    if pictorial(x):
        return image(pixels(x[index]), alt, width)
    values = np.asarray(x[index]).ravel()
    texts = [f"{v:.4g}" if x.dtype.kind == "f" else str(v) for v in values[:MOST_NUMBERS]]
    more = ", …" if values.size > MOST_NUMBERS else ""
    return f"<code>{escape(', '.join(texts))}{more}</code>"
