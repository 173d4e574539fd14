"""Keras' own ONNX export of the model, run on onnxruntime: predictions only."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import keras
import numpy as np
import onnxruntime as ort
from keras_fit import built, limit_threads
from worker import Peer, Task, Unsupported, serve


def make(task: Task) -> Peer:
    versions = limit_threads(task.threads)
    path = str(Path(tempfile.mkdtemp()) / "model.onnx")
    model = built(task)
    model(list(map(keras.ops.convert_to_tensor, task.rows(1))), training=False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            model.export(path, format="onnx", verbose=False)
    except Exception as error:  # noqa: BLE001 - exporters fail in many ways
        raise Unsupported(f"export: {str(error).strip().partition(chr(10))[0][:200]}") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        return session.run(None, dict(zip(names, xs, strict=True)))[0]

    return Peer({**versions, "onnxruntime": ort.__version__}, predict=predict)


if __name__ == "__main__":
    serve(make)
