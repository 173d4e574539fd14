"""specc's graphs on onnxruntime. BENCH_TARGET: how training graphs are lowered. BENCH_INTERNAL:
`yes` where onnxruntime's internal operators are allowed. BENCH_LOOP:

- `step`, the default: `train_on_batch`.
- `fit`: `fit` on arrays, shuffled, from the end of a step to the end of the next.
- `served`: `model.onnx` on onnxruntime as it is, as the exports of others are run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import onnxruntime as ort
from worker import Peer, Task, laps, serve

import specc
from specc.compiler.bundle import baked


def model_of(task: Task, target: str) -> tuple[specc.Model, Callable[[list[np.ndarray]], Any]]:
    """The model with the task's weights, and what turns a batch's arrays into its inputs."""
    spec = specc.load(task.plan["spec"])
    internal = specc.internal_ops() if os.environ.get("BENCH_INTERNAL") == "yes" else None
    model = specc.Model(spec, target, seed=0, threads=task.threads, internal=internal)
    model.set_weights(task.weights)
    names = [item["name"] for item in task.plan["inputs"]]

    def given(xs: list[np.ndarray]) -> Any:
        return dict(zip(names, xs, strict=True)) if len(xs) > 1 else xs[0]

    return model, given


class Ends(specc.Callback):
    """When the steps of each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[list[float]] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        del epoch, logs
        self.ends.append([])

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        del batch, logs
        self.ends[-1].append(time.perf_counter())


def whole_fit(
    model: specc.Model, task: Task, given: Callable[[list[np.ndarray]], Any]
) -> Callable[[int], list[float]]:
    """Times of what `fit` does for a step, data and callbacks included."""
    inputs, targets = task.samples()

    def run(steps: int) -> list[float]:
        clock, size = Ends(), task.plan["batch"]
        epochs = -(-steps // (len(targets) // size - 1))
        model.fit(given(inputs), targets, size, epochs, verbose=0, callbacks=[clock])
        return [ms for ends in clock.ends for ms in laps(ends)]

    return run


def served(model: specc.Model, task: Task) -> Callable[[list[np.ndarray]], np.ndarray]:
    """Predictions of `model.onnx`."""
    program = baked(model.spec, model.weights)
    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = ort.InferenceSession(program.model, options, providers=["CPUExecutionProvider"])
    names = [item["name"] for item in task.plan["inputs"]]
    return lambda xs: session.run(None, dict(zip(names, xs, strict=True)))[0]


def make(task: Task) -> Peer:
    model, given = model_of(task, os.environ.get("BENCH_TARGET", "cpu"))
    batches = task.cycle()

    def loss(xs: list[np.ndarray], y: np.ndarray) -> float:
        return model.train_on_batch(given(xs), y)["loss"]

    def step() -> None:
        xs, y = next(batches)
        model.train_on_batch(given(xs), y)

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        return model.predict(given(xs), batch_size=len(xs[0]))

    versions = {name: version(name) for name in ("specc", "onnxruntime")}
    loop = os.environ.get("BENCH_LOOP")
    if loop == "served":
        return Peer(versions, predict=served(model, task))
    if loop == "fit":
        return Peer(versions, loss, run=whole_fit(model, task, given))
    return Peer(versions, loss, step, predict=predict)


if __name__ == "__main__":
    serve(make)
