"""Batches to learn something from: real data where there is a set, else a rule with noise.

`compare.py` times steps on noise; runs that shall learn need these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from comparing.workloads import Task
from specc.data.cifar import Cifar10
from specc.data.mnist import Mnist

SEED = 2
Array: TypeAlias = np.ndarray
# Inputs in the plan's order, and targets: count rows each.
Rows: TypeAlias = tuple[list[Array], Array]


def lesson(name: str, task: Task, folder: Path | None, count: int) -> Task:
    """The task with `count` batches of what the workload is made for.

    Args:
        folder: with MNIST, CIFAR-10 and tiny Shakespeare in folders of their own.
    """
    rows, size = LESSONS[name](task, folder, count * task.plan["batch"]), task.plan["batch"]
    inputs, targets = rows
    batched = [x.reshape(count, size, *x.shape[1:]) for x in inputs]
    return replace(task, inputs=batched, targets=targets.reshape(count, size, *targets.shape[1:]))


def drawn(of: int, count: int) -> Array:
    """`count` of the first `of` numbers: one permutation after the other."""
    rng = np.random.default_rng(SEED)
    return np.concatenate([rng.permutation(of) for _ in range(-(-count // of))])[:count]


def digits(task: Task, folder: Path | None, count: int) -> Rows:
    """MNIST in the shape of the model's input."""
    samples = Mnist().load(folder).train
    rows = drawn(len(samples), count)
    x = samples.x[0][rows].reshape(count, *task.plan["inputs"][0]["shape"])
    return [np.asarray(x, np.float32)], one_hot(samples.y[0][rows], 10)


def photographs(task: Task, folder: Path | None, count: int) -> Rows:
    """CIFAR-10, each pixel repeated where the model sees larger images."""
    samples = Cifar10().load(folder).train
    rows = drawn(len(samples), count)
    x = np.asarray(samples.x[0][rows], np.float32)
    factor = task.plan["inputs"][0]["shape"][0] // x.shape[1]
    x = x.repeat(factor, 1).repeat(factor, 2) if factor > 1 else x
    return [x], one_hot(samples.y[0][rows], 10)


def text(task: Task, folder: Path | None, count: int) -> Rows:
    """Windows of tiny Shakespeare, their positions, and each next character."""
    path = (folder or Path()) / "tinyshakespeare" / "input.txt"
    characters = np.array(list(path.read_text(encoding="utf-8")))
    ids = np.unique(characters, return_inverse=True)[1].astype(np.int32)
    length = task.plan["inputs"][0]["shape"][0]
    starts = np.random.default_rng(SEED).integers(0, len(ids) - length, count)
    windows = ids[starts[:, np.newaxis] + np.arange(length + 1)]
    positions = np.tile(np.arange(length, dtype=np.int32), (count, 1))
    return [np.ascontiguousarray(windows[:, :-1]), positions], windows[:, 1:]


def waves(task: Task, folder: Path | None, count: int) -> Rows:
    """Ten waveforms, each with a speed and phase of its own on every channel, in noise."""
    del folder
    steps, channels = task.plan["inputs"][0]["shape"]
    rng = np.random.default_rng(SEED)
    speeds = rng.uniform(0.05, 0.5, (10, 1, channels))
    phases = rng.uniform(0, 2 * np.pi, (10, 1, channels))
    classes = rng.integers(0, 10, count)
    # Where every sample has phases of its own, training is chaotic: weights that differ by 1e-7, or
    # two backends of Keras, part after 80 steps.
    x = 0.25 * np.sin(speeds[classes] * np.arange(steps)[:, np.newaxis] + phases[classes])
    x += rng.normal(size=x.shape)
    return [x.astype(np.float32)], one_hot(classes, 10)


def table(task: Task, folder: Path | None, count: int) -> Rows:
    """Categories and numbers that each add to the log odds of a yes."""
    del folder
    rng = np.random.default_rng(SEED)
    odds = np.zeros(count)
    inputs: list[Array] = []
    for item in task.plan["inputs"]:
        if item["dtype"] == "float32":
            x = rng.normal(size=(count, *item["shape"])).astype(np.float32)
            odds += x @ rng.normal(size=item["shape"][0]) * 0.3
        else:
            x = rng.integers(0, item["high"], count).astype(item["dtype"])
            odds += rng.normal(size=item["high"])[x]
        inputs.append(x)
    yes = rng.random(count) < 1 / (1 + np.exp(-odds))
    return inputs, yes.astype(np.float32)[:, np.newaxis]


def one_hot(classes: Array, count: int) -> Array:
    return np.eye(count, dtype=np.float32)[classes]


LESSONS: dict[str, Callable[[Task, Path | None, int], Rows]] = {
    "mnist_cnn": digits,
    "mlp": digits,
    "lenet5": digits,
    "resnet20": photographs,
    "mobilenet_v2": photographs,
    "lstm": waves,
    "gpt": text,
    "tabular": table,
}
