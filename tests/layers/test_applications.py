"""Layers of keras.applications against their formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from specc.layer import Layer
from specc.shapes import ShapeError
from tests.layers.bench import Bench, run

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)


def test_layer_scale_multiplies_channels() -> None:
    gamma = np.array([0.5, -2.0], np.float32)
    found = run({"layer_scale": {"init_values": 0.1, "projection_dim": 2}}, X, weights=[gamma])
    np.testing.assert_allclose(found, X * gamma, rtol=1e-6)


def test_layer_scale_starts_at_its_value_and_wants_its_channels() -> None:
    layer = Layer.parse({"layer_scale": {"init_values": 0.1, "projection_dim": 2}})
    (weight,) = layer.weights(((None, 4, 2),))
    assert weight.initializer.written() == {"constant": {"value": 0.1}}
    with pytest.raises(ShapeError, match="expected 2 channels"):
        layer.output_shape(((None, 4, 3),))


def test_custom_scale_layer_damps_the_second_input() -> None:
    found = run({"custom_scale_layer": 0.17}, X, X[::-1])
    np.testing.assert_allclose(found, X + 0.17 * X[::-1], rtol=1e-6)


@pytest.mark.parametrize("rate", [0.25, 0.0, 1.0])
def test_stochastic_depth_drops_whole_samples_in_training(rate: float) -> None:
    draw = np.array([0.2, 0.3, 0.9]).reshape(3, 1, 1)
    layer = {"stochastic_depth": rate}
    found = Bench(layer, [X], training=True, draws=[draw]).outputs[0]
    factors = {0.25: [0.0, 1 / 0.75, 1 / 0.75], 0.0: [1.0] * 3, 1.0: [0.0] * 3}[rate]
    np.testing.assert_allclose(found, X * np.reshape(factors, (3, 1, 1)), rtol=1e-6)
    np.testing.assert_array_equal(run(layer, X), X)
