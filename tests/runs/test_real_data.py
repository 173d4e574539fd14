"""Real data in files of every kind, from the file to a model that has learned something.

scikit-learn's digits as pictures in folders, its irises as tables, and tiny Shakespeare.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from specc.runs.generating import Sampling, generate
from specc.runs.training import train
from specc.spec.reader import loads

datasets = pytest.importorskip("sklearn.datasets")
SHARED = Path(__file__).parents[3] / "shared" / "data" / "tinyshakespeare"
SHAKESPEARE = Path(os.environ.get("SPECC_SHAKESPEARE", SHARED))

IRIS = """
specc: 1
inputs: {flower: [4]}
layers: [{dense: {units: 16, activation: relu}}, {dense: {units: 3, activation: softmax}}]
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: 0.02}
  metrics: [accuracy]
  epochs: 30
  class_weight: balanced
data:
  %s:
    path: %s
    target: species
    columns: {sepal length (cm): numeric, sepal width (cm): numeric,
              petal length (cm): {numeric: minmax}, petal width (cm): {numeric: minmax}}
  split: {stratified: {test: 0.2, validation: 0.1}}
"""


def iris():
    bunch = datasets.load_iris()
    columns = dict(zip(bunch.feature_names, bunch.data.T.tolist(), strict=True))
    return columns | {"species": [str(bunch.target_names[i]) for i in bunch.target]}


def test_irises_in_a_csv_file(tmp_path):
    columns = iris()
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "iris.csv").write_text("\n".join(lines))
    done = train(loads(IRIS % ("csv", "iris.csv")), tmp_path / "run", data=tmp_path)
    assert done.test["accuracy"] > 0.85
    assert "val_accuracy" in done.history.history


def test_irises_in_a_parquet_file(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table(iris()), tmp_path / "iris.parquet")
    done = train(loads(IRIS % ("parquet", "iris.parquet")), tmp_path / "run", data=tmp_path)
    assert done.test["accuracy"] > 0.85


DIGITS = """
specc: 1
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 16, kernel_size: 3, activation: relu}
  - flatten
  - dense: {units: 10, activation: softmax}
train:
  loss: categorical_crossentropy
  optimizer: {adam: 0.01}
  metrics: [accuracy]
  epochs: 6
data:
  image_folder: {path: .}
  balance: oversample
"""


def test_digits_in_folders(tmp_path):
    image = pytest.importorskip("PIL.Image")
    bunch = datasets.load_digits()
    for i, (pixels, digit) in enumerate(zip(bunch.images[:600], bunch.target[:600], strict=True)):
        path = tmp_path / ("test" if i % 5 == 0 else "train") / str(digit) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.fromarray((pixels * 15).astype(np.uint8)).save(path)
    done = train(loads(DIGITS), tmp_path / "run", data=tmp_path)
    assert done.test["accuracy"] > 0.85


TEXT = """
specc: 1
inputs: {tokens: {shape: [32], dtype: int32}}
layers:
  - embedding: {input_dim: %d, output_dim: 24}
  - conv1d: {filters: 48, kernel_size: 4, padding: causal, activation: relu}
  - dense: {units: %d, activation: softmax}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: 0.01}
  steps_per_epoch: 80
data:
  text: {path: input.txt, tokens: %s, length: 32, validation_split: 0.01}
"""


@pytest.mark.skipif(not SHAKESPEARE.is_dir(), reason="there is no copy of tiny Shakespeare")
@pytest.mark.parametrize(
    ("tokens", "size"), [("characters", 65), ("{words: {vocabulary: 100}}", 100)]
)
def test_shakespeare(tmp_path, tokens, size):
    """Better than the frequencies of single tokens alone, whose entropy is the oracle."""
    spec = loads(TEXT % (size, size, tokens))
    done = train(spec, tmp_path / "run", data=SHAKESPEARE)
    dataset = spec.data.load(SHAKESPEARE)
    ids = dataset.train.x[0]._values
    counts = np.bincount(ids, minlength=size)
    shares = counts[counts > 0] / counts.sum()
    assert done.history.history["val_loss"][-1] < -(shares * np.log(shares)).sum() - 0.3
    told = "".join(generate(tmp_path / "run", Sampling("ROMEO:", 30)))
    assert len(told) >= 30
