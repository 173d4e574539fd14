"""specc's `cpu` target on onnxruntime: the same network from specs/mnist_cnn.yaml."""

from __future__ import annotations

import itertools
from importlib.metadata import version
from pathlib import Path

import numpy as np
from worker import Peer, serve

import specc

SPEC = Path(__file__).parents[2] / "specs" / "mnist_cnn.yaml"


def make(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> Peer:
    model = specc.Model(specc.load(SPEC), target="cpu", device="cpu", seed=0)
    model.set_weights(weights)
    batches = itertools.cycle(zip(x, y, strict=True))

    def loss(one_x: np.ndarray, one_y: np.ndarray) -> float:
        return model.train_on_batch(one_x, one_y)["loss"]

    def step() -> None:
        model.train_on_batch(*next(batches))

    versions = {name: version(name) for name in ("specc", "onnxruntime")}
    return Peer(versions, loss, step)


if __name__ == "__main__":
    serve(make)
