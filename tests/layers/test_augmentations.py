"""Layers that vary images.

Oracle: what Keras 3.15.1 makes of the same images with the same random numbers
(tests/frozen/augmentations.json); the numbers' own distribution is tested with the generator.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import specc
from specc.layers import Layer
from specc.layers.augmentation import mixing
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.spec.reader import loads
from specc.tensors import Dims, Sym
from tests.layers.bench import Bench, run
from tests.layers.frozen import augmentations
from tests.numpy_primitives import evaluate

BATCH = 3
CASES = augmentations()
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["layer"]))
ALWAYS = {"auto_contrast", "contrast_limited_adaptive_histogram_equalization"}


class Dealt(Bench):
    """A bench whose random numbers are those of one NumPy generator, in order."""

    dealer: np.random.Generator

    def _sizes(self, shape: Dims) -> tuple[int, ...]:
        return tuple(BATCH if isinstance(dim, Sym) else dim for dim in shape)

    def uniform(self, like: Tensor, shape: Dims) -> Tensor:
        values = self.dealer.uniform(size=self._sizes(shape)).astype(np.float32)
        return self._input(values, shape)

    def normal(self, like: Tensor, shape: Dims) -> Tensor:
        values = self.dealer.normal(size=self._sizes(shape)).astype(np.float32)
        return self._input(values, shape)


def images(case) -> np.ndarray:
    x = np.random.default_rng(case["number"]).uniform(size=(BATCH, *case["image"]))
    ((_, fields),) = case["layer"].items()
    low, high = fields.get("value_range", [0, 255])
    return np.round(x.astype(np.float32) * 32) / 32 * (high - low) + low


@every_case
def test_images_are_keras_for_the_same_numbers(case, monkeypatch) -> None:
    def order(low: Dealt, x: Tensor) -> Tensor:
        return low._input(low.dealer.permutation(BATCH), (x.shape[0],))

    monkeypatch.setattr(mixing, "shuffled", order)
    monkeypatch.setattr(
        mixing, "symmetric_beta", lambda low, x, alpha: low.uniform(x, (x.shape[0], 1))
    )
    Dealt.dealer = np.random.default_rng(case["number"] + 1000)
    bench = Dealt(case["layer"], [images(case)], training=True)
    expected = np.reshape(case["y"], (BATCH, *case["shape"]))
    np.testing.assert_allclose(bench.outputs[0], expected, rtol=1e-4, atol=3e-3)
    assert list(bench.layer.output_shape(bench.shapes)[1:]) == case["shape"]


@every_case
def test_outside_of_training_images_stay(case) -> None:
    x = images(case)
    (key,) = case["layer"]
    if key == "random_crop":
        fields = case["layer"][key]
        size = {"height": fields["height"], "width": fields["width"]}
        kept = {"data_format": fields.get("data_format", "channels_last")}
        resized = {"resizing": size | kept | {"crop_to_aspect_ratio": True}}
        np.testing.assert_allclose(run(case["layer"], x), run(resized, x), rtol=1e-12)
    elif key not in ALWAYS:
        np.testing.assert_array_equal(run(case["layer"], x), x)


@every_case
def test_compiled_targets_agree_and_steps_differ(case) -> None:
    # Oracle: the other target, and that a graph is a function of (seed, step).
    text = {
        "specc": 1,
        "inputs": {"x": case["image"]},
        "layers": [case["layer"], "flatten", {"dense": 1}],
        "train": {"loss": "mse", "optimizer": "sgd"},
    }
    x = images(case).astype(np.float32)
    spec = loads(json.dumps(text))
    found = []
    for target in ("portable", "cpu"):
        model = specc.Model(spec, target=target)
        model.set_weights([np.full(w.shape, 0.01, np.float32) for w in model.weights.values()])
        first = model.vjp([x], [np.ones((BATCH, 1))], training=True)
        again = model.vjp([x], [np.ones((BATCH, 1))], training=True)
        np.testing.assert_array_equal(first.outputs[0], again.outputs[0])
        grad = first.input_grads[0]
        grad = np.zeros_like(x) if grad is None else grad
        assert np.isfinite(grad).all()
        found.append((first.outputs[0], grad))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_another_step_draws_other_numbers_and_the_same_model_the_same() -> None:
    text = """
specc: 1
inputs: {x: [6, 5, 3]}
layers: [{random_brightness: 0.5}, {global_average_pooling2d: {}}, {dense: 1}]
train: {loss: mse, optimizer: {sgd: 0.0}}
"""
    x, y = np.full((4, 6, 5, 3), 100, np.float32), np.zeros((4, 1), np.float32)
    runs = []
    for _ in range(2):
        model = specc.Model(loads(text))
        runs.append([model.train_on_batch(x, y)["loss"] for _ in range(3)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 3.0])
def test_beta_draws_have_the_moments_of_the_distribution(alpha) -> None:
    # Oracle: mean 1/2 and variance 1 / (4 (2 alpha + 1)); quartiles where they are known.
    count = 40_000
    bench = Many(np.random.default_rng(3), count)
    for parameter in (alpha, bench.number(alpha)):
        (x,) = bench.values(mixing.symmetric_beta(bench, bench.images, parameter))
        assert x.min() >= 0.0
        assert x.max() <= 1.0
        assert abs(x.mean() - 0.5) < 0.01
        assert abs(x.var() - 1 / (4 * (2 * alpha + 1))) < 0.004
        if alpha == 1.0:
            np.testing.assert_allclose(
                np.quantile(x, [0.1, 0.25, 0.9]), [0.1, 0.25, 0.9], atol=0.01
            )
        if alpha == 0.5:
            np.testing.assert_allclose(np.quantile(x, [0.25]), np.sin(np.pi / 8) ** 2, atol=0.01)


@pytest.mark.parametrize("alpha", [0.4, 1.0, 2.5])
def test_gamma_draws_have_the_moments_of_the_distribution(alpha) -> None:
    # Oracle: mean and variance alpha, third central moment 2 alpha.
    bench = Many(np.random.default_rng(4), 1)
    (x,) = bench.values(mixing.gamma(bench, bench.images, alpha, 40_000))
    assert abs(x.mean() - alpha) < 0.03
    assert abs(x.var() - alpha) < 0.1 * alpha + 0.02
    assert abs(((x - alpha) ** 3).mean() - 2 * alpha) < 0.2 * alpha + 0.1


def test_a_shuffled_batch_has_every_sample_once() -> None:
    bench = Many(np.random.default_rng(5), 50)
    (order,) = bench.values(mixing.shuffled(bench, bench.images))
    assert sorted(order) == list(range(50))
    assert list(order) != list(range(50))


class Many(Bench):
    """A bench for draws of a large batch."""

    def __init__(self, rng: np.random.Generator, batch: int) -> None:
        super().__init__("identity", [np.zeros((batch, 1))])
        self.rng, self.batch = rng, batch
        self.images = self._input(np.zeros((batch, 1, 1, 1)))

    def _sizes(self, shape: Dims) -> tuple[int, ...]:
        return tuple(self.batch if isinstance(dim, Sym) else dim for dim in shape)

    def number(self, value: float) -> Tensor:
        return self._input(np.full((1,), value), (1,))

    def uniform(self, like: Tensor, shape: Dims) -> Tensor:
        return self._input(self.rng.uniform(size=self._sizes(shape)), shape)

    def normal(self, like: Tensor, shape: Dims) -> Tensor:
        return self._input(self.rng.normal(size=self._sizes(shape)), shape)

    def values(self, *tensors: Tensor) -> list[np.ndarray]:
        return evaluate(tensors, self.feeds)


@pytest.mark.parametrize(
    "written",
    [
        {"random_brightness": 3.0},
        {"random_zoom": [1, 2, 3]},
        {"random_contrast": None},
        {"random_posterization": 9},
        {"random_posterization": 2.5},
        {"random_gaussian_blur": {"kernel_size": 4}},
        {"auto_contrast": [1, 1]},
        {"solarization": [0.1, 1.5]},
    ],
    ids=str,
)
def test_ranges_out_of_keras_limits_are_refused(written) -> None:
    with pytest.raises(ValueError, match=r"expected|missing"):
        Layer.parse(written)


@pytest.mark.parametrize("key", ["random_hue", "random_saturation", "rand_augment", "aug_mix"])
def test_colour_layers_want_colours(key) -> None:
    layer = Layer.parse({key: {"factor": 0.2}})
    with pytest.raises(ShapeError, match="colour channels, found 2"):
        layer.output_shape(((None, 4, 4, 2),))


def test_aug_mix_mixes_copies_of_the_image() -> None:
    # Oracle: with changes of strength 0 that leave images as they are, the mix is the image; with
    # others it lies in the value range.
    x = images(CASES[0]).astype(np.float32)
    Dealt.dealer = np.random.default_rng(0)
    written = {"aug_mix": {"factor": 0.6, "num_chains": 2, "chain_depth": 2, "seed": 3}}
    mixed = Dealt(written, [x], training=True).outputs[0]
    assert mixed.shape == x.shape
    assert mixed.min() >= 0
    assert mixed.max() <= 255
    assert not np.allclose(mixed, x)
    np.testing.assert_array_equal(run(written, x), x)


def test_a_pipeline_is_its_layers_one_after_the_other() -> None:
    x = images(CASES[0]).astype(np.float64)
    layers = [{"rescaling": 0.5}, {"normalization": {}}, {"center_crop": {"height": 2, "width": 2}}]
    bench = Bench(
        {"pipeline": {"layers": layers}}, [x], [np.ones(3), np.full(3, 4.0), np.zeros(())]
    )
    expected = run(layers[2], (x * 0.5 - 1) / 2)
    np.testing.assert_allclose(bench.outputs[0], expected, rtol=1e-12)
    assert [w.name for w in bench.layer.weights(bench.shapes)] == [
        "normalization/mean",
        "normalization/variance",
        "normalization/count",
    ]
    assert bench.layer.output_shape(bench.shapes) == (None, 2, 2, 3)
