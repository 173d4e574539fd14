"""Keras trains a model from a .keras file on batches in a given order: MODEL BATCHES.npz OUT.json.

BATCHES.npz holds training windows `x`, `y`, held-out ones `val_x`, `val_y`, the rows of each step
`rows` (steps, batch), the steps behind which the held-out loss is wanted `points`, and the
optimizer's class and fields as JSON `optimizer`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras_fit import limit_threads


def main() -> None:
    path, batches, out = sys.argv[1:]
    limit_threads(int(os.environ["BENCH_THREADS"]))
    with np.load(batches) as file:
        given = dict(file)
    kind, fields = json.loads(str(given["optimizer"]))
    model = keras.models.load_model(path, compile=False)
    model.compile(getattr(keras.optimizers, kind)(**fields), "sparse_categorical_crossentropy")
    points, losses, held_out = set(given["points"].tolist()), [], {}
    for step, rows in enumerate(given["rows"], 1):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(given["x"][rows], given["y"][rows])))
        if step in points:
            size = len(rows)
            found = model.evaluate(given["val_x"], given["val_y"], batch_size=size, verbose=0)
            held_out[str(step)] = float(found)
            print(f"  {keras.backend.backend()} {step}: {found:.4f}", file=sys.stderr, flush=True)
    Path(out).write_text(json.dumps({"losses": losses, "held_out": held_out}))


if __name__ == "__main__":
    main()
