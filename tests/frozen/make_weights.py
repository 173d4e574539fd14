"""Writes weights.keras, a saved model with layers of every way of storing, and weights.json.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_weights.py
weights.json has the paths and sums of the weights in Keras' order, inputs and outputs. The archive
is packed again, to be small.
"""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent
L = keras.layers


def layers(steps, image, ids):
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, L.Dense(2)(L.Dense(3)(inner_in)), name="inner")
    twice = L.Dense(4, name="twice")
    frozen = L.BatchNormalization(name="frozen", trainable=False)
    return [
        L.MultiHeadAttention(2, 3)(steps, steps),
        L.MultiHeadAttention(2, 3, use_gate=True, use_bias=False)(steps, steps),
        L.GroupQueryAttention(2, 2, 1)(steps, steps),
        L.GroupQueryAttention(2, 4, 2, use_gate=True)(steps, steps),
        L.Bidirectional(L.LSTM(3))(steps),
        L.Bidirectional(L.RNN([L.LSTMCell(3), L.LSTMCell(2), L.GRUCell(2)]))(steps),
        L.RNN([L.LSTMCell(3), L.GRUCell(2), L.LSTMCell(2)])(steps),
        L.TimeDistributed(L.Dense(3))(steps),
        L.SeparableConv2D(4, 3)(image),
        L.BatchNormalization()(image),
        frozen(image),
        L.GRU(3)(steps),
        L.SimpleRNN(2)(steps),
        L.Embedding(5, 3)(ids),
        L.Attention(use_scale=True)([steps, steps]),
        L.SpectralNormalization(L.Dense(3))(steps),
        L.PReLU()(steps),
        L.Normalization(mean=None)(steps),
        L.Normalization(mean=1.0, variance=2.0)(steps),
        L.ReversibleEmbedding(5, 3, tie_weights=False)(ids),
        L.EinsumDense("abc,cd->abd", output_shape=(None, 3))(steps),
        L.LayerNormalization()(steps),
        L.Dense(2, name="first")(steps),
        inner(inner_at(steps)),
        twice(twice(steps)),
        keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(1)], name="chain")(steps[:, 0]),
        steps * 2.0 + 1.0,
        L.TimeDistributed(
            keras.Sequential([keras.Input((4,)), L.Dense(3), L.BatchNormalization(), L.Dense(2)])
        )(steps),
        L.Dense(3)(steps),
    ]


def inner_at(steps):
    return keras.ops.mean(steps, axis=1)


def told(array):
    return {"shape": list(array.shape), "values": [float(f"{v:.6g}") for v in np.ravel(array)]}


if __name__ == "__main__":
    steps = keras.Input((6, 4), name="steps")
    image = keras.Input((5, 5, 3), name="image")
    ids = keras.Input((6,), dtype="int32", name="ids")
    model = keras.Model([steps, image, ids], layers(steps, image, ids), name="stored")
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "int" not in weight.dtype:
            weight.assign(rng.uniform(0.1, 0.9, weight.shape).astype(np.float32))
    given = [
        rng.normal(size=(2, 6, 4)).astype(np.float16).astype(np.float32),
        rng.normal(size=(2, 5, 5, 3)).astype(np.float16).astype(np.float32),
        rng.integers(0, 5, (2, 6)).astype(np.int32),
    ]
    saved = HERE / "saved.keras"
    model.save(saved)
    # Normalization uses its weights only once they have been loaded.
    outputs = keras.saving.load_model(saved).predict(given, verbose=0)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(HERE / "weights.keras", "w") as new:
        for name in ("config.json", "model.weights.h5"):
            info = zipfile.ZipInfo(name)
            new.writestr(info, old.read(name), zipfile.ZIP_DEFLATED, 9)
    saved.unlink()
    found = {
        "weights": [[w.path, list(w.shape), float(np.sum(w.numpy()))] for w in model.weights],
        "inputs": list(map(told, given)),
        "outputs": list(map(told, outputs)),
    }
    (HERE / "weights.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
