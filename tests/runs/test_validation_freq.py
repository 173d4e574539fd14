"""Training in which only some epochs have a validation.

Oracles: Keras' callbacks (tests/frozen/make_callbacks.py), and runs that validate every epoch.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import specc
from specc.callbacks import Callback
from specc.checkpoint import load
from specc.fit import validates
from specc.hooks import Hooks
from specc.report import write_report
from specc.runs import training
from specc.runs.listing import entry
from tests.model.specs import line_data, model
from tests.runs.running import Killed, Killer, Notes, result, run, spec, write_data

FROZEN = json.loads((Path(__file__).parents[1] / "frozen" / "callbacks.json").read_text())
NAMES = {"EarlyStopping": "early_stopping", "ReduceLROnPlateau": "reduce_lr_on_plateau"}


class Weightless:
    """Stands in for an engine: its weights are the number of the epoch, its rate is float32."""

    bundle = SimpleNamespace(logs=("loss",), rate="rate")

    def __init__(self) -> None:
        self.rate = np.float32(0.1)
        self.epoch = 0

    def learning_rate(self, schedule: object = None) -> float:
        assert schedule is None
        return float(self.rate)

    def set_learning_rate(self, rate: float) -> None:
        self.rate = np.float32(rate)

    def weights(self) -> dict[str, Any]:
        return {"epoch": np.array(self.epoch)}

    state = weights

    def replace(self, named: dict[str, Any]) -> None:
        self.epoch = int(named["epoch"])


def frozen_id(case: list[Any]) -> str:
    return f"{case[0]} {case[1]} {case[2]} {case[3]}"


@pytest.mark.parametrize("case", FROZEN["cases"], ids=frozen_id)
def test_epochs_without_validation_count_for_nothing_as_in_keras(case: list[Any]) -> None:
    name, fields, number, every, count, expected = case
    callback = Callback.parse({NAMES[name]: fields})
    engine: Any = Weightless()
    hooks = Hooks(engine, [callback], validates=True)
    hooks.train_begin()
    rates: list[np.float32] = []
    for epoch, value in enumerate(FROZEN["values"][number]):
        engine.epoch = epoch
        rates.append(engine.rate)
        held = {"val_loss": value} if validates(epoch + 1, every) else {}
        hooks.epoch_end(epoch, {"loss": 1.0, **held})
        if hooks.stopped is not None:
            break
    hooks.train_end()
    assert len(rates) == count
    if name == "EarlyStopping":
        assert engine.epoch == expected
    else:
        np.testing.assert_array_equal(rates, np.array(expected, np.float32))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_with_gaps(tmp_path: Path) -> None:
    """Oracle: the run that validates after every epoch; validation changes no weight."""
    write_data(tmp_path)
    every = run(tmp_path / "every", spec(epochs=7))
    notes = Notes()
    logger = "[{csv_logger: logs.csv}, {model_checkpoint: {monitor: val_loss}}]"
    some = run(
        tmp_path / "some", spec(epochs=7, validation_freq="[3, 5]", callbacks=logger),
        progress=notes,
    )  # fmt: skip
    full, gaps = rows(every.folder / "metrics.csv"), rows(some.folder / "metrics.csv")
    logged = rows(some.folder / "logs.csv")
    assert len(gaps) == len(logged) == 7
    for number, (each, got, log) in enumerate(zip(full, gaps, logged, strict=True), 1):
        known = number in (3, 5)
        for name in ("val_loss", "val_accuracy"):
            assert got[name] == (each[name] if known else "")
            assert log[name] == (each[name] if known else "NA")
        assert (got["loss"], log["loss"]) == (each["loss"], each["loss"])
    held = [float(full[i]["val_loss"]) for i in (2, 4)]
    assert some.history.history["val_loss"] == held
    assert [len(row) for row in some.history.rows] == [2, 2, 4, 2, 4, 2, 2]
    _, best = load(some.folder / "checkpoints" / "best.safetensors")
    assert best["epoch"] == (3 if held[0] <= held[1] else 5)
    assert entry(some.folder).results["val_loss"] == held[1]
    text = write_report(some.folder, tmp_path).read_text()
    assert f"val_loss from {held[0]:.4g} to {held[1]:.4g}" in text


def test_the_best_of_a_run_is_among_the_epochs_that_validate(tmp_path: Path) -> None:
    write_data(tmp_path)
    done = run(tmp_path / "run", spec(epochs=5, validation_freq=2))
    held = {int(r["epoch"]) + 1: float(r["val_loss"])
            for r in rows(done.folder / "metrics.csv") if r["val_loss"]}  # fmt: skip
    assert sorted(held) == [2, 4]
    _, meta = load(done.folder / "checkpoints" / "best.safetensors")
    assert meta["epoch"] == min(held, key=held.__getitem__)
    assert math.isclose(meta["best"], min(held.values()))


def test_resumed_anywhere_it_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    write_data(tmp_path)
    wanted = "[{early_stopping: {patience: 1, restore_best_weights: true}}]"
    made = spec(epochs=5, validation_freq=2, callbacks=wanted)
    run(tmp_path / "whole", made)
    for step in (2, 4, 7, 9, 13):
        folder = tmp_path / str(step)
        with pytest.raises(Killed):
            run(folder, made, progress=Killer(step))
        run(folder, made, resume=True)
        assert result(folder) == result(tmp_path / "whole"), step


def test_what_is_watched_must_be_there(tmp_path: Path) -> None:
    write_data(tmp_path)
    stop = "[early_stopping]"
    with pytest.raises(specc.RunError, match="it needs validation data"):
        run(tmp_path / "none", spec(validation_split=0, validation_freq=2, callbacks=stop))
    wrong = "[{early_stopping: {monitor: val_los}}]"
    with pytest.raises(specc.RunError, match=r"did you mean 'val_loss'. valid: .*val_accuracy"):
        run(tmp_path / "typo", spec(validation_freq=2, callbacks=wrong))
    for value in ("0", "[]", "[0, 2]", "x"):
        with pytest.raises(specc.SpecError, match="validation_freq"):
            spec(validation_freq=value)


def test_the_display_keeps_epochs_and_gaps_apart(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = line_data(20)
    model().fit(x, y, epochs=3, validation_split=0.2, validation_freq=np.int64(3))
    shown = capsys.readouterr().err.splitlines()
    header = next(i for i, line in enumerate(shown) if line.split()[:1] == ["epoch"])
    assert [len(line.split()) for line in shown[header : header + 4]] == [5, 3, 3, 5]
    for wrong in (0, "2", 1.5, [1, "2"]):
        with pytest.raises(specc.DataError, match=r"validation_freq: expected .* received"):
            model().fit(x, y, validation_split=0.2, validation_freq=cast("Any", wrong))


def test_a_validation_that_no_epoch_has_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path)
    stop = "[early_stopping, {model_checkpoint: {monitor: loss}}, {model_checkpoint: {}}]"
    for freq, idle in (("5", ("early_stopping", "model_checkpoint")), ("[9, 4]", ()), ("4", ())):
        notes = Notes()
        run(
            tmp_path / freq,
            spec(epochs=4, validation_freq=freq, callbacks=stop),
            progress=notes,
        )
        assert notes.lines[: len(idle)] == [
            f"validation_freq {freq}: no epoch to 4 has a validation, so {key} never sees val_loss"
            for key in idle
        ]
        assert sum("never sees" in line for line in notes.lines) == len(idle)
    x, y = line_data(20)
    watching: Any = Callback.parse("early_stopping")
    model().fit(
        x, y, initial_epoch=3, epochs=5, validation_split=0.2, validation_freq=3,
        callbacks=[watching],
    )  # fmt: skip
    assert "no epoch to 5 has a validation" in capsys.readouterr().err.splitlines()[0]
