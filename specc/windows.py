"""Windows that fade a frame of a signal in and out, by name or by value.

Source of the formulas: scipy.signal.windows (1.17), whose names these are; Harris (1978).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from specc.errors import nearest

Samples: TypeAlias = npt.NDArray[np.float64]

# Weights of cos(k t), t from -pi to pi.
_COSINES: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


def _triang(count: int) -> Samples:
    return 1.0 - np.abs(2.0 * np.arange(count) - (count - 1)) / (count + count % 2)


def _bartlett(count: int) -> Samples:
    return 1.0 - np.abs(np.linspace(-1.0, 1.0, count))


def _barthann(count: int) -> Samples:
    t = np.abs(np.linspace(-0.5, 0.5, count))
    return 0.62 - 0.48 * t + 0.38 * np.cos(2.0 * np.pi * t)


def _bohman(count: int) -> Samples:
    t = np.abs(np.linspace(-1.0, 1.0, count))
    w = (1.0 - t) * np.cos(np.pi * t) + np.sin(np.pi * t) / np.pi
    w[[0, -1]] = 0.0
    return w


def _cosine(count: int) -> Samples:
    return np.sin(np.pi / count * (np.arange(count) + 0.5))


def _exponential(count: int) -> Samples:
    return np.exp(-np.abs(np.arange(count) - (count - 1) / 2.0))


def _lanczos(count: int) -> Samples:
    return np.sinc(np.linspace(-1.0, 1.0, count))


def _parzen(count: int) -> Samples:
    t = np.abs(2.0 * np.arange(count) - (count - 1)) / count
    inner = 1.0 - 6.0 * t**2 * (1.0 - t)
    return np.where(np.abs(t) <= (count - 1) / 2.0 / count, inner, 2.0 * (1.0 - t) ** 3)


def _tukey(count: int) -> Samples:
    t = np.abs(np.linspace(-1.0, 1.0, count))
    return np.where(t <= 0.5, 1.0, 0.5 * (1.0 + np.cos(np.pi * (2.0 * t - 1.0))))  # noqa: PLR2004


_OTHERS: dict[str, Callable[[int], Samples]] = {
    "barthann": _barthann,
    "bartlett": _bartlett,
    "bohman": _bohman,
    "boxcar": np.ones,
    "cosine": _cosine,
    "exponential": _exponential,
    "lanczos": _lanczos,
    "parzen": _parzen,
    "triang": _triang,
    "tukey": _tukey,
}
_ALIASES = {"hanning": "hann", "rectangular": "boxcar", "ones": "boxcar", "triangle": "triang"}
NAMES = sorted([*_COSINES, *_OTHERS])


def _window(value: object) -> object:
    if not isinstance(value, str):
        return value
    name = _ALIASES.get(value, value)
    if name not in NAMES:
        raise PydanticCustomError(
            "window", "unknown window {name};{hint}",
            {"name": repr(value), "hint": nearest(value, NAMES)},
        )  # fmt: skip
    return name


# A window's name, its values, or null for none.
Window: TypeAlias = Annotated[
    str | tuple[float, ...] | None,
    BeforeValidator(_window),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*NAMES, *_ALIASES]},
                {"type": "array", "items": {"type": "number"}},
                {"type": "null"},
            ]
        },
        mode="validation",
    ),
]


def window(name: str, count: int, *, periodic: bool) -> Samples:
    """`count` samples of a window; a periodic one leaves out the last of a symmetric one more."""
    if count == 1:
        return np.ones(1)
    full = count + 1 if periodic else count
    if name in _COSINES:
        t = np.linspace(-np.pi, np.pi, full)
        made = sum((a * np.cos(k * t) for k, a in enumerate(_COSINES[name])), np.zeros(full))
    else:
        made = _OTHERS[name](full)
    return made[:count]
