"""Writes applications.json.xz: every model of keras.applications as Keras describes it.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_applications.py
Configurations are kept without what nothing reads here, summaries as digests.
"""

import functools
import gc
import hashlib
import json
import lzma
import os
from pathlib import Path

import keras
import numpy as np
from keras.src.applications import convnext
from keras.src.initializers import random_initializers

HERE = Path(__file__).parent
WIDTHS = (80, 100)
# Models that are run as well: small inputs, weights drawn by their kind.
TINY = {"depths": [1, 1, 2, 1], "projection_dims": [6, 8, 10, 12], "drop_path_rate": 0.1}
FORWARD = {
    "MobileNetV3Small": keras.applications.MobileNetV3Small,
    "NASNetMobile": keras.applications.NASNetMobile,
    "EfficientNetV2B0": keras.applications.EfficientNetV2B0,
    "ConvNeXt": functools.partial(convnext.ConvNeXt, **TINY, weights_name=""),
}
SIZE = 64
UNIFORM = ("gamma", "moving_variance", "variance", "variable")


def fast(self, shape, dtype=None):
    """Zeros: values do not matter here."""
    return keras.ops.zeros(shape, dtype or "float32")


def slim(config):
    """Without shapes of tensors and build configurations."""
    if isinstance(config, list):
        return [slim(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "__keras_tensor__":
        history = config["config"]["keras_history"]
        return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}
    gone = ("build_config", "compile_config")
    return {key: slim(value) for key, value in config.items() if key not in gone}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def summary(model, width):
    found = []
    os.environ["COLUMNS"] = str(width)
    model.summary(line_length=width, print_fn=lambda text, **_: found.append(text))
    return digest("\n".join(found).rstrip())


def case(name):
    keras.utils.clear_session()
    model = getattr(keras.applications, name)(weights=None)
    return {
        "config": slim(json.loads(model.to_json())),
        "params": model.count_params(),
        "trainable": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        "weights": digest(json.dumps([list(w.shape) for w in model.weights])),
        "summary": {str(width): summary(model, width) for width in WIDTHS},
    }


def kind(weight):
    """How a weight is drawn: k a kernel, u uniform, 0 zeros, n small normal numbers."""
    name = weight.path.rpartition("/")[2]
    if "int" in weight.dtype:
        return "0"
    name = name.partition("_")[0] if name.startswith("variable") else name
    return "u" if name in UNIFORM else "k" if len(weight.shape) > 1 else "n"


def draw(rng, letter, shape, gain):
    if letter == "0":
        return np.zeros(shape, np.int32)
    if letter == "u":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    # A depthwise kernel (h, w, channels, 1) sees one channel.
    fan = np.prod(shape[:-2] if shape[-1] == 1 else shape[:-1])
    scale = np.sqrt(gain / fan) if letter == "k" else 0.1
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def forward(name):
    """Outputs with the gain at which they depend most on the input, without being chaotic."""
    keras.utils.clear_session()
    arguments = {"weights": None, "include_top": False, "pooling": "avg"}
    model = FORWARD[name](**arguments, input_shape=(SIZE, SIZE, 3))
    kinds = "".join(map(kind, model.weights))
    best = (0.0, 0.0, None)
    for gain in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0):
        rng = np.random.default_rng(11)
        for letter, weight in zip(kinds, model.weights, strict=True):
            weight.assign(draw(rng, letter, tuple(weight.shape), gain))
        x = rng.uniform(-2, 2, (2, SIZE, SIZE, 3)).astype(np.float32)
        y, near = (np.asarray(model.predict(v, verbose=0)) for v in (x, x * np.float32(1 + 1e-6)))
        size = np.abs(y).max()
        spread, chaos = y.std(axis=0).mean() / size, np.abs(y - near).max() / size
        print(name, gain, spread, chaos)
        if chaos < 3e-5 and size < 1e6 and spread > best[0]:
            best = (spread, gain, y)
    return {
        "config": slim(json.loads(model.to_json())),
        "kinds": kinds,
        "gain": best[1],
        "output": [float(f"{v:.5g}") for v in best[2].ravel()],
    }


if __name__ == "__main__":
    for known in vars(random_initializers).values():
        if isinstance(known, type) and issubclass(known, random_initializers.RandomInitializer):
            known.__call__ = fast
    found = {}
    for name in dir(keras.applications):
        if name[0].isupper():
            found[name] = case(name)
            gc.collect()
    found = {"models": found, "forward": {name: forward(name) for name in FORWARD}}
    text = json.dumps(found, separators=(",", ":"))
    path = HERE / "applications.json.xz"
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
