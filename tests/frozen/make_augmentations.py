"""Writes augmentations.json: what Keras 3.15.1 makes of images for given random numbers.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_augmentations.py
Keras' generators are replaced by ones that hand out `numpy.random.default_rng(number)`'s numbers;
`tests/layers/test_augmentations.py` hands out the same ones, in the same order.
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
BATCH = 3
COLOUR, GREY = (6, 5, 3), (5, 6, 1)
# (Keras class, arguments, shape of an image)
CASES = [
    ("RandomFlip", {}, COLOUR),
    ("RandomFlip", {"mode": "horizontal"}, COLOUR),
    ("RandomFlip", {"mode": "vertical", "data_format": "channels_first"}, (2, 4, 5)),
    ("RandomRotation", {"factor": 0.3}, COLOUR),
    ("RandomRotation", {"factor": [0.1, 0.2], "fill_mode": "wrap"}, COLOUR),
    (
        "RandomRotation",
        {"factor": 0.4, "fill_mode": "constant", "fill_value": 9.0, "interpolation": "nearest"},
        GREY,
    ),
    ("RandomRotation", {"factor": 0.4, "fill_mode": "nearest"}, GREY),
    ("RandomZoom", {"height_factor": 0.4}, COLOUR),
    (
        "RandomZoom",
        {"height_factor": [-0.4, -0.1], "width_factor": 0.9, "fill_mode": "constant"},
        COLOUR,
    ),
    ("RandomTranslation", {"height_factor": 0.5, "width_factor": [0.3, 0.9]}, COLOUR),
    (
        "RandomTranslation",
        {
            "height_factor": 0.9,
            "width_factor": 0.9,
            "fill_mode": "wrap",
            "interpolation": "nearest",
        },
        COLOUR,
    ),
    ("RandomShear", {"x_factor": 0.6, "y_factor": [0.1, 0.3]}, COLOUR),
    ("RandomShear", {"x_factor": 0.4, "y_factor": 0.2, "data_format": "channels_first"}, (3, 5, 4)),
    ("RandomCrop", {"height": 4, "width": 3}, COLOUR),
    ("RandomCrop", {"height": 7, "width": 4}, COLOUR),
    ("RandomCrop", {"height": 2, "width": 3, "data_format": "channels_first"}, (2, 5, 4)),
    ("RandomBrightness", {"factor": 0.4}, COLOUR),
    ("RandomContrast", {"factor": [0.3, 0.9]}, COLOUR),
    ("RandomHue", {"factor": 0.8}, COLOUR),
    ("RandomHue", {"factor": [0.2, 0.5], "data_format": "channels_first"}, (3, 4, 5)),
    ("RandomSaturation", {"factor": [0.3, 0.7]}, COLOUR),
    ("RandomGrayscale", {"factor": 0.6}, COLOUR),
    ("RandomColorDegeneration", {"factor": 0.9}, COLOUR),
    ("RandomInvert", {"factor": 0.9}, COLOUR),
    (
        "RandomColorJitter",
        {
            "brightness_factor": 0.2,
            "contrast_factor": 0.3,
            "saturation_factor": [0.4, 0.6],
            "hue_factor": 0.3,
        },
        COLOUR,
    ),
    ("RandomSharpness", {"factor": 0.9}, COLOUR),
    ("RandomGaussianBlur", {}, COLOUR),
    ("RandomGaussianBlur", {"kernel_size": 5, "sigma": [0.6, 0.9]}, GREY),
    ("RandomPosterization", {"factor": 6}, COLOUR),
    ("RandomPosterization", {"factor": [3, 3], "value_range": [0, 1]}, COLOUR),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": [0.2, 0.7]}, COLOUR),
    (
        "Solarization",
        {"addition_factor": 0.1, "threshold_factor": 0.9, "value_range": [-1, 1]},
        GREY,
    ),
    ("RandomErasing", {"factor": [0.7, 1.0], "scale": [0.1, 0.8]}, COLOUR),
    ("RandomErasing", {"factor": [0.9, 1.0], "scale": [0.3, 0.9], "fill_value": 7.0}, COLOUR),
    ("RandomPerspective", {"factor": [0.6, 1.0], "scale": 0.7}, COLOUR),
    (
        "RandomPerspective",
        {"factor": [0.8, 1.0], "scale": 0.9, "interpolation": "nearest", "fill_value": 3.0},
        COLOUR,
    ),
    ("RandomElasticTransform", {"factor": [0.7, 1.0], "scale": [0.5, 1.0]}, (24, 25, 1)),
    (
        "RandomElasticTransform",
        {"factor": [0.9, 1.0], "fill_mode": "constant", "interpolation": "nearest"},
        (9, 8, 2),
    ),
    ("AutoContrast", {}, COLOUR),
    ("AutoContrast", {"value_range": [0, 1], "data_format": "channels_first"}, (2, 3, 4)),
    ("Equalization", {}, COLOUR),
    ("Equalization", {"value_range": [0, 1], "bins": 16}, COLOUR),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": [2, 3]}, (9, 8, 2)),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": [2, 2], "clip_limit": 0.0, "data_format": "channels_first"},
        (1, 6, 6),
    ),
    ("MixUp", {"alpha": 0.4}, COLOUR),
    ("CutMix", {"factor": [0.3, 1.0]}, COLOUR),
    ("RandAugment", {"num_ops": 3}, COLOUR),
]


def replace_generators(rng):
    """Keras' random functions on numbers of `rng`; every array that was handed out is one call."""

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        u = rng.uniform(size=tuple(shape)).astype(np.float32)
        return tf.constant(minval + (maxval - minval) * u, dtype or "float32")

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return tf.constant(mean + stddev * rng.normal(size=tuple(shape)).astype(np.float32))

    def randint(shape, minval, maxval, dtype="int32", seed=None):
        u = rng.uniform(size=tuple(shape)).astype(np.float32)
        return tf.cast(tf.floor(minval + (maxval - minval) * u), dtype)

    def shuffle(x, axis=0, seed=None):
        return tf.constant(rng.permutation(len(x)), x.dtype)

    def beta(shape, alpha, beta, dtype=None, seed=None):
        return tf.constant(rng.uniform(size=tuple(shape)).astype(np.float32))

    functions = {
        "uniform": uniform,
        "normal": normal,
        "randint": randint,
        "shuffle": shuffle,
        "beta": beta,
    }
    for name, function in functions.items():
        setattr(keras.src.backend.random, name, function)
        setattr(keras.src.backend.tensorflow.random, name, function)
    tf.random.stateless_normal = lambda shape, seed=None, **k: normal(shape)


def compute(number, cls, kwargs, shape):
    x = np.random.default_rng(number).uniform(size=(BATCH, *shape)).astype(np.float32)
    scale = kwargs.get("value_range", [0, 255])
    x = np.round(x * 32) / 32 * (scale[1] - scale[0]) + scale[0]
    replace_generators(np.random.default_rng(number + 1000))
    layer = getattr(keras.layers, cls)(**kwargs)
    y = np.asarray(layer(x, training=True), np.float64)
    return {
        "layer": {keras.src.utils.naming.to_snake_case(cls): kwargs},
        "number": number,
        "image": list(shape),
        "shape": list(y.shape[1:]),
        "y": [float(f"{v:.6g}") for v in y.ravel()],
    }


if __name__ == "__main__":
    cases = [compute(i, *case) for i, case in enumerate(CASES)]
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / "augmentations.json").write_text(f"[\n{text}\n]\n")
    print(len(cases), len(text))
