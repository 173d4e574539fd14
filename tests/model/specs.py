"""Small models for tests of the Python contract."""

from __future__ import annotations

import numpy as np

import specc
from specc.spec.reader import loads

LINE = """
specc: 1
name: line
inputs: {x: [3]}
layers:
  - {dense: 2, name: out}
train: {loss: mse, optimizer: {sgd: {learning_rate: 0.1}}, metrics: [mae]}
"""

# Everything that has state or chance: dropout, moving statistics, slots, averages.
RICH = """
specc: 1
name: rich
inputs: {x: [4, 4, 2]}
layers:
  - {conv2d: {filters: 3, kernel_size: 3, padding: same}, name: conv}
  - {batch_normalization: {momentum: 0.8}, name: bn}
  - activation: relu
  - flatten
  - dropout: 0.4
  - {dense: {units: 3, activation: softmax}, name: out}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.01, use_ema: true, ema_momentum: 0.9}}
  metrics: [accuracy]
"""

# Two inputs, one of them ids; two outputs with weights of their own.
TOWERS = """
specc: 1
name: towers
inputs: {ids: {shape: [3], dtype: int32}, extra: [2]}
layers:
  - {embedding: {input_dim: 5, output_dim: 2}, name: table, inputs: ids}
  - {flatten: {}, name: flat}
  - {concatenate: {}, name: both, inputs: [flat, extra]}
  - {dense: {units: 3, activation: softmax}, name: kind, inputs: both}
  - {dense: 1, name: price, inputs: both}
outputs: [kind, price]
train:
  loss: {kind: sparse_categorical_crossentropy, price: mse}
  loss_weights: {kind: 1.0, price: 0.5}
  optimizer: {sgd: {learning_rate: 0.1}}
  metrics: {kind: [accuracy]}
"""


def model(text: str = LINE, **options: object) -> specc.Model:
    """A compiled model."""
    return specc.Model(loads(text), **options)  # pyright: ignore[reportArgumentType]


def line_data(n: int = 11, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples for `LINE`."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)).astype("f4"), rng.normal(size=(n, 2)).astype("f4")


def rich_data(n: int = 22, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples for `RICH`."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4, 4, 2)).astype("f4"), rng.integers(0, 3, n)


def towers_data(n: int = 6, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Samples for `TOWERS`."""
    rng = np.random.default_rng(seed)
    x = [rng.integers(0, 5, (n, 3)).astype("i4"), rng.normal(size=(n, 2)).astype("f4")]
    return x, [rng.integers(0, 3, n), rng.normal(size=(n, 1)).astype("f4")]
