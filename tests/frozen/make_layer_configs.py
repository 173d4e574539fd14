"""Writes layer_configs.json.gz: configurations of layers as Keras 3.15.1 writes them.

Needs Keras 3.15.1, TensorFlow and SciPy: KERAS_BACKEND=tensorflow python make_layer_configs.py
Layers that vary images, encode, look up or transform signals; others stand in the applications.
"""

import gzip
import json
from pathlib import Path

import keras

HERE = Path(__file__).parent
LAYERS = keras.layers
IMAGE = (6, 6, 3)
INTEGERS = {"Hashing", "IntegerLookup", "CategoryEncoding", "Embedding"}
CASES = [
    *[
        (name, {}, IMAGE)
        for name in (
            "RandomFlip", "RandomGrayscale", "RandomInvert", "RandomGaussianBlur", "Solarization",
            "RandomErasing", "RandomPerspective", "RandomElasticTransform", "AutoContrast", "MixUp",
            "CutMix", "RandAugment", "AugMix",
        )
    ],
    *[
        (name, {"factor": 0.2}, IMAGE)
        for name in (
            "RandomRotation", "RandomBrightness", "RandomContrast", "RandomHue", "RandomSaturation",
            "RandomColorDegeneration", "RandomSharpness",
        )
    ],
    ("RandomZoom", {"height_factor": 0.2}, IMAGE),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.1}, IMAGE),
    ("RandomShear", {"x_factor": 0.2}, IMAGE),
    ("RandomCrop", {"height": 3, "width": 3, "seed": 1}, IMAGE),
    ("RandomColorJitter", {"brightness_factor": 0.1, "hue_factor": 0.2}, IMAGE),
    ("RandomPosterization", {"factor": 4}, IMAGE),
    ("RandomErasing", {"fill_value": (1.0, 2.0, 3.0)}, IMAGE),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": (2, 2)}, IMAGE),
    ("CategoryEncoding", {"num_tokens": 4}, (3,)),
    ("Discretization", {"bin_boundaries": [0.0, 1.0]}, (3,)),
    ("STFTSpectrogram", {"frame_length": 4}, (20, 1)),
    ("MelSpectrogram", {"fft_length": 8, "sequence_stride": 4}, (20,)),
    ("Dense", {"units": 3, "lora_rank": 2}, (4,)),
    ("Embedding", {"input_dim": 3, "output_dim": 4, "lora_rank": 2}, (4,)),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "lora_rank": 2}, (4,)),
    ("Hashing", {"num_bins": 3}, (4,)),
    ("IntegerLookup", {"vocabulary": [1, 2, 3]}, (4,)),
]  # fmt: skip


def compute(layer, shape, dtype):
    model = keras.Sequential([keras.Input(shape, dtype=dtype), layer])
    return {"config": json.loads(model.to_json()), "output": list(model.output_shape)}


if __name__ == "__main__":
    found = [
        compute(getattr(LAYERS, name)(**kwargs), shape, "int64" if name in INTEGERS else "float32")
        for name, kwargs, shape in CASES
    ]
    found += [
        compute(LAYERS.SpectralNormalization(LAYERS.Dense(3)), (4,), "float32"),
        compute(LAYERS.Pipeline([LAYERS.RandomFlip(), LAYERS.Rescaling(0.5)]), IMAGE, "float32"),
    ]
    text = json.dumps(found, separators=(",", ":")).encode()
    (HERE / "layer_configs.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    print(len(found), len(text))
