"""Layers that Keras does not have, on both targets.

Oracles: loops in NumPy (tests/layers/beyond.py); for gradients, central differences of them in
float64 along a random direction.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import specc
from specc.layers import Layer
from specc.shapes import ShapeError
from specc.spec.reader import loads
from tests.layers.bench import Bench
from tests.layers.beyond import BEYOND, rotary

every = pytest.mark.parametrize(
    ("written", "shape", "oracle"), BEYOND, ids=[json.dumps(w) for w, *_ in BEYOND]
)


@every
@pytest.mark.parametrize("target", ["portable", "cpu"])
def test_values_and_gradients(written, shape, oracle, target) -> None:
    rng = np.random.default_rng(9)
    spec = loads(json.dumps({"specc": 1, "inputs": {"x": shape}, "layers": [written]}))
    model = specc.Model(spec, target=target)
    x = rng.normal(size=(3, *shape))
    weights = [rng.uniform(0.5, 1.5, w.shape) for w in model.weights.values()]
    model.set_weights([w.astype(np.float32) for w in weights])
    expected = oracle(x, *weights)
    dy = rng.normal(size=expected.shape)
    found = model.vjp([x.astype(np.float32)], [dy.astype(np.float32)])
    np.testing.assert_allclose(found.outputs[0], expected, rtol=1e-4, atol=1e-5)
    steps = [rng.normal(size=a.shape) for a in (x, *weights)]
    ahead, behind = (
        oracle(*(a + t * s for a, s in zip((x, *weights), steps, strict=True)))
        for t in (1e-6, -1e-6)
    )
    slope = ((ahead - behind) * dy).sum() / 2e-6
    grads = [found.input_grads[0], *found.weight_grads]
    along = sum((g * s).sum() for g, s in zip(grads, steps, strict=True))
    assert abs(along - slope) < 1e-3 * max(abs(slope), 1.0)
    assert Layer.parse(written).output_shape(((None, *shape),))[1:] == expected.shape[1:]
    assert Layer.parse(Layer.parse(written).written()) == Layer.parse(written)


def test_rotary_positions_may_start_later() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    bench = Bench("rotary_embedding", [x], flags={"start_index": 5})
    np.testing.assert_allclose(bench.outputs[0], rotary(x, 10000.0, 1.0, 5), rtol=1e-12)


@pytest.mark.parametrize(
    ("written", "shape", "message"),
    [
        ({"maxout": 4}, (None, 6), "does not divide into runs of 4"),
        ({"maxout": {"pool_size": 1, "axis": 3}}, (None, 6), "axis 3 does not exist"),
        ({"pixel_shuffle": 3}, (None, 2, 2, 8), "8 channels"),
        ({"space_to_depth": 3}, (None, 6, 4, 1), "do not divide by 3"),
        ({"rotary_embedding": {}}, (None, 4, 5), "pairs of features"),
        ({"scale": {"shared_axes": [3]}}, (None, 4), "are not axes"),
        ({"bias": {}}, (None,), "at least 2 axes"),
        ({"instance_normalization": {}}, (None, 4), "3 axes"),
        ({"local_response_normalization": {}}, (None,), "at least 2 axes"),
    ],
)
def test_what_does_not_fit_is_refused(written, shape, message) -> None:
    with pytest.raises(ShapeError, match=message):
        Layer.parse(written).output_shape((shape,))


def test_settings_that_cannot_be_are_refused() -> None:
    for written in (
        {"local_response_normalization": {"n": 4}},
        {"locally_connected1d": {"filters": 1, "kernel_size": 2, "padding": "same"}},
    ):
        with pytest.raises(ValueError, match="expected"):
            Layer.parse(written)
