"""Looking into models. Oracles: shorter models, finite differences, sums written out."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.compiler.bundle import baked
from specc.network import build
from specc.report.insight import enlarged
from specc.report.probing import attributions, last_convolution, layer_outputs, spatial_calls
from specc.session import node_seconds
from specc.spec.reader import loads

HEAD = """
  - flatten
  - dense: {units: 3, activation: softmax}
"""
BODY = """
specc: 1
inputs: {image: [6, 6, 2]}
layers:
  - conv2d: {filters: 4, kernel_size: 3, activation: tanh}
  - max_pooling2d: 2
"""
# A line past the convolution, which is also read by name.
BRANCHING = """
specc: 1
inputs: {image: [5, 5, 1]}
layers:
  - conv2d: {filters: 2, kernel_size: 3, padding: same}
    name: look
  - activation: tanh
    name: bent
  - add: {}
    name: both
    inputs: [look, bent]
  - flatten:
    name: flat
  - dense: {units: 1, activation: sigmoid}
    name: chance
  - dense: {units: 2}
    name: other
    inputs: flat
outputs: [chance, other]
"""


def model_of(text, seed=3):
    return specc.Model(loads(text), "portable", seed=seed)


def head_gradient(model, text, maps, classes):
    """d log p / d maps of the layers behind the convolution, by a model that has only those."""
    shape = list(maps.shape[1:])
    tail = text.split("  - max_pooling2d")[1]
    short = model_of(f"specc: 1\ninputs: {{maps: {shape}}}\nlayers:\n  - max_pooling2d{tail}")
    kept = [w for name, w in model.weights.items() if name.startswith("dense")]
    short.set_weights(kept)
    p = short.predict(maps)
    seed = np.zeros_like(p)
    rows = np.arange(len(p))
    seed[rows, classes] = 1 / p[rows, classes]
    return short.vjp([maps], [seed]).input_grads[0]


@pytest.fixture(scope="module")
def chain():
    text = BODY + HEAD
    return text, model_of(text), np.random.default_rng(0).normal(size=(4, 6, 6, 2)).astype("f4")


def test_outputs_of_layers_are_those_of_shorter_models(chain):
    text, model, x = chain
    network = build(loads(text))
    calls = spatial_calls(network)
    assert [call.name for call in calls] == ["conv2d", "max_pooling2d"]
    found = layer_outputs(model.spec, model.weights, calls, [x])
    short = model_of(BODY)
    short.set_weights([w for name, w in model.weights.items() if name.startswith("conv2d")])
    np.testing.assert_allclose(found[1], short.predict(x), rtol=1e-5, atol=1e-6)
    assert found[0].shape == (4, 4, 4, 4)


def test_grad_cam_is_the_weighted_sum_of_maps(chain):
    text, model, x = chain
    network = build(loads(text))
    classes = np.array([0, 1, 2, 0])
    (maps,) = layer_outputs(model.spec, model.weights, [last_convolution(network)], [x])
    pulled = head_gradient(model, text, maps, classes)
    shares = pulled.mean(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", maps, shares), 0)
    peak = expected.max(axis=(1, 2), keepdims=True)
    found = attributions(model.spec, network, model.weights, x, classes)
    np.testing.assert_allclose(found.cam, expected / np.where(peak, peak, 1), rtol=1e-3, atol=1e-4)


def test_saliency_is_the_size_of_differences(chain):
    text, model, x = chain
    found = attributions(model.spec, build(loads(text)), model.weights, x[:1], np.array([2]))
    slopes = np.zeros((6, 6, 2))
    for place in np.ndindex(slopes.shape):
        step = np.zeros_like(x[:1])
        step[(0, *place)] = 1e-2
        up, down = model.predict(x[:1] + step)[0, 2], model.predict(x[:1] - step)[0, 2]
        slopes[place] = (np.log(up) - np.log(down)) / 2e-2
    expected = np.abs(slopes).max(axis=-1)
    np.testing.assert_allclose(found.saliency[0], expected / expected.max(), atol=0.02)


def test_branches_and_further_outputs_do_not_mind():
    """The gradient of log p of both classes of one unit, by central differences at one place."""
    model = model_of(BRANCHING)
    network = build(model.spec)
    x = np.random.default_rng(2).normal(size=(2, 5, 5, 1)).astype("f4")
    found = attributions(model.spec, network, model.weights, x, np.array([0, 1]))
    assert last_convolution(network).name == "look"
    assert found.cam.shape == (2, 5, 5)
    slopes = np.zeros((2, 5, 5))
    for place in np.ndindex(5, 5):
        step = np.zeros_like(x)
        step[(slice(None), *place)] = 1e-2
        up, down = (np.asarray(model.predict(x + s)[0])[:, 0] for s in (step, -step))
        slopes[(0, *place)] = np.log((1 - up[0]) / (1 - down[0]))
        slopes[(1, *place)] = np.log(up[1] / down[1])
    expected = np.abs(slopes)
    expected /= expected.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found.saliency, expected, atol=0.03)


def test_models_without_convolutions_have_no_cam():
    text = "specc: 1\ninputs: {x: [4, 4]}\nlayers:" + HEAD
    model = model_of(text)
    network = build(model.spec)
    x = np.random.default_rng(0).normal(size=(2, 4, 4)).astype("f4")
    found = attributions(model.spec, network, model.weights, x, np.array([0, 1]))
    assert found.cam is None
    assert found.saliency.shape == (2, 4, 4)
    assert found.saliency.max() == 1.0


def test_enlarging_is_linear_between_centres():
    """Centres of two cells over four pixels lie at 0.5 and 2.5."""
    np.testing.assert_allclose(enlarged(np.array([[0.0, 1.0]]), 1, 4), [[0.0, 0.25, 0.75, 1.0]])
    np.testing.assert_allclose(enlarged(np.array([[5.0]]), 2, 3), np.full((2, 3), 5.0))


def test_every_node_has_a_time(chain):
    text, model, x = chain
    del text
    found = node_seconds(baked(model.spec, model.weights), {"image": x}, runs=2, threads=1)
    assert {name.split("/")[0] for name in found} >= {"conv2d", "max_pooling2d", "dense"}
    assert all(seconds >= 0 for seconds in found.values())
