"""Callbacks of a spec in a run: what they do, and that resuming changes nothing.

Oracles: loops over the run's own logs by the rules of Keras' callbacks, and the bytes that an
uninterrupted run leaves.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

import specc
from specc.checkpoint import load
from specc.keras_files import export
from specc.network import build
from specc.runs import training
from specc.runs.listing import entry
from specc.spec.reader import loads
from tests.runs.running import STEPS, Killed, Killer, Notes, result, run, spec, write_data

# Averages of the weights and a rate that falls on a plateau; training stops early.
CALLBACKS = (
    "[{reduce_lr_on_plateau: {patience: 1, factor: 0.5, monitor: loss, min_delta: 0.2}}, "
    "{early_stopping: {patience: 2, monitor: loss, min_delta: 0.15, restore_best_weights: true}}, "
    "{model_checkpoint: {monitor: val_accuracy, every: 2}}, {csv_logger: logs.csv}]"
)


WILD = """
specc: 1
inputs: {x: [4, 4, 2]}
layers: [flatten, {dense: 8}, {dense: 1}]
train: {loss: mse, optimizer: {sgd: 1e12}, epochs: 5, batch_size: 6}
data: {npz: {path: data.npz}}
"""


def made(**train: object) -> specc.Spec:
    return spec(callbacks=CALLBACKS, epochs=9, **train)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("callbacks")
    write_data(folder)
    run(folder / "whole", made())
    return folder / "whole"


def logs_of(folder: Path) -> dict[str, list[float]]:
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_rates_and_the_end_follow_keras_rules(whole: Path) -> None:
    logs = logs_of(whole)
    rate, best, wait, rates = np.float32(0.01), math.inf, 0, []
    lowest, patience, stop = math.inf, 0, None
    for epoch, loss in enumerate(logs["loss"]):
        rates.append(float(rate))
        if loss < best - 0.2:
            best, wait = loss, 0
        else:
            wait += 1
            if wait >= 1:
                rate, wait = np.float32(float(rate) * 0.5), 0
        patience += 1
        if loss < lowest - 0.15:
            lowest, patience = loss, 0
        elif patience >= 2 and epoch > 0 and stop is None:
            stop = epoch
    assert logs["learning_rate"] == rates
    assert len(set(rates)) > 1
    assert stop == len(logs["loss"]) - 1 < 8


def test_the_result_is_the_best_epochs(whole: Path) -> None:
    kept, _ = load(whole / "checkpoints" / "early_stopping.safetensors")
    last, meta = load(sorted((whole / "checkpoints").glob("step-*"))[-1])
    np.testing.assert_array_equal(last["dense/kernel"], kept["dense/kernel"])
    assert "has not improved" in meta["stopped"]
    names = {path.name for path in (whole / "checkpoints").iterdir()}
    assert {"epoch-0002.safetensors", "best.safetensors"} <= names
    assert (whole / "logs.csv").read_text().startswith("epoch,accuracy,learning_rate,loss,val_")


@pytest.mark.parametrize("every_step", [True, False])
def test_resumed_anywhere_it_ends_with_the_same_bytes(
    whole: Path, monkeypatch: pytest.MonkeyPatch, every_step: bool
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0 if every_step else math.inf)
    expected = result(whole)
    steps = 4 * len(logs_of(whole)["loss"])
    for step in range(1, steps, 3):
        folder = whole.parent / f"{every_step}{step}"
        with pytest.raises(Killed):
            run(folder, made(), progress=Killer(step))
        run(folder, made(), resume=True)
        assert result(folder) == expected, step


def test_killed_behind_the_last_epoch(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training had stopped early; a resumed run does not train on."""
    folder = whole.parent / "behind"

    def end(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training, "write_model", end)
        with pytest.raises(Killed):
            run(folder, made())
    run(folder, made(), resume=True)
    assert result(folder) == result(whole)


def test_a_loss_that_is_no_number_is_traced(tmp_path: Path) -> None:
    """A huge value in one sample: named are step, layer and sample."""
    write_data(tmp_path)
    with np.load(tmp_path / "data.npz") as file:
        arrays = dict(file)
    arrays["x_train"][4] = 3e38
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(specc.RunError) as caught:
        run(tmp_path / "run", spec(shuffle=False, optimizer="{sgd: 0.001}", validation_split=0))
    text = str(caught.value)
    assert (
        "epoch 1, step 1: the loss is nan; layer 'conv2d' is the first that is not finite" in text
    )
    assert "samples 4 of the training split" in text
    assert "The checkpoint of step 0 is kept" in text


def test_a_rate_that_is_too_high_is_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data(tmp_path)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(specc.RunError, match=r"epoch 1, step \d: the loss is (nan|inf); "):
        run(tmp_path / "run", loads(WILD))
    state, _ = load(sorted((tmp_path / "run" / "checkpoints").glob("step-*"))[-1])
    assert all(np.isfinite(array).all() for array in state.values())


def test_wrong_callbacks(tmp_path: Path) -> None:
    write_data(tmp_path)
    cases = {
        "[{early_stopping: {monitor: val_los}}]": "found 'val_los'; did you mean 'val_loss'?",
        "[{model_checkpoint: {monitor: acuracy}}]": "did you mean 'accuracy'?",
        "[{csv_logger: ../logs.csv}]": "expected a path inside the run's folder",
    }
    for i, (callbacks, message) in enumerate(cases.items()):
        with pytest.raises(specc.RunError, match=message):
            run(tmp_path / str(i), spec(callbacks=callbacks))
        assert not (tmp_path / str(i)).exists()
    with pytest.raises(specc.RunError, match="it needs validation data"):
        run(tmp_path / "v", spec(callbacks="[early_stopping]", validation_split=0.0))
    scheduled = "{sgd: {learning_rate: {exponential_decay: {initial_learning_rate: 0.1, "
    scheduled += "decay_steps: 10, decay_rate: 0.9}}}}"
    with pytest.raises(specc.RunError, match="found a schedule; use one or the other"):
        run(tmp_path / "s", spec(callbacks="[reduce_lr_on_plateau]", optimizer=scheduled))


SCHEDULED = (
    "{adam: {learning_rate: {cosine_decay: {initial_learning_rate: 0.01, decay_steps: 10}}}}"
)


def test_the_rate_of_a_schedule_is_a_log(tmp_path: Path) -> None:
    """Oracle: the schedule's formula, at the steps so far when an epoch ends, as in Keras."""
    write_data(tmp_path)
    watching = "[{model_checkpoint: {monitor: learning_rate, mode: min}}]"
    made = spec(optimizer=SCHEDULED, callbacks=watching, epochs=4)
    whole = run(tmp_path / "whole", made)
    steps = [min(STEPS * (epoch + 1), 10) for epoch in range(4)]
    expected = [0.01 * (1 + math.cos(math.pi * step / 10)) / 2 for step in steps]
    logged = logs_of(whole.folder)
    np.testing.assert_allclose(logged["learning_rate"], expected, rtol=1e-5, atol=1e-8)
    assert list(logged) == ["epoch", *list(logged)[1:-1], "learning_rate"]
    assert "learning_rate" not in entry(whole.folder).results  # runs are not compared by it
    with pytest.raises(Killed):
        run(tmp_path / "killed", made, progress=Killer(2 * STEPS + 1))
    assert result(run(tmp_path / "killed", made, resume=True).folder) == result(whole.folder)


def test_rates_that_are_constant_or_several_are_no_log(tmp_path: Path) -> None:
    write_data(tmp_path)
    several = f"{{multi_optimizer: {{default_optimizer: {SCHEDULED}, optimizer_map: "
    several += "{conv2d/kernel: sgd}}}"
    for name, optimizer in (("constant", "adam"), ("several", several)):
        done = run(tmp_path / name, spec(optimizer=optimizer, epochs=1))
        assert "learning_rate" not in logs_of(done.folder)


def test_terminate_on_nan(tmp_path: Path) -> None:
    """It tells as much as a run without it."""
    write_data(tmp_path)
    callbacks = "train.callbacks=[terminate_on_nan]"
    told: list[str] = []
    for name, overrides in (("with", [callbacks]), ("without", [])):
        with pytest.raises(specc.RunError, match=r"epoch 1, step \d: the loss is") as error:
            run(tmp_path / name, loads(WILD, overrides=overrides))
        told.append(str(error.value).replace(str(tmp_path / name), "RUN"))
    assert "The checkpoint of step 0 is kept" in told[0]
    assert told[0] == told[1]


def test_steps_per_epoch_and_class_weights(tmp_path: Path) -> None:
    write_data(tmp_path)
    done = run(tmp_path / "run", spec(steps_per_epoch=2, class_weight="balanced", epochs=2))
    _, meta = load(sorted((done.folder / "checkpoints").glob("step-*"))[-1])
    assert meta["steps"] == 4


def test_max_minutes(tmp_path: Path) -> None:
    """No time at all: one step is done, and the run is finished."""
    write_data(tmp_path)
    notes = Notes()
    done = run(tmp_path / "run", spec(), max_minutes=0.0, progress=notes)
    assert notes.lines == ["stopped: the time was up"]
    _, meta = load(sorted((done.folder / "checkpoints").glob("step-*"))[-1])
    assert (meta["steps"], meta["stopped"]) == (1, "the time was up")
    assert (done.folder / "model.onnx").is_file()


def test_warm_start_and_frozen_layers(tmp_path: Path, whole: Path) -> None:
    """A new head on the trained body, which stays as it was."""
    write_data(tmp_path)
    text = specc.spec.write.dump(spec(freeze="[conv2d, batch_*]", epochs=1, optimizer="sgd"))
    other = loads(text.replace("units: 3", "units: 4"))
    notes = Notes()
    done = run(tmp_path / "run", other, start_from=whole, progress=notes)
    best, _ = load(whole / "checkpoints" / "best.safetensors")
    first, _ = load(done.folder / "state.safetensors")
    last, _ = load(sorted((done.folder / "checkpoints").glob("step-*"))[-1])
    for name in ("conv2d/kernel", "batch_normalization/gamma", "batch_normalization/moving_mean"):
        np.testing.assert_array_equal(first[name], best[name])
        np.testing.assert_array_equal(last[name], best[name])
    assert first["dense/kernel"].shape != best["dense/kernel"].shape
    assert "6 of 8 weights from" in notes.lines[0]
    assert notes.lines[0].endswith("new: dense/kernel, dense/bias")
    with pytest.raises(specc.SpecError, match=r"freeze\[0\]: .* found 'convd'; did you mean"):
        run(tmp_path / "no", spec(freeze="[convd]"))


def test_warm_start_from_a_keras_file(tmp_path: Path, whole: Path) -> None:
    pytest.importorskip("h5py")
    write_data(tmp_path)
    weights = specc.Model(loads(specc.spec.write.dump(spec()))).weights
    named = {name: array + 1 for name, array in weights.items()}
    export(tmp_path / "m.keras", build(spec()), named)
    notes = Notes()
    done = run(tmp_path / "run", spec(epochs=1), start_from=tmp_path / "m.keras", progress=notes)
    first, _ = load(done.folder / "state.safetensors")
    assert "8 of 8 weights from" in notes.lines[0]
    for name, array in named.items():
        np.testing.assert_array_equal(first[name], array)


def test_tensorboard(tmp_path: Path) -> None:
    """All epochs' logs, in the order in which TensorBoard reads the files: by their names.

    Epochs of a moment and a resume; a record is its length in 8 bytes, 4 of a checksum, the event,
    and 4 more (TFRecord, tensorflow/core/lib/io/record_writer.h).
    """
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    write_data(tmp_path)
    folder = tmp_path / "run"
    made = spec(callbacks="[tensor_board]", epochs=5)
    with pytest.raises(Killed):
        run(folder, made, progress=Killer(3 * STEPS + 1))
    history = run(folder, made, resume=True).history.history
    assert {path.parent.name for path in folder.rglob("events.*")} == {"train", "validation"}
    for part, prefix in (("train", ""), ("validation", "val_")):
        found: dict[str, dict[int, float]] = {}
        for path in sorted((folder / "tensorboard" / part).iterdir()):
            content = path.read_bytes()
            while content:
                length = int.from_bytes(content[:8], "little")
                event = Event.FromString(content[12 : 12 + length])
                content = content[16 + length :]
                for value in event.summary.value:
                    found.setdefault(value.tag, {})[event.step] = value.simple_value
        rate = {"epoch_learning_rate"} if part == "train" else set()
        assert found.keys() == {"epoch_loss", "epoch_accuracy", *rate}
        for tag, values in found.items():
            assert list(values) == list(range(5))
            if tag == "epoch_learning_rate":  # constant, and no log of the run therefore
                assert list(values.values()) == [float(np.float32(0.01))] * 5
                continue
            logged = history[prefix + tag.removeprefix("epoch_")]
            np.testing.assert_allclose(list(values.values()), logged, rtol=1e-6)
