"""Class weights, averaged weights and scheduled rates, through `specc train` and its checkpoints.

Oracles: a loop in NumPy in float64, and Keras' fit (tests/frozen/make_runs.py).
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specc
from specc.checkpoint import load
from specc.spec.reader import loads
from tests.app.console import invoke
from tests.frozen.make_runs import BATCH, CASES, EPOCHS, data

FROZEN = json.loads((Path(__file__).parents[1] / "frozen" / "runs.json").read_text())
SPEC = f"""
specc: 1
inputs: {{x: [3]}}
layers:
  - dense: {{units: 3, activation: softmax, kernel_initializer: zeros}}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {{sgd: 0.4}}
  metrics: [accuracy]
  weighted_metrics: [accuracy]
  epochs: {EPOCHS}
  batch_size: {BATCH}
  shuffle: false
  validation_split: 0.2
  callbacks: [{{model_checkpoint: {{every: 1}}}}]
data:
  npz: {{path: data.npz}}
"""
WEIGHTS = ("dense/kernel", "dense/bias")


def trained(
    folder: Path, **settings: object
) -> tuple[list[dict[str, float]], list[Any], list[Any]]:
    """(rows of metrics.csv, weights after every epoch, weights of the trained model)."""
    x, y = data()
    np.savez(folder / "data.npz", x=x, y=y)
    (folder / "a.yaml").write_text(SPEC)
    chosen = [f"--set=train.{name}={value}" for name, value in settings.items()]
    done = invoke("train", folder / "a.yaml", "-o", folder / "run", "--data", folder, *chosen)
    assert done.exit_code == 0, done.output
    with (folder / "run" / "metrics.csv").open(newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    kept = [
        load(folder / "run" / "checkpoints" / f"epoch-{i + 1:04d}.safetensors")[0]
        for i in range(EPOCHS)
    ]
    last = load(sorted((folder / "run" / "checkpoints").glob("step-*"))[-1])[0]
    return rows, [[each[n] for n in WEIGHTS] for each in kept], [last[n] for n in WEIGHTS]


def loop(weight: np.ndarray, rate: float = 0.4) -> tuple[list[dict[str, float]], list[Any]]:
    """Softmax regression in float64: logs of every epoch, and weights after it.

    A loss is the sum over a batch of weight times loss, by the number of samples; the epoch's is
    the mean over batches, each by its number; a weighted metric is by the sum of the weights.
    Source: keras/src/losses/loss.py, keras/src/trainers/trainer.py (3.15.1).
    """
    x, y = data()
    count = int(len(y) * 0.8)
    x64 = x.astype(np.float64)
    w, b = np.zeros((3, 3)), np.zeros(3)

    def of(rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z = x64[rows] @ w + b
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p, -np.log(p[np.arange(len(p)), y[rows]]), p.argmax(axis=1) == y[rows]

    logs, after = [], []
    for _ in range(EPOCHS):
        total, right, weighted = 0.0, 0.0, 0.0
        for start in range(0, count, BATCH):
            rows = slice(start, min(start + BATCH, count))
            p, losses, hits = of(rows)
            each = weight[rows]
            total += float((each * losses).sum())
            right += float(hits.sum())
            weighted += float((each * hits).sum())
            dz = (p - np.eye(3)[y[rows]]) * each[:, None] / len(p)
            w, b = w - rate * x64[rows].T @ dz, b - rate * dz.sum(axis=0)
        _, losses, hits = of(slice(count, None))
        logs.append({
            "loss": total / count, "accuracy": right / count,
            "weighted_accuracy": weighted / weight[:count].sum(),
            "val_loss": losses.mean(), "val_accuracy": hits.mean(),
            "val_weighted_accuracy": hits.mean(),
        })  # fmt: skip
        after.append((w, b))
    return logs, after


def by_class(weights: dict[int, float]) -> np.ndarray:
    """The weight of each sample."""
    return np.array([weights.get(int(each), 1.0) for each in data()[1]])


def balanced() -> dict[int, float]:
    """n / (classes count) of the samples that are trained on, without those that validate."""
    y = data()[1][:24]
    counts = {int(k): int((y == k).sum()) for k in np.unique(y)}
    return {k: len(y) / (len(counts) * n) for k, n in counts.items()}


def close(found: list[dict[str, float]], expected: list[dict[str, float]]) -> None:
    for row, want in zip(found, expected, strict=True):
        for name, value in want.items():
            assert row[name] == pytest.approx(value, rel=2e-5), name


@pytest.mark.parametrize(
    ("written", "weights"), [("{0: 3.0, 2: 0.5}", {0: 3.0, 2: 0.5}), ("balanced", balanced())]
)
def test_class_weights(tmp_path: Path, written: str, weights: dict[int, float]) -> None:
    rows, after, _ = trained(tmp_path, class_weight=written)
    logs, expected = loop(by_class(weights))
    close(rows, logs)
    for got, want in zip(after, expected, strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
    assert abs(logs[-1]["weighted_accuracy"] - logs[-1]["accuracy"]) > 0.01


@pytest.mark.parametrize("given", ["sample_weight", "class_weight", "balanced"])
def test_weights_of_samples_and_classes_through_fit(given: str) -> None:
    """`Model.fit` goes by its arguments: without one nothing weighs, whatever the spec says."""
    x, y = data()
    spec = loads(SPEC, overrides=["train.class_weight={0: 9.0}", "train.callbacks=[]"])
    options: dict[str, Any] = {
        "sample_weight": {"sample_weight": np.linspace(0.1, 2.0, len(y))},
        "class_weight": {"class_weight": {1: 2.5}},
        "balanced": {"class_weight": "balanced"},
    }[given]
    weight = {
        "sample_weight": np.linspace(0.1, 2.0, len(y)), "class_weight": by_class({1: 2.5}),
        "balanced": by_class(balanced()),
    }[given]  # fmt: skip
    fixed: dict[str, Any] = {
        "batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, "validation_split": 0.2,
        "verbose": 0,
    }  # fmt: skip
    logs, expected = loop(weight)
    model = specc.Model(spec)
    history = model.fit(x, y, **fixed, **options).history
    names = [n for n in logs[0] if given != "sample_weight" or not n.startswith("val_")]
    close([{n: history[n][i] for n in names} for i in range(EPOCHS)],
          [{n: row[n] for n in names} for row in logs])  # fmt: skip
    np.testing.assert_allclose(model.weights["dense/kernel"], expected[-1][0], rtol=2e-5)
    plain = specc.Model(spec)
    plain.fit(x, y, **fixed)
    np.testing.assert_allclose(
        plain.weights["dense/kernel"], loop(np.ones(len(y)))[1][-1][0], rtol=2e-5
    )


@pytest.mark.parametrize("name", CASES)
def test_averages_and_schedules_are_those_of_keras(tmp_path: Path, name: str) -> None:
    """Logs and weights after every epoch, and at the end, where averages become the weights."""
    rows, after, end = trained(tmp_path, optimizer=json.dumps(CASES[name]), weighted_metrics="[]")
    frozen = FROZEN[name]
    close(rows, [{n: v[i] for n, v in frozen["history"].items()} for i in range(EPOCHS)])
    for got, want in zip([*after, end], [*frozen["weights"], frozen["end"]], strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
