"""Keras on TensorFlow: the book's digits CNN, stepped as `fit` does it (a compiled function that
takes the next batch of a prefetching tf.data pipeline). BENCH_JIT: what `compile` gets.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from worker import Peer, serve

THREADS = int(os.environ["BENCH_THREADS"])
JIT: str | bool = {"auto": "auto", "yes": True, "no": False}[os.environ.get("BENCH_JIT", "auto")]


def model() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def make(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> Peer:
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    net = model()
    net.compile(
        optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=JIT
    )
    net.set_weights(weights)

    def loss(one_x: np.ndarray, one_y: np.ndarray) -> float:
        net.reset_metrics()
        return float(net.train_on_batch(one_x, one_y, return_dict=True)["loss"])

    data = tf.data.Dataset.from_tensor_slices((x, y)).repeat().prefetch(tf.data.AUTOTUNE)
    net.make_train_function()
    batches = iter(data)

    def step() -> None:
        # Fetching the loss makes sure that the step is done; `fit` does it for its callbacks too.
        logs = net.train_function(batches)
        float(logs["loss"])

    return Peer({"keras": keras.__version__, "tensorflow": tf.__version__}, loss, step)


if __name__ == "__main__":
    serve(make)
