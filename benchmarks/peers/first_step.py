"""A program that trains the MNIST CNN in a framework: MODULE TASK.npz PLAN.json MNIST STEPS.

It reads the pixels as bytes, builds the model with a peer's module, and says `step` once its first
step is done. Then it makes the other steps.
"""

from __future__ import annotations

import gzip
import importlib
import itertools
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from worker import pin, read

HEADERS = {"images": 16, "labels": 8}


def idx(folder: Path, what: str) -> np.ndarray:
    """The bytes behind the header of one of MNIST's training files."""
    (path,) = folder.glob(f"train-{what}*")
    with (gzip.open if path.suffix == ".gz" else Path.open)(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8)[HEADERS[what] :]


def main() -> None:
    module, arrays, plan, folder, steps = sys.argv[1:]
    pin(int(os.environ["BENCH_THREADS"]))
    task = read(arrays, plan)
    size, count = task.plan["batch"], len(task.targets)
    images = idx(Path(folder), "images").reshape(-1, 28, 28, 1)
    labels = idx(Path(folder), "labels")
    rows = np.random.default_rng(0).permutation(len(labels))[: size * count]
    x = (images[rows] / np.float32(255)).reshape(count, size, 28, 28, 1)
    y = np.eye(10, dtype=np.float32)[labels[rows]].reshape(count, size, 10)
    task = replace(task, inputs=[x], targets=y)
    peer = importlib.import_module(module).make(task)
    for number, batch in enumerate(itertools.islice(itertools.cycle(task.batches()), int(steps))):
        peer.loss(*batch)
        if number == 0:
            print("step", flush=True)


if __name__ == "__main__":
    main()
