"""Layers that Keras does not have: how each is written, its input, and the same in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Oracle = Callable[..., np.ndarray]


def maxout(x: np.ndarray, size: int, axis: int) -> np.ndarray:
    """A loop over the runs."""
    x = np.moveaxis(x, axis, -1)
    runs = [x[..., i : i + size].max(-1) for i in range(0, x.shape[-1], size)]
    return np.moveaxis(np.stack(runs, -1), -1, axis)


def response(x: np.ndarray, alpha: float, k: float, beta: float, n: int) -> np.ndarray:
    """A loop over the channels, which are last."""
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        near = x[..., max(c - n // 2, 0) : c + n // 2 + 1]
        y[..., c] = x[..., c] / (k + alpha * (near**2).sum(-1)) ** beta
    return y


def connected1d(x: np.ndarray, w: np.ndarray, b: np.ndarray, k: int, s: int) -> np.ndarray:
    """One product for each place."""
    places = [x[:, i * s : i * s + k].reshape(len(x), -1) for i in range(len(w))]
    return np.stack([p @ w[i] + b[i] for i, p in enumerate(places)], 1)


def connected2d(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, k: Sequence[int], s: Sequence[int]
) -> np.ndarray:
    """One product for each place."""
    y = np.empty((len(x), *b.shape))
    for i, j in np.ndindex(b.shape[:2]):
        cell = x[:, i * s[0] : i * s[0] + k[0], j * s[1] : j * s[1] + k[1]]
        y[:, i, j] = cell.reshape(len(x), -1) @ w[i * b.shape[1] + j] + b[i, j]
    return np.tanh(y)


def first(oracle: Oracle, *arguments: Any) -> Oracle:
    """The same for channels first, of which the oracle knows nothing."""
    return lambda x, *weights: np.moveaxis(
        oracle(np.moveaxis(x, 1, -1), *weights, *arguments), -1, 1
    )


def connected_first(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One product for each place; channels of a window first."""
    places = [x[:, :, i : i + 2].reshape(len(x), -1) for i in range(len(w))]
    return np.stack([p @ w[i] + b[i] for i, p in enumerate(places)], 2)


def instance(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    """Each sample and channel by itself, channels last."""
    y = np.empty_like(x)
    for n, c in np.ndindex(len(x), x.shape[-1]):
        part = x[n, ..., c]
        y[n, ..., c] = (part - part.mean()) / np.sqrt(part.var() + epsilon) * gamma[c] + beta[c]
    return y


def to_space(x: np.ndarray, b: int, *, crd: bool) -> np.ndarray:
    """Pixel by pixel."""
    n, height, width, channels = x.shape
    depth = channels // b**2
    y = np.empty((n, height * b, width * b, depth))
    for i, j, k, m, c in np.ndindex(height, width, b, b, depth):
        source = c * b**2 + k * b + m if crd else (k * b + m) * depth + c
        y[:, i * b + k, j * b + m, c] = x[:, i, j, source]
    return y


def to_depth(y: np.ndarray, b: int, *, crd: bool) -> np.ndarray:
    """Pixel by pixel."""
    n, height, width, depth = y.shape
    x = np.empty((n, height // b, width // b, depth * b**2))
    for i, j, k, m, c in np.ndindex(height // b, width // b, b, b, depth):
        source = c * b**2 + k * b + m if crd else (k * b + m) * depth + c
        x[:, i, j, source] = y[:, i * b + k, j * b + m, c]
    return x


def rotary(x: np.ndarray, wave: float, scaling: float, start: int = 0) -> np.ndarray:
    """Pairs as complex numbers. Positions on axis 1, features last."""
    half = x.shape[-1] // 2
    pairs = x[..., :half] + 1j * x[..., half:]
    y = np.empty_like(pairs)
    for t, i in np.ndindex(x.shape[1], half):
        angle = (t + start) / scaling / wave ** (i / half)
        y[:, t, ..., i] = pairs[:, t, ..., i] * np.exp(1j * angle)
    return np.concatenate((y.real, y.imag), -1)


BEYOND: list[tuple[dict[str, Any], tuple[int, ...], Oracle]] = [
    ({"maxout": 3}, (4, 6), lambda x: maxout(x, 3, -1)),
    ({"maxout": {"pool_size": 2, "axis": 1}}, (4, 3), lambda x: maxout(x, 2, 1)),
    (
        {"local_response_normalization": {"alpha": 0.3, "n": 3}},
        (2, 3, 5),
        lambda x: response(x, 0.3, 2.0, 0.75, 3),
    ),
    (
        {"local_response_normalization": {"alpha": 0.5, "data_format": "channels_first"}},
        (6, 2, 3),
        first(response, 0.5, 2.0, 0.75, 5),
    ),
    (
        {"locally_connected1d": {"filters": 2, "kernel_size": 3, "strides": 2}},
        (8, 3),
        lambda x, w, b: connected1d(x, w, b, 3, 2),
    ),
    (
        {"locally_connected1d": {"filters": 2, "kernel_size": 2, "data_format": "channels_first"}},
        (3, 5),
        connected_first,
    ),
    (
        {
            "locally_connected2d": {
                "filters": 2, "kernel_size": [2, 3], "strides": [2, 1], "activation": "tanh",
            }
        },
        (5, 5, 2),
        lambda x, w, b: connected2d(x, w, b, (2, 3), (2, 1)),
    ),
    ({"instance_normalization": {}}, (3, 4, 2), lambda x, g, b: instance(x, g, b, 1e-3)),
    (
        {"instance_normalization": {"axis": 1, "epsilon": 0.1}},
        (2, 5),
        lambda x, g, b: np.moveaxis(instance(np.moveaxis(x, 1, -1), g, b, 0.1), -1, 1),
    ),
    ({"scale": {}}, (3, 2), lambda x, s: x * s),
    ({"scale": {"shared_axes": [2]}}, (3, 2), lambda x, s: x * s),
    ({"bias": {}}, (3, 2), lambda x, b: x + b),
    ({"bias": {"shared_axes": []}}, (3, 2), lambda x, b: x + b),
    ({"depth_to_space": 2}, (2, 3, 8), lambda x: to_space(x, 2, crd=False)),
    (
        {"depth_to_space": {"block_size": 3, "mode": "crd", "data_format": "channels_first"}},
        (9, 2, 1),
        lambda x: np.moveaxis(to_space(np.moveaxis(x, 1, -1), 3, crd=True), -1, 1),
    ),
    ({"space_to_depth": 2}, (4, 6, 3), lambda x: to_depth(x, 2, crd=False)),
    ({"pixel_shuffle": 2}, (2, 3, 8), lambda x: to_space(x, 2, crd=True)),
    ({"pixel_unshuffle": 3}, (6, 3, 2), lambda x: to_depth(x, 3, crd=True)),
    ({"rotary_embedding": {}}, (5, 6), lambda x: rotary(x, 10000.0, 1.0)),
    (
        {"rotary_embedding": {"max_wavelength": 50.0, "scaling_factor": 2.0}},
        (4, 2, 4),
        lambda x: rotary(x, 50.0, 2.0),
    ),
]  # fmt: skip
