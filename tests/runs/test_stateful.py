"""Runs whose layers carry states from batch to batch.

Oracles: the bytes that an uninterrupted run leaves; a loop over a `Model`; NumPy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

import specc
from specc.checkpoint import load
from specc.errors import DataError
from specc.runs import training
from specc.runs.using import evaluate, predict
from specc.spec.reader import loads
from tests.runs.running import Killed, Killer, result, run

SPEC = """
specc: 1
name: carrying
inputs: {x: {shape: [3, 2], batch: 4}}
layers:
  - gru: {units: 3, stateful: true, return_sequences: true}
  - bidirectional: {layer: {lstm: {units: 2, stateful: true}}}
  - dense: 1
train: {loss: mse, optimizer: {adam: 0.05}, epochs: 3, batch_size: 4, shuffle: false}
data: {npz: {path: data.npz}}
"""


def spec(**train: object) -> specc.Spec:
    return loads(SPEC, overrides=[f"train.{name}={value}" for name, value in train.items()])


def arrays(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3, 2)).astype("f"), rng.normal(size=(count, 1)).astype("f")


def write_data(folder: Path, count: int = 12, test: int = 8) -> None:
    (x, y), (u, v) = arrays(count, 1), arrays(test, 2)
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=u, y_test=v)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carrying")
    write_data(folder)
    run(folder / "whole", spec())
    return folder / "whole"


def last_states(folder: Path) -> dict[str, np.ndarray]:
    named, _ = load(sorted((folder / "checkpoints").glob("step-*"))[-1])
    return {name: array for name, array in named.items() if "rnn_state" in name}


@pytest.mark.parametrize("steps", [2, 3, 7])
def test_a_resumed_run_ends_with_the_same_bytes(
    whole: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    folder = whole.parent / f"killed{steps}"
    with pytest.raises(Killed):
        run(folder, spec(), progress=Killer(steps))
    run(folder, spec(), resume=True)
    assert result(folder) == result(whole)


def test_a_run_is_what_a_model_does_without_resets(whole: Path) -> None:
    x, y = arrays(12, 1)
    model = specc.Model(spec())
    model.fit(x, y, epochs=3, shuffle=False, verbose=0)
    states = last_states(whole)
    assert len(states) == 5
    for name, array in states.items():
        np.testing.assert_array_equal(array, model._engine.state()[name])
    logs = model.evaluate(*arrays(8, 2))
    assert evaluate(whole) == logs


def test_reset_states_begins_every_epoch_with_zeros(whole: Path) -> None:
    x, y = arrays(12, 1)
    model = specc.Model(spec())
    for epoch in range(3):
        model.fit(x, y, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0)
        model.reset_states()
    folder = whole.parent / "reset"
    run(folder, spec(callbacks="[reset_states]"))
    named, _ = load(sorted((folder / "checkpoints").glob("step-*"))[-1])
    for name, array in model.weights.items():
        np.testing.assert_array_equal(named[name], array)
    assert not any(array.any() for array in last_states(folder).values())


def test_predictions_begin_with_zeros_and_go_on_from_batch_to_batch(whole: Path) -> None:
    x, _ = arrays(10, 3)
    np.save(whole.parent / "x.npy", x)
    named, _ = load(sorted((whole / "checkpoints").glob("step-*"))[-1])
    model = specc.Model(spec())
    model.set_weights({name: named[name] for name in model.weights})
    # The last batch is filled up; what fills it is of no account for the others.
    filled = np.concatenate([x, np.repeat(x[-1:], 2, 0)])
    found = predict(whole, [whole.parent / "x.npy"]).outputs["dense"]
    np.testing.assert_allclose(found, np.asarray(model.predict(filled))[:10], rtol=1e-5)


def test_the_served_model_takes_its_states_and_gives_them_back(whole: Path) -> None:
    x, _ = arrays(8, 3)
    session = ort.InferenceSession(whole / "model.onnx")
    assert [i.name for i in session.get_inputs()] == ["x", "layer_states"]
    states = np.zeros(session.get_inputs()[1].shape, "f")
    found = []
    for part in (x[:4], x[4:]):
        y, states = session.run(["dense", "next/layer_states"], {"x": part, "layer_states": states})
        found.append(y)
    np.save(whole.parent / "x8.npy", x)
    expected = predict(whole, [whole.parent / "x8.npy"]).outputs["dense"]
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_data_that_leaves_a_smaller_batch_leaves_no_folder(tmp_path: Path) -> None:
    write_data(tmp_path, test=6)
    with pytest.raises(DataError, match="test split: expected a number of samples that 4,"):
        run(tmp_path / "run", spec())
    assert not (tmp_path / "run").exists()
