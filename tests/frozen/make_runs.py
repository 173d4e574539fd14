"""Writes runs.json: what Keras' fit makes of specs that average weights or schedule the rate.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_runs.py

The data is computed again by `data`, which tests import; weights begin with zeros. An epoch has
several steps and a small last batch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

COUNT, BATCH, EPOCHS = 30, 9, 5
# Optimizers in the words of specs.
CASES: dict[str, dict[str, Any]] = {
    "ema": {"sgd": {"learning_rate": 0.4, "use_ema": True, "ema_momentum": 0.9}},
    "ema_every_step": {
        "sgd": {
            "learning_rate": 0.4, "momentum": 0.8, "use_ema": True, "ema_momentum": 0.5,
            "ema_overwrite_frequency": 1,
        }
    },
    "ema_every_three": {
        "adam": {
            "learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.7,
            "ema_overwrite_frequency": 3,
        }
    },
    "warmup": {
        "sgd": {
            "learning_rate": {
                "cosine_decay": {
                    "initial_learning_rate": 0.05, "decay_steps": 9, "alpha": 0.1,
                    "warmup_target": 0.6, "warmup_steps": 5,
                }
            }
        }
    },
    "restarts": {
        "adam": {
            "learning_rate": {
                "cosine_decay_restarts": {
                    "initial_learning_rate": 0.2, "first_decay_steps": 3, "t_mul": 2.0,
                    "m_mul": 0.5, "alpha": 0.01,
                }
            }
        }
    },
}  # fmt: skip


def data() -> tuple[np.ndarray, np.ndarray]:
    """(x (30, 3), y (30,)): classes 0, 1, 2 with 17, 9 and 4 samples in all."""
    x = np.sin(np.arange(COUNT * 3, dtype=np.float64) ** 1.3).reshape(COUNT, 3).astype(np.float32)
    y = np.zeros(COUNT, np.int64)
    y[1::3] = 1
    y[[4, 2, 11, 29]] = 2
    return x, y


def optimizer(fields: dict[str, Any]) -> Any:
    """Keras' object for an optimizer of a spec."""
    import keras

    ((name, own),) = fields.items()
    own = dict(own)
    if isinstance(own["learning_rate"], dict):
        ((kind, settings),) = own["learning_rate"].items()
        made = {
            "cosine_decay": keras.optimizers.schedules.CosineDecay,
            "cosine_decay_restarts": keras.optimizers.schedules.CosineDecayRestarts,
        }[kind]
        own["learning_rate"] = made(**settings)
    return {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[name](**own)


def trained(fields: dict[str, Any]) -> dict[str, Any]:
    """Logs and weights after every epoch, weights at the end of fit."""
    import keras

    x, y = data()
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, "softmax", kernel_initializer="zeros")]
    )
    model.compile(optimizer(fields), "sparse_categorical_crossentropy", metrics=["accuracy"])
    weights: list[list[Any]] = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append([w.tolist() for w in model.get_weights()])
    )
    history = model.fit(
        x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, validation_split=0.2, verbose=0,
        callbacks=[keep],
    ).history  # fmt: skip
    history.pop("learning_rate", None)
    return {
        "history": history, "weights": weights,
        "end": [w.tolist() for w in model.get_weights()],
    }  # fmt: skip


if __name__ == "__main__":
    found = {name: trained(fields) for name, fields in CASES.items()}
    Path(__file__).with_name("runs.json").write_text(json.dumps(found) + "\n")
