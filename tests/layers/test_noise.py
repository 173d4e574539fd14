"""Dropout and noise with given random numbers, and what they leave unchanged on average."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.bench import Bench, run

RNG = np.random.default_rng(5)
STEPS = RNG.normal(size=(3, 4, 5))
IMAGE = RNG.normal(size=(2, 3, 4, 5))

VOLUME = RNG.normal(size=(2, 2, 3, 2, 3))
MASKS = [
    ({"dropout": 0.4}, STEPS, (3, 4, 5)),
    ({"dropout": {"rate": 0.25, "noise_shape": [None, 1, None]}}, STEPS, (3, 1, 5)),
    ({"dropout": {"rate": 0.25, "noise_shape": [1, 4, 1]}}, STEPS, (1, 4, 1)),
    ({"spatial_dropout1d": 0.5}, STEPS, (3, 1, 5)),
    ({"spatial_dropout2d": 0.3}, IMAGE, (2, 1, 1, 5)),
    ({"spatial_dropout2d": {"rate": 0.3, "data_format": "channels_first"}}, IMAGE, (2, 3, 1, 1)),
    ({"spatial_dropout3d": 0.3}, VOLUME, (2, 1, 1, 1, 3)),
    (
        {"spatial_dropout3d": {"rate": 0.3, "data_format": "channels_first"}},
        VOLUME,
        (2, 2, 1, 1, 1),
    ),
]


@pytest.mark.parametrize(("written", "x", "shape"), MASKS, ids=[str(m[0]) for m in MASKS])
def test_dropout_keeps_what_is_drawn_and_scales_it(written, x, shape) -> None:
    # Oracle: a loop over the elements, each with the draw that its position sees.
    draws = RNG.uniform(size=shape)
    bench = Bench(written, [x], training=True, draws=[draws])
    rate = bench.layer.rate
    expected = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        own = tuple(0 if n == 1 else i for i, n in zip(place, shape, strict=True))
        if draws[own] >= rate:
            expected[place] = x[place] / (1 - rate)
    np.testing.assert_allclose(bench.outputs[0], expected, rtol=1e-12)
    np.testing.assert_array_equal(run(written, x), x)


@pytest.mark.parametrize("key", ["dropout", "spatial_dropout1d"])
def test_rate_1_drops_all_and_rate_0_nothing(key) -> None:
    np.testing.assert_array_equal(run({key: 1.0}, STEPS, training=True), np.zeros_like(STEPS))
    np.testing.assert_array_equal(run({key: 0.0}, STEPS, training=True), STEPS)


def test_gaussian_noise_is_added() -> None:
    n = RNG.normal(size=STEPS.shape)
    y = run({"gaussian_noise": 0.3}, STEPS, training=True, draws=[n])
    np.testing.assert_allclose(y, STEPS + 0.3 * n, rtol=1e-12)
    np.testing.assert_array_equal(run({"gaussian_noise": 0.3}, STEPS), STEPS)
    np.testing.assert_array_equal(run({"gaussian_noise": 0.0}, STEPS, training=True), STEPS)


def test_gaussian_dropout_has_mean_1_and_the_variance_of_dropout() -> None:
    n = RNG.normal(size=(100_000, 1))
    y = run({"gaussian_dropout": 0.2}, np.ones((100_000, 1)), training=True, draws=[n])
    # Dropout of rate r multiplies by 0 or 1/(1-r): mean 1, variance r / (1 - r) = 0.25.
    assert abs(y.mean() - 1.0) < 0.01
    assert abs(y.var() - 0.25) < 0.01
    np.testing.assert_array_equal(run({"gaussian_dropout": 0.2}, STEPS), STEPS)
    np.testing.assert_array_equal(run({"gaussian_dropout": 0.0}, STEPS, training=True), STEPS)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    # Oracle: the paper's claim for normal inputs (Klambauer et al. 2017, section 3).
    x = RNG.normal(size=(200_000, 1))
    y = run({"alpha_dropout": 0.3}, x, training=True, draws=[RNG.uniform(size=x.shape)])
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1.0) < 0.02


def test_alpha_dropout_is_affine_in_the_kept_and_constant_in_the_dropped() -> None:
    # Oracle: the formula of the paper with its constants.
    draws = RNG.uniform(size=(3, 1, 5))
    written = {"alpha_dropout": {"rate": 0.4, "noise_shape": [None, 1, None]}}
    y = run(written, STEPS, training=True, draws=[draws])
    low = -1.0507009873554805 * 1.6732632423543772
    a = (0.6 * (1 + 0.4 * low**2)) ** -0.5
    b = -a * low * 0.4
    keep = np.broadcast_to(draws >= 0.4, STEPS.shape)
    np.testing.assert_allclose(y, a * np.where(keep, STEPS, low) + b, rtol=1e-12)
    np.testing.assert_array_equal(run(written, STEPS), STEPS)
    np.testing.assert_array_equal(run({"alpha_dropout": 0.0}, STEPS, training=True), STEPS)


@pytest.mark.parametrize("key", ["dropout", "gaussian_noise", "gaussian_dropout", "alpha_dropout"])
def test_integers_are_floats_where_noise_is_added(key) -> None:
    # Oracle: the same numbers as floats, for the same draws.
    x = np.arange(60, dtype=np.int32).reshape(STEPS.shape)
    draws = [RNG.uniform(size=STEPS.shape)]
    y, z = (run({key: 0.3}, each, training=True, draws=draws) for each in (x, x * 1.0))
    assert y.dtype == z.dtype
    np.testing.assert_array_equal(y, z)
    assert run({key: 0.3}, x).dtype == np.int32


def test_all_of_integers_may_be_dropped() -> None:
    x = np.ones((2, 3), np.int32)
    y = run({"dropout": 1.0}, x, training=True)
    assert y.dtype == np.int32
    assert not y.any()
