"""The commented spec that `specc init` writes."""

from __future__ import annotations

_TEXT = """\
# A model is data: this file says everything about it. `specc train FILE` trains it,
# `specc summary FILE` shows its layers, `specc check FILE` finds mistakes.
specc: 1                              # version of the language
name: NAME

# Shapes without the batch axis, channels last. Several inputs: {image: [8, 8, 1], table: [6]};
# other element types: {tokens: {shape: [20], dtype: int32}}.
inputs: {image: [8, 8, 1]}

# Each layer reads the one above. Names and fields are those of Keras, in snake_case:
# `flatten` takes the defaults, `max_pooling2d: 2` sets the first field, {...} sets any.
layers:
  - conv2d: {filters: 16, kernel_size: 3, padding: same, activation: relu}
  - max_pooling2d: 2
  - conv2d: {filters: 32, kernel_size: 3, padding: same, activation: relu}
  - max_pooling2d: 2
  - flatten
  - dropout: 0.25
  - dense: {units: 10, activation: softmax}
# A graph: give layers a name, and say what they read.
#   - dense: 32
#     name: a
#   - add:
#     inputs: [a, b]

train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.002}}
  metrics: [accuracy]
  epochs: 10
  batch_size: 64

# digits comes with scikit-learn; others: mnist, npz: {path: data.npz}, csv: {path: data.csv}.
data:
  dataset: digits
"""


def starter(name: str = "my_model") -> str:
    """A small digits classifier with comments that explain the language."""
    return _TEXT.replace("NAME", name, 1)
