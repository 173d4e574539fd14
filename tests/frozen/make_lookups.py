"""Writes lookups.json: what Keras 3.15.1 makes of integers by vocabularies and hashes.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_lookups.py
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
NUMBERS = [
    [0, 7, -3, 42], [-128, 999, 1000, 9999], [12345, -54321, 1234567, -1234567],
    [12345678, 123456789, -12345678, 2**31], [10**12, 10**15, -(10**14), 10**15 - 1],
    [10**16, -(10**16), 2**62, -(2**62)], [2**63 - 1, -(2**63), 10**17 + 3, 10**18 + 7],
]  # fmt: skip
FEW = [[3, 5, 9, 3], [7, 0, 5, 5], [-1, 9, 100, 7]]
WORDS = [5, 7, 9, -4]
FAR = [5, 7 * 10**9, 9, -4]
CASES = [
    ("Hashing", {"num_bins": 1000}, NUMBERS),
    ("Hashing", {"num_bins": 7, "mask_value": 42}, NUMBERS),
    ("Hashing", {"num_bins": 4, "output_mode": "multi_hot"}, FEW),
    ("Hashing", {"num_bins": 3, "output_mode": "one_hot"}, [[5], [9], [-1]]),
    ("Hashing", {"num_bins": 4, "output_mode": "count", "mask_value": 5}, FEW),
    ("HashedCrossing", {"num_bins": 500}, [[[v] for v in row] for row in NUMBERS[:3]]),
    ("HashedCrossing", {"num_bins": 4, "output_mode": "one_hot"}, [[5, 7, -9], [1, 2, 3]]),
    ("IntegerLookup", {"vocabulary": WORDS}, FEW),
    ("IntegerLookup", {"vocabulary": FAR}, FEW),
    ("IntegerLookup", {"vocabulary": WORDS, "num_oov_indices": 3}, FEW),
    (
        "IntegerLookup",
        {"vocabulary": WORDS, "num_oov_indices": 3, "oov_method": "farmhash", "mask_token": 0},
        FEW,
    ),
    ("IntegerLookup", {"vocabulary": WORDS, "mask_token": 3}, FEW),
    ("IntegerLookup", {"vocabulary": [0, -1, *WORDS], "mask_token": 0}, FEW),
    ("IntegerLookup", {"vocabulary": WORDS, "output_mode": "multi_hot", "mask_token": 3}, FEW),
    (
        "IntegerLookup",
        {
            "vocabulary": WORDS, "output_mode": "count", "max_tokens": 8, "pad_to_max_tokens": True,
        },
        FEW,
    ),
    ("IntegerLookup", {"vocabulary": WORDS, "output_mode": "one_hot"}, [[5], [9], [8]]),
    (
        "IntegerLookup",
        {"vocabulary": WORDS, "output_mode": "tf_idf", "idf_weights": [0.5, 1.0, 2.0, 4.0]},
        FEW,
    ),
    (
        "IntegerLookup",
        {
            "vocabulary": [-1, *WORDS], "output_mode": "tf_idf",
            "idf_weights": [3.0, 0.5, 1.0, 2.0, 4.0], "max_tokens": 7, "pad_to_max_tokens": True,
        },
        FEW,
    ),
    (
        "IntegerLookup",
        {"vocabulary": WORDS, "invert": True, "mask_token": 0},
        [[0, 1, 2], [5, 9, 3]],
    ),
]  # fmt: skip


def compute(cls, kwargs, values):
    layer = getattr(keras.layers, cls)(**kwargs)
    if cls == "HashedCrossing":
        y = layer([tf.constant(v, tf.int64) for v in values])
    else:
        y = layer(tf.constant(values, tf.int64))
    y = np.asarray(y)
    return {
        "layer": {keras.src.utils.naming.to_snake_case(cls): kwargs},
        "values": values,
        "dtype": "int64" if y.dtype == np.int64 and "output_mode" not in kwargs else "float32",
        "y": y.tolist(),
    }


if __name__ == "__main__":
    text = ",\n".join(json.dumps(compute(*case), separators=(",", ":")) for case in CASES)
    (HERE / "lookups.json").write_text(f"[\n{text}\n]\n")
    print(len(CASES), len(text))
