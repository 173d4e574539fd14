"""Multiplications, windows and receptive fields, counted on the arrays themselves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from specc.layers import Layer
from tests.layers.bench import Bench

# Layers that are linear in their input, without padding: there each multiplication is one non-zero
# entry of the Jacobian, which evaluation on unit vectors gives.
LINEAR = [
    ({"dense": {"units": 3}}, (4,)),
    ({"dense": {"units": 3}}, (2, 4)),
    ({"conv1d": {"filters": 2, "kernel_size": 3, "strides": 2}}, (8, 2)),
    ({"conv2d": {"filters": 2, "kernel_size": [2, 3], "strides": [2, 1]}}, (5, 4, 2)),
    ({"conv2d": {"filters": 4, "kernel_size": 2, "groups": 2}}, (4, 3, 4)),
    ({"conv2d": {"filters": 2, "kernel_size": 2, "dilation_rate": 2}}, (5, 4, 2)),
    (
        {"conv2d": {"filters": 2, "kernel_size": 2, "data_format": "channels_first"}},
        (2, 5, 4),
    ),
    ({"depthwise_conv2d": {"kernel_size": 2, "depth_multiplier": 3}}, (4, 3, 2)),
    ({"conv2d_transpose": {"filters": 2, "kernel_size": 3, "strides": 2}}, (3, 2, 2)),
    ({"conv1d_transpose": {"filters": 2, "kernel_size": 2}}, (4, 3)),
]


def jacobian(layer: Layer, shape: tuple[int, ...]) -> np.ndarray:
    """d output / d input for weights of 1 and biases of 0: one row for each input element."""
    count = math.prod(shape)
    rng = np.random.default_rng(0)
    weights = {
        w.name: np.zeros(w.shape) if w.name == "bias" else rng.uniform(1, 2, w.shape)
        for w in layer.weights(((None, *shape),))
    }
    (y,) = Bench(layer, [np.eye(count).reshape(count, *shape)], weights).outputs
    return y


@pytest.mark.parametrize(("written", "shape"), LINEAR, ids=[str(case[0]) for case in LINEAR])
def test_macs_are_the_multiplications(written, shape) -> None:
    layer = Layer.parse(written)
    inputs = ((None, *shape),)
    y = jacobian(layer, shape)
    cost = layer.cost(inputs, layer.output_shape(inputs))
    assert cost.macs == np.count_nonzero(y)
    # The bias is one addition for each result.
    assert cost.ops == math.prod(y.shape[1:])


def test_macs_of_a_separable_convolution_are_those_of_its_parts() -> None:
    shape = (5, 4, 3)
    inputs = ((None, *shape),)
    fields = {"kernel_size": 2, "depth_multiplier": 2}
    first = Layer.parse({"depthwise_conv2d": fields})
    between = first.output_shape(inputs)
    second = Layer.parse({"conv2d": {"filters": 7, "kernel_size": 1}})
    whole = Layer.parse({"separable_conv2d": {"filters": 7, **fields}})
    parts = first.cost(inputs, between).macs
    parts += second.cost((between,), second.output_shape((between,))).macs
    assert whole.cost(inputs, whole.output_shape(inputs)).macs == parts


def test_macs_of_a_dot_product() -> None:
    # (4, 5) against (5, 3) on the axes of 5: 4 * 3 results of 5 products each.
    layer = Layer.parse({"dot": {"axes": [2, 1]}})
    inputs = ((None, 4, 5), (None, 5, 3))
    assert layer.cost(inputs, layer.output_shape(inputs)).macs == 4 * 3 * 5


def test_macs_of_the_digits_cnn() -> None:
    # Oracle: the sums written out, positions * kernel * channels * filters.
    expected = [26 * 26 * 9 * 1 * 32, 11 * 11 * 9 * 32 * 64, 3 * 3 * 9 * 64 * 64, 576 * 64, 64 * 10]
    specs = [
        {"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu"}},
        {"max_pooling2d": 2},
        {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
        {"max_pooling2d": 2},
        {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
        "flatten",
        {"dense": {"units": 64, "activation": "relu"}},
        {"dense": {"units": 10, "activation": "softmax"}},
    ]
    shape = (None, 28, 28, 1)
    macs, params = [], 0
    for written in specs:
        layer = Layer.parse(written)
        output = layer.output_shape((shape,))
        macs.append(layer.cost((shape,), output).macs)
        params += sum(math.prod(w.shape) for w in layer.weights((shape,)))
        shape = output
    assert [count for count in macs if count] == expected
    assert params == 93_322


# Elementary operations for one element, each product, sum, comparison, root, exponential one.
BY_ELEMENT = {
    "activation_relu": ({"activation": "relu"}, 1),
    "activation_softmax": ({"activation": "softmax"}, 4),
    "flatten": ("flatten", 0),
    "global_average_pooling2d": ("global_average_pooling2d", 1),
    "re_lu": ("re_lu", 1),
    "re_lu_all": ({"re_lu": {"max_value": 1.0, "negative_slope": 0.1}}, 4),
    "leaky_re_lu": ("leaky_re_lu", 2),
    "p_re_lu": ("p_re_lu", 2),
    "elu": ("elu", 3),
    "softmax": ("softmax", 4),
    "dropout": ({"dropout": 0.5}, 1),
    "gaussian_noise": ({"gaussian_noise": 0.5}, 2),
    "gaussian_dropout": ({"gaussian_dropout": 0.5}, 3),
    "alpha_dropout": ({"alpha_dropout": 0.5}, 5),
    "batch_normalization": ("batch_normalization", 2),
    "layer_normalization": ("layer_normalization", 7),
    "layer_normalization_plain": ({"layer_normalization": {"center": False, "scale": False}}, 5),
    "group_normalization": ({"group_normalization": 2}, 7),
    "rms_normalization": ("rms_normalization", 4),
    "unit_normalization": ("unit_normalization", 3),
    "normalization": ("normalization", 2),
    "rescaling": ({"rescaling": 0.5}, 2),
}


@pytest.mark.parametrize(("written", "each"), BY_ELEMENT.values(), ids=BY_ELEMENT)
def test_other_operations_by_element(written, each) -> None:
    layer = Layer.parse(written)
    inputs = ((None, 6, 4, 2),)
    cost = layer.cost(inputs, layer.output_shape(inputs))
    assert (cost.macs, cost.ops) == (0, 6 * 4 * 2 * each)


@pytest.mark.parametrize(
    ("written", "ops"),
    [({"max_pooling2d": 2}, 12 * (4 - 1)), ({"average_pooling2d": 2}, 12 * 4)],
    ids=str,
)
def test_pools_compare_or_add_the_cells_of_each_window(written, ops) -> None:
    layer = Layer.parse(written)
    inputs = ((None, 6, 4, 2),)
    assert layer.cost(inputs, layer.output_shape(inputs)).ops == ops


@pytest.mark.parametrize(("key", "each"), [("add", 2), ("maximum", 2), ("average", 3)])
def test_merges_combine_each_element_of_each_further_input(key, each) -> None:
    layer = Layer.parse(key)
    inputs = ((None, 6, 4),) * 3
    assert layer.cost(inputs, layer.output_shape(inputs)).ops == 24 * each


WINDOWS = [
    ({"conv2d": {"filters": 1, "kernel_size": [3, 2], "strides": [2, 1]}}, (7, 6, 1)),
    ({"conv2d": {"filters": 1, "kernel_size": 3, "strides": 2, "padding": "same"}}, (6, 5, 1)),
    ({"conv2d": {"filters": 1, "kernel_size": 2, "dilation_rate": [2, 3]}}, (7, 6, 1)),
    (
        {"conv2d": {"filters": 1, "kernel_size": 3, "data_format": "channels_first"}},
        (1, 6, 5),
    ),
    ({"conv1d": {"filters": 1, "kernel_size": 3, "padding": "causal"}}, (7, 1)),
    ({"average_pooling2d": {"pool_size": [2, 3], "strides": 2, "padding": "same"}}, (7, 6, 1)),
    ({"average_pooling1d": {"pool_size": 3}}, (8, 1)),
    ({"zero_padding2d": [[1, 2], [0, 1]]}, (4, 3, 1)),
    ({"cropping2d": [[1, 2], [0, 1]]}, (6, 5, 1)),
    ({"zero_padding1d": [2, 1]}, (5, 1)),
    ({"cropping1d": [2, 1]}, (7, 1)),
    ({"global_average_pooling2d": None}, (4, 3, 1)),
    ({"depthwise_conv2d": {"kernel_size": 2, "strides": 3}}, (8, 7, 1)),
    ({"separable_conv2d": {"filters": 1, "kernel_size": 3, "padding": "same"}}, (5, 4, 1)),
]


@pytest.mark.parametrize(("written", "shape"), WINDOWS, ids=[str(case[0]) for case in WINDOWS])
def test_window_covers_what_an_output_depends_on(written, shape) -> None:
    # Oracle: the non-zero entries of the Jacobian.
    layer = Layer.parse(written)
    window = layer.window(((None, *shape),))
    y = jacobian(layer, shape)
    spatial = [axis - 1 for axis in window.axes]
    sizes = [shape[axis] for axis in spatial]
    outputs = (
        [y.shape[axis] for axis in window.axes] if y.ndim == len(shape) + 1 else [1] * len(sizes)
    )
    seen = np.abs(y.reshape(*sizes, *outputs)) > 0
    for place in itertools.product(*map(range, outputs)):
        expected = np.zeros(sizes, bool)
        for where in itertools.product(*map(range, sizes)):
            expected[where] = window.kernel is None or all(
                (w + before - p * s) % d == 0 and 0 <= (w + before - p * s) // d < k
                for w, p, k, s, d, (before, _) in zip(
                    where, place, window.kernel, window.strides, window.dilations, window.pads,
                    strict=True,
                )
            )  # fmt: skip
        np.testing.assert_array_equal(seen[(..., *place)], expected)


def test_pointwise_layers_have_no_window() -> None:
    assert Layer.parse({"dense": 3}).window(((None, 4),)) is None
    assert Layer.parse({"activation": "relu"}).window(((None, 4),)) is None
