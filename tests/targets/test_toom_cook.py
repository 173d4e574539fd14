"""Short correlations in as few products. Oracle: NumPy's correlate, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from specc.targets.cpu.toom_cook import POINTS, largest_tile, transforms

SIZES = [(m, r) for r in (2, 3, 4, 5) for m in range(2, largest_tile(r) + 1)]


@pytest.mark.parametrize(("outputs", "taps"), SIZES)
def test_products_make_the_correlation(outputs: int, taps: int) -> None:
    made = transforms(outputs, taps)
    rng = np.random.default_rng(outputs * 10 + taps)
    d, w = rng.normal(size=outputs + taps - 1), rng.normal(size=taps)
    found = made.output @ ((made.kernel @ w) * (made.data @ d))
    np.testing.assert_allclose(found, np.correlate(d, w), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("outputs", "taps"), SIZES)
def test_products_make_the_correlation_of_images(outputs: int, taps: int) -> None:
    made = transforms(outputs, taps).squared()
    rng = np.random.default_rng(outputs * 10 + taps)
    side = outputs + taps - 1
    d, w = rng.normal(size=(side, side)), rng.normal(size=(taps, taps))
    found = made.output @ ((made.kernel @ w.ravel()) * (made.data @ d.ravel()))
    expected = [
        (d[i : i + taps, j : j + taps] * w).sum() for i in range(outputs) for j in range(outputs)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def test_sixteen_products_for_four_results() -> None:
    assert transforms(2, 3).squared().data.shape == (16, 16)
    assert largest_tile(3) == 4
    assert len(set(POINTS)) == len(POINTS)
