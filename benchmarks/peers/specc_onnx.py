"""specc's graphs on onnxruntime. BENCH_TARGET: how training graphs are lowered."""

from __future__ import annotations

import os
from importlib.metadata import version

import numpy as np
from worker import Peer, Task, serve

import specc


def make(task: Task) -> Peer:
    spec = specc.load(task.plan["spec"])
    model = specc.Model(spec, os.environ.get("BENCH_TARGET", "cpu"), seed=0, threads=task.threads)
    model.set_weights(task.weights)
    names = [item["name"] for item in task.plan["inputs"]]
    batches = task.cycle()

    def given(xs: list[np.ndarray]) -> object:
        return dict(zip(names, xs, strict=True)) if len(xs) > 1 else xs[0]

    def loss(xs: list[np.ndarray], y: np.ndarray) -> float:
        return model.train_on_batch(given(xs), y)["loss"]

    def step() -> None:
        xs, y = next(batches)
        model.train_on_batch(given(xs), y)

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        return model.predict(given(xs), batch_size=len(xs[0]))

    return Peer(
        {name: version(name) for name in ("specc", "onnxruntime")}, loss, step, predict=predict
    )


if __name__ == "__main__":
    serve(make)
