"""Runs of a small spec with everything that has state or chance, and where they can be stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import specc
from specc.progress import Progress
from specc.runs.training import Trained, train
from specc.spec.reader import loads

# Dropout, moving statistics, slots, averages; 21 samples train in 4 batches, the last one small.
SPEC = """
specc: 1
name: small
inputs: {x: [4, 4, 2]}
layers:
  - conv2d: {filters: 3, kernel_size: 3, padding: same}
  - batch_normalization: {momentum: 0.8}
  - activation: relu
  - flatten
  - dropout: 0.4
  - dense: {units: 3, activation: softmax}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.01, use_ema: true, ema_momentum: 0.9}}
  metrics: [accuracy]
  epochs: 3
  batch_size: 6
  validation_split: 0.3
data:
  npz: {path: data.npz}
"""
EPOCHS, STEPS = 3, 4


def write_data(folder: Path) -> None:
    """`data.npz` of 30 samples and 10 for the test."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 4, 4, 2)).astype(np.float32)
    y = rng.integers(0, 3, 40)
    np.savez(folder / "data.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])


def spec(**train: object) -> specc.Spec:
    """The spec, with settings of `train:` replaced."""
    return loads(SPEC, overrides=[f"train.{name}={value}" for name, value in train.items()])


class Killed(Exception):  # noqa: N818 - it is no error
    """Ends a run as a kill does: nothing is written any more."""


class Killer(Progress):
    """Ends a run after a number of steps of this process, where a loop tells of its progress."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self, epoch: int, step: int, logs: object) -> None:
        if self.steps == 0:
            raise Killed
        self.steps -= 1


class Notes(Progress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def run(folder: Path, made: specc.Spec | None = None, **options: object) -> Trained:
    """Train, with the data beside the run."""
    return train(made or spec(), folder, data=folder.parent, **options)  # pyright: ignore[reportArgumentType]


def result(folder: Path) -> dict[str, bytes]:
    """Everything that a finished run leaves, but for checkpoints before the last."""
    steps = sorted((folder / "checkpoints").glob("step-*"))
    files = [path for path in folder.iterdir() if path.is_file()]
    best = folder / "checkpoints" / "best.safetensors"
    return {path.name: path.read_bytes() for path in [*files, steps[-1], best]}
