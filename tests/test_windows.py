"""Windows by name. Oracle: scipy.signal.get_window."""

from __future__ import annotations

import numpy as np
import pytest

from specc.initializers import STFT
from specc.shapes import ShapeError
from specc.windows import NAMES, window


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_scipy(name) -> None:
    signal = pytest.importorskip("scipy.signal")
    for count in (1, 2, 3, 8, 9):
        for periodic in (False, True):
            expected = signal.get_window(name, count, periodic)
            np.testing.assert_allclose(window(name, count, periodic=periodic), expected, atol=1e-12)


def test_the_stft_kernel_is_numpys_transform_of_a_windowed_frame() -> None:
    x = np.random.default_rng(0).normal(size=6)
    fade = np.hanning(6)
    parts = [
        STFT(side=side, scaling="spectrum").create((6, 1, 5), 0, "w")[:, 0]
        for side in ("real", "imag")
    ]
    expected = np.fft.rfft(x * fade / fade.sum(), 8)
    np.testing.assert_allclose(x @ parts[0] + 1j * (x @ parts[1]), expected, atol=1e-6)
    with pytest.raises(ShapeError, match="does not fit a frame of 6"):
        STFT(window=(1.0, 2.0)).create((6, 1, 5), 0, "w")
    with pytest.raises(ShapeError, match="frame, 1, bins"):
        STFT().create((6, 2), 0, "w")
