"""Writes callbacks.json: what Keras' callbacks do where only some epochs have a validation.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_callbacks.py
"""

import json
import warnings
from pathlib import Path

import keras
import numpy as np

EPOCHS = 16
STOPPING = [
    {"patience": 0},
    {"patience": 2},
    {"patience": 1, "min_delta": 0.05},
    {"patience": 2, "start_from_epoch": 5},
    {"patience": 3, "baseline": 0.6},
]
RATES = [
    {"patience": 1, "factor": 0.5},
    {"patience": 2, "factor": 0.5, "cooldown": 1},
    {"patience": 0, "factor": 0.1, "cooldown": 2, "min_delta": 0.1, "min_lr": 0.004},
]
VALIDATED = [1, 2, 3, [2, 3, 7, 8, 12]]


class Optimizer:
    """Holds a learning rate as Keras' optimizers do, in float32."""

    def __init__(self):
        self._rate = np.float32(0.1)

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, rate):
        self._rate = np.float32(rate)


class Model:
    """What callbacks look at; its weights are the number of the epoch."""

    def __init__(self):
        self.stop_training, self.optimizer, self.metrics = False, Optimizer(), []
        self.epoch = None

    def get_weights(self):
        return self.epoch

    def set_weights(self, epoch):
        self.epoch = epoch


def epochs(values, validated):
    """Logs of each epoch, with the validation's where there is one."""
    for epoch, value in enumerate(values):
        due = epoch + 1 in validated if isinstance(validated, list) else not (epoch + 1) % validated
        yield epoch, {"loss": 1.0} | ({"val_loss": value} if due else {})


def run(callback, values, validated):
    """(epochs that were trained, whose weights are the result, the rate of each)."""
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, logs in epochs(values, validated):
        model.epoch = epoch
        rates.append(float(str(model.optimizer.learning_rate)))
        callback.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callback.on_train_end()
    return len(rates), model.epoch, rates


warnings.simplefilter("ignore")  # of epochs without validation
rng = np.random.default_rng(7)
falling = 1 / (1 + 0.2 * np.arange(EPOCHS))
series = [np.round(falling + rng.normal(0, 0.15, EPOCHS), 3).tolist() for _ in range(4)]
kinds = [("EarlyStopping", {**each, "restore_best_weights": True}) for each in STOPPING]
kinds += [("ReduceLROnPlateau", each) for each in RATES]
cases = []
for number, values in enumerate(series):
    for validated in VALIDATED:
        for name, fields in kinds:
            made = getattr(keras.callbacks, name)(**fields)
            count, best, rates = run(made, values, validated)
            result = best if name == "EarlyStopping" else rates
            cases.append([name, fields, number, validated, count, result])
text = json.dumps({"values": series, "cases": cases}).replace('], ["', '],\n["')
(Path(__file__).parent / "callbacks.json").write_text(text + "\n")
