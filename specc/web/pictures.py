"""Arrays as PNG pictures inside a page."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# PNG's colour types for each number of channels.
COLOURS = {1: 0, 3: 2, 4: 6}
# Pixels of a tile beside which a gap looks thin.
ENOUGH = 24
# Grey between tiles, seen on light and dark pages.
GROUND = 140


def png(pixels: Array) -> bytes:
    """A picture of uint8 pixels, (height, width, channels) with 1, 3 or 4 channels.

    Source: PNG specification, third edition (W3C, 2025), sections 5 and 11.
    """
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each begins with filter 0
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, COLOURS[channels], 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def image(pixels: Array, alt: str, width: int) -> str:
    """An `<img>` of `width` CSS pixels with the picture inside."""
    data = base64.b64encode(png(pixels)).decode("ascii")
    height = round(width * pixels.shape[0] / pixels.shape[1])
    return (
        f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" width="{width}"'
        f' height="{height}">'
    )


def levels(values: Array, low: float | None = None, high: float | None = None) -> Array:
    """Numbers as uint8: `low` black, `high` white; by default the least and the greatest."""
    finite = np.nan_to_num(np.asarray(values, np.float64))
    low = float(finite.min(initial=np.inf)) if low is None else low
    high = float(finite.max(initial=-np.inf)) if high is None else high
    span = high - low if high > low else 1.0
    return np.clip(np.rint((finite - low) * (255 / span)), 0, 255).astype(np.uint8)


def diverging(values: Array) -> Array:
    """Signed numbers as colours, (..., 3): blue below 0, white at 0, red above."""
    size = float(np.abs(values).max(initial=0.0)) or 1.0
    share = np.clip(values / size, -1, 1)[..., np.newaxis]
    red, blue = np.array([178.0, 24.0, 43.0]), np.array([33.0, 102.0, 172.0])
    colour = 255 + np.abs(share) * (np.where(share > 0, red, blue) - 255)
    return np.rint(colour).astype(np.uint8)


def overlaid(grey: Array, heat: Array) -> Array:
    """A grey picture (h, w) in [0, 1] with heat (h, w) in [0, 1] over it, in orange, (h, w, 3)."""
    orange = np.array([255.0, 120.0, 0.0])
    share = 0.75 * np.clip(heat, 0, 1)[..., np.newaxis]
    base = np.repeat(grey[..., np.newaxis] * 255, 3, axis=-1)
    return np.rint(base * (1 - share) + orange * share).astype(np.uint8)


def mosaic(tiles: Array, columns: int, gap: int = 2) -> Array:
    """Tiles (n, h, w, channels) side by side on grey: (rows, columns, 3).

    Small ones are enlarged, or gaps would be as wide as they are.
    """
    factor = max(1, ENOUGH // max(tiles.shape[1:3]))
    tiles = tiles.repeat(factor, axis=1).repeat(factor, axis=2)
    count, height, width, channels = tiles.shape
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    size = rows * (height + gap) - gap, columns * (width + gap) - gap, 3
    whole = np.full(size, GROUND, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        colour = tile if channels > 1 else np.repeat(tile, 3, axis=-1)
        whole[top : top + height, left : left + width] = colour
    return whole
