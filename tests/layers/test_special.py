"""Layers with integer inputs, open settings or losses, which the frozen cases cannot hold."""

from __future__ import annotations

import numpy as np
import pytest

from specc.layers import Layer
from tests.layers.bench import Bench, run

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_embedding_takes_rows(dtype) -> None:
    # Oracle: one row at a time.
    table = RNG.normal(size=(7, 3))
    ids = RNG.integers(0, 7, size=(2, 4))
    y = run({"embedding": {"input_dim": 7, "output_dim": 3}}, ids.astype(dtype), weights=[table])
    for place in np.ndindex(ids.shape):
        np.testing.assert_array_equal(y[place], table[ids[place]])


def test_embedding_weight_is_keras() -> None:
    layer = Layer.parse({"embedding": [5, 2]} | {"embedding": {"input_dim": 5, "output_dim": 2}})
    (table,) = layer.weights(((None, 4),))
    assert (table.name, table.shape, table.initializer.key) == (
        "embeddings",
        (5, 2),
        "random_uniform",
    )
    assert layer.output_shape(((None, 4),)) == (None, 4, 2)


def test_activity_regularization_adds_its_penalty_by_sample() -> None:
    x = RNG.normal(size=(4, 3))
    bench = Bench({"activity_regularization": {"l1": 0.2, "l2": 0.5}}, [x], training=True)
    np.testing.assert_array_equal(bench.outputs[0], x)
    expected = (0.2 * np.abs(x).sum() + 0.5 * (x**2).sum()) / 4
    np.testing.assert_allclose(bench.losses, [expected], rtol=1e-12)
    assert Bench("activity_regularization", [x], training=True).losses == []


@pytest.mark.parametrize(
    "written",
    [
        {"rescaling": {"scale": 1 / 255}},
        {"normalization": {"mean": 3.0, "variance": 4.0}},
        {"dense": {"units": 2}},
        {"conv1d": {"filters": 2, "kernel_size": 1}},
        {"layer_normalization": None},
        {"dropout": 0.5},
    ],
    ids=str,
)
def test_bytes_are_computed_with_as_floats(written) -> None:
    # Oracle: the same layer on the same numbers as floats.
    x = RNG.integers(0, 256, size=(2, 3, 4)).astype("uint8")
    layer = Layer.parse(written)
    weights = {w.name: RNG.normal(size=w.shape) for w in layer.weights(((None, 3, 4),))}
    found = run(layer, x, weights=weights)
    np.testing.assert_array_equal(found, run(layer, x.astype(float), weights=weights))


CHANNELS_FIRST = [
    {"conv2d": {"filters": 3, "kernel_size": 2, "strides": [1, 2], "padding": "same"}},
    {"depthwise_conv2d": {"kernel_size": 2, "depth_multiplier": 2}},
    {"separable_conv2d": {"filters": 3, "kernel_size": 2}},
    {"conv2d_transpose": {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}},
    {"max_pooling2d": {"pool_size": 2, "padding": "same"}},
    {"average_pooling2d": {"pool_size": [3, 2]}},
    {"zero_padding2d": {"padding": [[1, 2], [0, 1]]}},
    {"cropping2d": {"cropping": [[1, 0], [1, 1]]}},
    {"up_sampling2d": {"size": [2, 1]}},
    {"global_average_pooling2d": {"keepdims": True}},
]


@pytest.mark.parametrize("written", CHANNELS_FIRST, ids=[next(iter(w)) for w in CHANNELS_FIRST])
def test_channels_first_is_channels_last_with_axes_renamed(written) -> None:
    # Oracle: the channels-last layer, which test_keras.py compares with Keras.
    ((key, fields),) = written.items()
    x = RNG.normal(size=(2, 5, 4, 2))
    last = Layer.parse(written)
    weights = {w.name: RNG.normal(size=w.shape) for w in last.weights(((None, 5, 4, 2),))}
    first = Layer.parse({key: fields | {"data_format": "channels_first"}})
    y = run(last, x, weights=weights)
    found = run(first, np.moveaxis(x, -1, 1), weights=weights)
    np.testing.assert_allclose(found, np.moveaxis(y, -1, 1), rtol=1e-12)
    shape = first.output_shape(((None, 2, 5, 4),))
    assert shape[1:] == found.shape[1:]


def test_batch_normalization_that_is_frozen_uses_and_keeps_its_statistics() -> None:
    x = RNG.normal(size=(4, 3))
    weights = [RNG.uniform(0.5, 1.5, 3) for _ in range(4)]
    frozen = Bench({"batch_normalization": {"trainable": False}}, [x], weights, training=True)
    plain = run("batch_normalization", x, weights=weights)
    np.testing.assert_array_equal(frozen.outputs[0], plain)
    assert frozen.assigned == {}


def test_layer_normalization_with_rms_scaling_has_gamma_only() -> None:
    # Oracle: the formula of Keras' documentation, x / sqrt(variance + epsilon) gamma.
    x, gamma = RNG.normal(size=(2, 3)), RNG.normal(size=3)
    for scale in (True, False):
        written = {"layer_normalization": {"rms_scaling": True, "scale": scale}}
        found = run(written, x, weights=[gamma])
        expected = x / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * gamma
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_zero_vectors_stay_zero_when_normalised_to_length_1() -> None:
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(run("unit_normalization", x), x)


def test_settings_reach_the_weights() -> None:
    layer = Layer.parse(
        {
            "conv2d": {
                "filters": 2,
                "kernel_size": 3,
                "kernel_initializer": "he_normal",
                "kernel_regularizer": {"l2": 0.1},
                "bias_constraint": "non_neg",
            }
        }
    )
    kernel, bias = layer.weights(((None, 5, 5, 1),))
    assert kernel.initializer.key == "he_normal"
    assert kernel.regularizer is not None
    assert kernel.regularizer.key == "l2"
    assert kernel.constraint is None
    assert bias.constraint is not None
    assert bias.constraint.key == "non_neg"


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ({"conv2d": {"filters": 2, "kernel_size": [3, 3]}}, {"filters": 2, "kernel_size": 3}),
        (
            {"conv2d": {"filters": 2, "kernel_size": [3, 1], "activation": "linear"}},
            {"filters": 2, "kernel_size": [3, 1]},
        ),
        ({"zero_padding2d": [2, 2]}, {"padding": 2}),
        ({"zero_padding2d": [[2, 1], [0, 3]]}, {"padding": [[2, 1], [0, 3]]}),
        ({"zero_padding1d": [2, 1]}, {"padding": [2, 1]}),
        ({"max_pooling1d": [3]}, {"pool_size": 3}),
        ({"activation": "swish"}, {"activation": "silu"}),
        ({"conv1d": {"filters": 2, "kernel_size": 2, "padding": "CAUSAL", "data_format": None}},
         {"filters": 2, "kernel_size": 2, "padding": "causal"}),
    ],
    ids=str,
)  # fmt: skip
def test_short_forms(written, short) -> None:
    layer = Layer.parse(written)
    assert layer.written() == {layer.key: short}
    assert Layer.parse(layer.written()) == layer


def test_schema_says_what_fields_take() -> None:
    schema = Layer.find("conv2d").model_json_schema()["properties"]
    one = {"type": "integer", "minimum": 1}
    assert schema["kernel_size"]["anyOf"][0] == one
    assert "relu" in schema["activation"]["anyOf"][0]["enum"]
    assert schema["padding"]["enum"] == ["valid", "same"]
    pads = Layer.find("zero_padding2d").model_json_schema()["properties"]["padding"]
    assert pads["anyOf"][1]["minItems"] == 2


@pytest.mark.parametrize("tie", [True, False])
def test_reversible_embedding_multiplies_with_every_row(tie) -> None:
    # Oracle: NumPy, the formula of Keras' documentation.
    rng = np.random.default_rng(3)
    table, other, x = rng.normal(size=(5, 3)), rng.normal(size=(3, 5)), rng.normal(size=(2, 4, 3))
    fields = {"input_dim": 5, "output_dim": 3, "tie_weights": tie, "logit_soft_cap": 1.5}
    weights = [table] if tie else [table, other]
    layer = {"reversible_embedding": fields}
    bench = Bench(layer, [x], weights, flags={"reverse": True})
    expected = 1.5 * np.tanh(x @ (table.T if tie else other) / 1.5)
    np.testing.assert_allclose(bench.outputs[0], expected, rtol=1e-12)
    ids = np.asarray([[4, 0, 1]])
    np.testing.assert_array_equal(Bench(layer, [ids], weights).outputs[0], table[ids])


def test_the_angle_is_numpys_in_every_quadrant() -> None:
    # Oracle: numpy.arctan2, on axes, diagonals and between them.
    points = RNG.normal(size=(3, 4, 2))
    points[0, :, 0], points[1, :, 1] = 0.0, 0.0
    points[2] = [[1, 1], [-1, 1], [-1, -1], [1, -1]]
    fields = {"mode": "angle", "frame_length": 1, "fft_length": 2}
    kernels = [np.ones((1, 1, 2)), np.ones((1, 1, 2)) * 2]
    found = run({"stft_spectrogram": fields}, points, weights=kernels)
    expected = np.arctan2(2 * points, points).repeat(2, -1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_counts_are_weighted_by_the_second_input() -> None:
    # Oracle: a loop over the ids.
    ids, weights = RNG.integers(0, 5, (3, 4)), RNG.normal(size=(3, 4))
    layer = {"category_encoding": {"num_tokens": 5, "output_mode": "count"}}
    found = Bench(layer, [ids, weights]).outputs[0]
    expected = np.zeros((3, 5))
    for i, j in np.ndindex(ids.shape):
        expected[i, ids[i, j]] += weights[i, j]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
