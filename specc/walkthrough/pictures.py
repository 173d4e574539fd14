"""Small pictures and kernels to try a window on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# What a 3 x 3 kernel makes of an image: positive on one side, negative on the other, and sums of 0
# where only differences shall count. Source: Sobel and Feldman (1968); Marr and Hildreth (1980).
KERNELS: dict[str, list[list[float]]] = {
    "edges, left to right (Sobel)": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "edges, top to bottom (Sobel)": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "all edges (Laplace)": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "blur (mean)": [[1 / 9] * 3] * 3,
    "leave as it is": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
}


def pictures(height: int, width: int, channels: int) -> dict[str, Array]:
    """Pictures (channels, height, width) with values in [0, 1] in tenths, on a dark ground.

    Channels get different shares of what is drawn, so that colours differ.
    """
    down, right = np.mgrid[0:height, 0:width].astype(float)
    y = (down - (height - 1) / 2) / max(1, height - 1) * 2
    x = (right - (width - 1) / 2) / max(1, width - 1) * 2
    distance = np.hypot(x, y)
    drawn = {
        "a ring": np.clip(1.5 - 5 * np.abs(distance - 0.55), 0, 1),
        "a bar": _within(x, y, (-0.3, 0.3), (-0.7, 0.7)),
        "a square": _within(x, y, (-0.35, 0.75), (-0.35, 0.75)),
        "a diagonal": np.clip(1.4 - 4 * np.abs(x - y), 0, 1) * (distance < 1),
        "a slope": (x + 1) / 2,
    }
    shares = ([1.0, 0.6, 0.3], [0.3, 1.0, 0.6], [0.6, 0.3, 1.0])
    found: dict[str, Array] = {}
    for i, (name, plane) in enumerate(drawn.items()):
        share = shares[i % len(shares)] if channels > 1 else [1.0]
        planes = [plane * share[k % len(share)] for k in range(channels)]
        found[name] = np.round(np.stack(planes), 1)
    return found


def _within(x: Array, y: Array, wide: tuple[float, float], high: tuple[float, float]) -> Array:
    """1 inside a rectangle, 0 outside."""
    inside = (x > wide[0]) & (x < wide[1]) & (y > high[0]) & (y < high[1])
    return inside.astype(float)
