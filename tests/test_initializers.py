"""Distributions of initial weights: Keras' formulas for limits, deviations and fans.

Oracles are the closed forms of keras/src/initializers; a sample of n values has a mean within
5 s / sqrt(n) and a deviation within 5 s / sqrt(2 n) of them, s being the deviation (the uniform
and truncated distributions have lighter tails). Draws are seeded, so nothing is left to chance.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from specc.initializers import TRUNCATED_DEVIATION, Initializer, fans
from specc.shapes import ShapeError

KERNEL = (3, 3, 40, 60)
FAN_IN, FAN_OUT = 9 * 40, 9 * 60


def draw(written, shape=KERNEL, seed=1, name="layer/kernel"):
    return Initializer.parse(written).create(shape, seed, name)


def close_moments(values, mean, deviation):
    n = values.size
    assert abs(float(values.mean(dtype=np.float64)) - mean) < 5 * deviation / math.sqrt(n)
    assert abs(float(values.std(dtype=np.float64)) - deviation) < 5 * deviation / math.sqrt(2 * n)


UNIFORM = [
    ("glorot_uniform", math.sqrt(6 / (FAN_IN + FAN_OUT))),
    ("he_uniform", math.sqrt(6 / FAN_IN)),
    ("lecun_uniform", math.sqrt(3 / FAN_IN)),
    ("uniform", 0.05),
    ({"random_uniform": {"minval": -0.3, "maxval": 0.3}}, 0.3),
    (
        {"variance_scaling": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"}},
        math.sqrt(6 / FAN_OUT),
    ),
]


@pytest.mark.parametrize(("written", "limit"), UNIFORM)
def test_uniform(written, limit):
    values = draw(written)
    assert values.dtype == np.float32
    assert values.shape == KERNEL
    assert np.abs(values).max() <= limit
    # The largest of n uniform values misses the limit by about limit / n.
    assert np.abs(values).max() > limit * (1 - 20 / values.size)
    close_moments(values, 0.0, limit / math.sqrt(3))


TRUNCATED = [
    ("glorot_normal", math.sqrt(2 / (FAN_IN + FAN_OUT))),
    ("he_normal", math.sqrt(2 / FAN_IN)),
    ("lecun_normal", math.sqrt(1 / FAN_IN)),
    ("variance_scaling", math.sqrt(1 / FAN_IN)),
    ({"variance_scaling": {"distribution": "normal", "scale": 3.0}}, math.sqrt(3 / FAN_IN)),
    ({"truncated_normal": {"stddev": 0.2}}, 0.2 * TRUNCATED_DEVIATION),
]


@pytest.mark.parametrize(("written", "deviation"), TRUNCATED)
def test_truncated_normal(written, deviation):
    """The values' own deviation is the wanted one; none lies beyond two untruncated ones."""
    values = draw(written)
    limit = 2 * deviation / TRUNCATED_DEVIATION
    assert np.abs(values).max() <= limit * (1 + 1e-6)
    assert np.abs(values).max() > limit * 0.99
    close_moments(values, 0.0, deviation)


NORMAL = [
    ("random_normal", 0.0, 0.05),
    ("normal", 0.0, 0.05),
    ({"random_normal": {"mean": 2.0, "stddev": 0.5}}, 2.0, 0.5),
    (
        {"variance_scaling": {"mode": "fan_avg", "distribution": "untruncated_normal"}},
        0.0,
        math.sqrt(2 / (FAN_IN + FAN_OUT)),
    ),
]


@pytest.mark.parametrize(("written", "mean", "deviation"), NORMAL)
def test_normal(written, mean, deviation):
    values = draw(written)
    close_moments(values, mean, deviation)
    # 4.55 % of a normal distribution lies beyond two deviations.
    share = float((np.abs(values - mean) > 2 * deviation).mean())
    assert abs(share - 0.0455) < 0.004


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((4, 9), (4, 9)),
        ((3, 5, 2, 8), (30, 120)),
        ((5, 2, 8), (10, 40)),
    ],
)
def test_fans_are_those_of_keras(shape, expected):
    """Source: keras/src/initializers/random_initializers.py, compute_fans."""
    assert fans(shape) == expected


def test_fans_of_given_axes():
    assert fans((4, 3, 5), (0,), (1, 2)) == (4, 15)
    written = {"glorot_uniform": {"input_axes": [0], "output_axes": [1, 2]}}
    values = draw(written, (40, 30, 50))
    assert np.abs(values).max() <= math.sqrt(6 / (40 + 1500))
    written = {"variance_scaling": {"input_axes": [0, 1], "output_axes": [2]}}
    close_moments(draw(written, (40, 30, 50)), 0.0, math.sqrt(1 / 1200))


@pytest.mark.parametrize(
    ("written", "value"), [("zeros", 0.0), ("one", 1.0), ({"constant": 2.5}, 2.5)]
)
def test_constants(written, value):
    assert (draw(written) == np.float32(value)).all()


@pytest.mark.parametrize("shape", [(20, 6), (6, 20), (2, 3, 8)])
def test_orthogonal(shape):
    """Oracle: rows or columns, whichever are fewer, have a Gram matrix of gain^2 times one."""
    matrix = draw({"orthogonal": {"gain": 1.5}}, shape).reshape(-1, shape[-1]).astype(np.float64)
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, 2.25 * np.eye(len(small)), atol=1e-6)


def test_orthogonal_matrices_have_no_preferred_sign():
    """A QR decomposition alone gives a diagonal of one sign; Haar's measure has none."""
    traces = [np.trace(draw("orthogonal", (4, 4), seed)) for seed in range(400)]
    # The trace of a random orthogonal matrix has mean 0 and variance 1.
    assert abs(np.mean(traces)) < 5 / math.sqrt(400)


def test_identity():
    np.testing.assert_array_equal(draw({"identity": 3.0}, (2, 3)), 3.0 * np.eye(2, 3))


@pytest.mark.parametrize(("written", "shape"), [("identity", (3,)), ("orthogonal", (3,))])
def test_a_weight_of_other_axes_is_refused(written, shape):
    with pytest.raises(ShapeError, match="expects"):
        draw(written, shape)


def test_draws_depend_on_seed_and_name_alone():
    first = draw("glorot_uniform")
    np.testing.assert_array_equal(first, draw("glorot_uniform"))
    assert not np.array_equal(first, draw("glorot_uniform", seed=2))
    assert not np.array_equal(first, draw("glorot_uniform", name="other/kernel"))
    fixed = {"glorot_uniform": {"seed": 7}}
    np.testing.assert_array_equal(draw(fixed, seed=1), draw(fixed, seed=2))


def test_the_scale_is_positive():
    with pytest.raises(ValueError, match="greater than 0"):
        Initializer.parse({"variance_scaling": 0.0})
