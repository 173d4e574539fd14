"""Small specs that together use what the compiler does."""

from __future__ import annotations

from pathlib import Path

import specc
from specc.spec.model import Spec

IMAGE = """
specc: 1
name: image
inputs: {image: [9, 8, 1]}
layers:
  - conv2d: {filters: 3, kernel_size: 3, activation: relu, kernel_regularizer: {l2: 0.01}}
  - max_pooling2d: 2
  - conv2d: {filters: 4, kernel_size: 2, padding: same, activation: tanh}
  - batch_normalization
  - dropout: 0.3
  - flatten
  - dense: {units: 6, activation: relu, activity_regularizer: {l1: 0.02}}
  - dense: {units: 3, activation: softmax}
train:
  loss: categorical_crossentropy
  optimizer: {sgd: {learning_rate: 1.0}}
  metrics: [accuracy]
"""

RESIDUAL = """
specc: 1
name: residual
inputs: {image: [6, 6, 2]}
layers:
  - conv2d: {filters: 4, kernel_size: 3, padding: same, dilation_rate: 2, use_bias: false}
    name: stem
  - batch_normalization
  - leaky_re_lu:
    name: a
  - depthwise_conv2d: {kernel_size: 3, padding: same}
  - conv2d: {filters: 4, kernel_size: 1}
    name: b
  - add:
    inputs: [a, b]
  - average_pooling2d: {pool_size: 3, strides: 2, padding: same}
  - conv2d_transpose: {filters: 2, kernel_size: 3, strides: 2}
  - layer_normalization:
    name: wide
  - max_pooling2d: {pool_size: 3, strides: 2}
  - conv2d: {filters: 2, kernel_size: 2, strides: 3}
    name: strided
  - global_average_pooling2d:
    name: mean
    inputs: wide
  - flatten:
    name: flat
    inputs: strided
  - dense: 2
    name: narrow
    inputs: flat
  - dense: 3
    name: head
    inputs: mean
  - call: head
    name: again
    inputs: [narrow]
outputs: [head, again]
train:
  loss: [mse, huber]
  loss_weights: [1.0, 0.5]
  optimizer: {sgd: {learning_rate: 1.0}}
"""

TOWERS = """
specc: 1
name: towers
inputs: {image: [5, 6, 2], table: [4]}
models:
  encoder:
    inputs: {x: [4]}
    layers:
      - dense: {units: 5, activation: gelu}
      - dense: 3
layers:
  - conv2d: {filters: 3, kernel_size: 3, data_format: channels_last, activation: elu}
    inputs: image
  - max_pooling2d: {pool_size: 2, padding: same}
  - flatten:
    name: seen
  - call: encoder
    name: read
    inputs: table
  - concatenate:
    inputs: [seen, read]
    name: both
  - dense: {units: 1, activation: sigmoid}
    name: yes_or_no
  - dense: 4
    name: kind
    inputs: both
outputs: [yes_or_no, kind]
train:
  loss:
    yes_or_no: binary_crossentropy
    kind: {sparse_categorical_crossentropy: {from_logits: true}}
  optimizer: {sgd: {learning_rate: 1.0}}
  metrics: {kind: [accuracy]}
"""

TEXTS = {"image": IMAGE, "residual": RESIDUAL, "towers": TOWERS}


def spec(text: str, folder: Path) -> Spec:
    """A spec from its text."""
    path = folder / "spec.yaml"
    path.write_text(text)
    return specc.load(path)
