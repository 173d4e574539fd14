"""Writes compile.json: what Keras logs for losses and metrics as `compile` takes them.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_compile.py
"""

import json
from pathlib import Path

import keras
import numpy as np
from keras import layers, losses, metrics

HERE = Path(__file__).parent
N = 6
Around = keras.src.losses.losses.LossFunctionWrapper


def one():
    x = keras.Input((3,), name="x")
    return keras.Model(x, layers.Dense(2, activation="sigmoid", name="a")(x), name="one")


def two():
    x = keras.Input((3,), name="x")
    outputs = [layers.Dense(2, name="a")(x), layers.Dense(1, activation="sigmoid", name="b")(x)]
    return keras.Model(x, outputs, name="two")


CASES = {
    "weighted": (one, {
        "loss": "mse", "metrics": ["mae"],
        "weighted_metrics": ["mae", "mse", metrics.BinaryAccuracy(), metrics.AUC(name="auc")],
    }),
    "names": (one, {
        "loss": "mse", "metrics": ["mae", "mae", metrics.MeanAbsoluteError(name="mae")],
        "weighted_metrics": ["mae", "mae", metrics.Precision(name="p"), "mse"],
    }),
    "one loss for all": (two, {"loss": "mae", "metrics": [["mse"], ["mse", "accuracy"]]}),
    "weighted outputs": (two, {
        "loss": {"a": "mse", "b": "binary_crossentropy"}, "loss_weights": {"a": 0.5, "b": 2.0},
        "metrics": {"b": ["accuracy"]}, "weighted_metrics": {"a": ["mse"], "b": ["accuracy"]},
    }),
    "functions": (one, {
        "loss": losses.mean_absolute_error,
        "metrics": [
            losses.huber, metrics.MeanMetricWrapper(losses.mean_squared_error, name="m"),
            losses.binary_focal_crossentropy, metrics.mean_squared_error,
        ],
    }),
    "a function with settings": (one, {"loss": Around(losses.huber, delta=0.3)}),
}  # fmt: skip


def compute(number, make, arguments):
    keras.utils.clear_session()
    model = make()
    model.compile(keras.optimizers.SGD(0.1), **arguments)
    rng = np.random.default_rng(number)
    x = rng.normal(size=(N, *model.input_shape[1:])).astype("float32")
    shapes = model.output_shape if isinstance(model.output_shape, list) else [model.output_shape]
    ys = [rng.integers(0, 2, (N, *shape[1:])).astype("float32") for shape in shapes]
    weights = [rng.uniform(0, 2, N).astype("float32") for _ in ys]
    for w in model.weights:
        w.assign(rng.normal(size=w.shape))
    y, rows = (ys, weights) if len(ys) > 1 else (ys[0], weights[0])
    found = model.evaluate(x, y, sample_weight=rows, batch_size=3, verbose=0, return_dict=True)
    logs = model.train_on_batch(x, y, sample_weight=rows, return_dict=True)
    return {
        "number": number,
        "config": json.loads(model.to_json()),
        "compile": model.get_compile_config(),
        "evaluate": {name: float(value) for name, value in found.items()},
        "train": {name: float(value) for name, value in logs.items()},
    }


if __name__ == "__main__":
    found = {name: compute(800 + i, *case) for i, (name, case) in enumerate(CASES.items())}
    text = json.dumps(found, separators=(",", ":"))
    (HERE / "compile.json").write_text(text + "\n")
    print(len(text), {name: sorted(case["train"]) for name, case in found.items()})
