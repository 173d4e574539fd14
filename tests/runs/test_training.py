"""Runs that are stopped and resumed inside one process, at every single step.

Oracle: the bytes that an uninterrupted run leaves.
"""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path

import numpy as np
import pytest

import specc
from specc.checkpoint import latest as latest_checkpoint
from specc.checkpoint import load, save
from specc.progress import Progress
from specc.runs import training
from specc.runs.using import evaluate, predict
from tests.runs.running import (
    EPOCHS,
    SPEC,
    STEPS,
    Killed,
    Killer,
    Notes,
    result,
    run,
    spec,
    write_data,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing stopped. Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    write_data(folder)
    run(folder / "whole")
    return folder / "whole"


def place(whole: Path, name: str) -> Path:
    """A folder beside the whole run, so that both records name the same data."""
    return whole.parent / name


@pytest.mark.parametrize("every_step", [True, False])
def test_resumed_at_any_step_it_ends_with_the_same_bytes(
    whole: Path, monkeypatch: pytest.MonkeyPatch, every_step: bool
) -> None:
    """Stopped after k steps of the whole run, with a checkpoint after each step or each epoch."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0 if every_step else math.inf)
    expected = result(whole)
    for steps in range(EPOCHS * STEPS):
        folder = place(whole, f"{every_step}{steps}")
        with pytest.raises(Killed):
            run(folder, progress=Killer(steps))
        run(folder, resume=True)
        assert result(folder) == expected, steps


def test_stopped_again_and_again(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps at a time, of which the second is lost every time."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    folder = place(whole, "often")
    for attempt in range(EPOCHS * STEPS - 1):
        with pytest.raises(Killed):
            run(folder, resume=attempt > 0, progress=Killer(1))
    run(folder, resume=True)
    assert result(folder) == result(whole)


@pytest.mark.parametrize("moment", ["metrics", "best", "step", "end", "model", "record"])
def test_stopped_while_files_are_written(
    whole: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Killed just before a file of an epoch, or of the end, has its name."""
    folder = place(whole, f"before {moment}")
    name, count = {
        "metrics": ("metrics.csv", 2), "best": ("best.safetensors", 3),
        "step": ("step-0000000008.safetensors", 1), "end": ("step-0000000012.safetensors", 2),
        "model": ("model.onnx", 1), "record": ("run.json", 2),
    }[moment]  # fmt: skip
    seen = 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal seen
        seen += Path(target).name == name
        if seen == count:
            raise Killed
        return real(self, target)

    real = Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            run(folder)
    run(folder, resume=True)
    assert result(folder) == result(whole)


def test_what_a_kill_left_half_written_is_removed(whole: Path) -> None:
    folder = place(whole, "leftovers")
    with pytest.raises(Killed):
        run(folder, progress=Killer(5))
    # A process number that no system gives.
    left = folder / ".metrics.csv.99999999.tmp"
    left.touch()
    run(folder, resume=True)
    assert not left.exists()
    assert result(folder) == result(whole)


def test_nothing_saved_yet_starts_from_the_beginning(whole: Path) -> None:
    """No folder, an empty one, or one whose making was interrupted."""
    for made in ("absent", "empty", "half"):
        folder = place(whole, made)
        if made != "absent":
            folder.mkdir()
        if made == "half":
            (folder / "train.onnx").write_bytes(b"half")
            (folder / "spec.yaml").touch()
            (folder / ".manifest.json.99999999.tmp").touch()
        notes = Notes()
        run(folder, resume=True, progress=notes)
        assert notes.lines == [
            f"{folder}: nothing was saved there yet; starting from the beginning"
        ]
        assert result(folder) == result(whole)


def test_a_finished_run_is_left_alone(whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    notes = Notes()
    again = run(whole, resume=True, progress=notes)
    assert again.before
    assert notes.lines == [f"{whole}: this run has finished; nothing to do"]
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before
    assert len(again.history.history["val_loss"]) == EPOCHS
    assert again.test == json.loads((whole / "run.json").read_text())["test"]


def test_an_existing_folder_is_refused(whole: Path) -> None:
    before = result(whole)
    with pytest.raises(
        specc.RunError, match=r"the folder exists; choose another with -o, or .*--r"
    ):
        run(whole)
    assert result(whole) == before


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").touch()
    with pytest.raises(specc.RunError, match=r"expected a run, found no run\.json but 'a\.txt'"):
        run(tmp_path / "letters", resume=True)
    with pytest.raises(specc.RunError, match="expected a folder for the run, found a file"):
        run(tmp_path / "data.npz", resume=True)
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("change", [{"epochs": 4}, {"seed": 1}, {"batch_size": 7}])
def test_another_spec_is_refused(whole: Path, change: dict[str, int]) -> None:
    before = result(whole)
    with pytest.raises(specc.RunError, match=r"was started from another spec .*spec\.yaml"):
        run(whole, spec(**change), resume=True)
    assert result(whole) == before


def test_the_stored_spec_resumes(whole: Path) -> None:
    """A run knows all it needs: its own spec.yaml goes on."""
    folder = place(whole, "own spec")
    with pytest.raises(Killed):
        run(folder, progress=Killer(6))
    run(folder, specc.load(folder / "spec.yaml"), resume=True)
    assert result(folder) == result(whole)


def test_graphs_are_not_compiled_again(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place(whole, "stored graphs")
    with pytest.raises(Killed):
        run(folder, progress=Killer(6))
    monkeypatch.setattr(training, "compiled", None)
    run(folder, resume=True)
    assert result(folder) == result(whole)


def test_the_stored_number_of_threads_is_kept(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine offers now: sums depend on how work is divided."""
    folder = place(whole, "threads")
    with pytest.raises(Killed):
        run(folder, threads=1, progress=Killer(6))
    seen = []

    def engine(*args: object) -> object:
        seen.append(args[3])
        return real(*args)

    real = training.Engine
    monkeypatch.setattr(training, "Engine", engine)
    monkeypatch.setattr(training, "default_threads", lambda: 7)
    run(folder, resume=True, threads=5)
    assert seen == [1]
    assert json.loads((folder / "run.json").read_text())["threads"] == 1


def test_seeds_differ(whole: Path) -> None:
    folder = place(whole, "seed")
    run(folder, spec(seed=1))
    one, other = result(whole), result(folder)
    assert one["metrics.csv"] != other["metrics.csv"]
    assert one["model.onnx"] != other["model.onnx"]


def test_metrics_are_a_row_an_epoch(whole: Path) -> None:
    lines = (whole / "metrics.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,accuracy,val_loss,val_accuracy"
    assert [line.partition(",")[0] for line in lines[1:]] == ["0", "1", "2"]


def test_evaluation_of_a_run_is_what_training_told(whole: Path) -> None:
    told = json.loads((whole / "run.json").read_text())["test"]
    assert evaluate(whole) == told
    best = evaluate(whole, checkpoint="best")
    assert best.keys() == told.keys()


def test_validation_and_best_of_a_run_are_those_of_a_model(whole: Path) -> None:
    """Keras' fit through the other door, `Model`, with the same seed."""
    with np.load(whole.parent / "data.npz") as arrays:
        x, y = arrays["x_train"], arrays["y_train"]
    made = specc.Model(spec())
    history = made.fit(x, y, batch_size=6, epochs=3, validation_split=0.3, verbose=0).history
    lines = (whole / "metrics.csv").read_text().splitlines()
    columns = list(zip(*(map(float, line.split(",")) for line in lines[1:]), strict=True))
    assert dict(zip(lines[0].split(","), map(list, columns), strict=True)) == {
        "epoch": [0.0, 1.0, 2.0], **history,
    }  # fmt: skip
    last = latest_checkpoint(whole / "checkpoints")
    assert last is not None
    tensors, meta = load(last)
    assert meta == {"best": min(history["val_loss"]), "epoch": 3, "step": 0, "steps": 12}
    for name, array in made.weights.items():
        np.testing.assert_array_equal(tensors[name], array)


def test_classes_weigh_in_training_only(tmp_path: Path) -> None:
    """As in Keras: with a learning rate of 0 the validation loss is that without them."""
    write_data(tmp_path)
    still = SPEC.replace("adam: {learning_rate: 0.01,", "adam: {learning_rate: 0.0,")
    weighted = still.replace("validation_split", "class_weight: {0: 5.0}\n  validation_split")
    found = [
        run(tmp_path / str(i), specc.spec.reader.loads(text)).history.history
        for i, text in enumerate((still, weighted))
    ]
    assert found[0]["val_loss"] == found[1]["val_loss"]
    assert found[0]["loss"] != found[1]["loss"]


def test_ignored_targets_of_a_run_count_where_nothing_weighs(tmp_path: Path) -> None:
    """Oracle: the plain metric, which nothing weighs; in Keras both are one without weights."""
    write_data(tmp_path)
    rule = "[{sparse_categorical_crossentropy: {ignore_class: 1}}]"
    plain = SPEC.replace("metrics: [accuracy]", f"metrics: {rule}\n  weighted_metrics: {rule}")
    weighted = plain.replace("validation_split", "class_weight: {0: 1.0}\n  validation_split")
    name = "sparse_categorical_crossentropy"
    for number, (text, alike) in enumerate(((plain, True), (weighted, False))):
        logs = run(tmp_path / str(number), specc.spec.reader.loads(text)).history.history
        assert (logs[name] == logs[f"weighted_{name}"]) is alike


@pytest.mark.parametrize("rate", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_never_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float
) -> None:
    write_data(tmp_path)
    real = training.Loop._epoch

    def epoch(self: training.Loop, batches: object, number: int, start: int) -> object:
        logs, seconds = real(self, batches, number, start)  # pyright: ignore[reportArgumentType]
        return (logs | {"val_loss": rate} if number != 1 else logs), seconds

    monkeypatch.setattr(training.Loop, "_epoch", epoch)
    run(tmp_path / "run")
    _, meta = load(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert meta["epoch"] == 2
    assert math.isfinite(meta["best"])


class Interrupt(Progress):
    """Ctrl-C at a moment that the loop tells of."""

    def __init__(self, step: int | None, epoch: int, times: int = 1) -> None:
        self.moment, self.times = (epoch, step), times

    def step(self, epoch: int, step: int, logs: object) -> None:
        self._at(epoch, step)

    def epoch_end(self, epoch: int, logs: object, seconds: float) -> None:
        self._at(epoch, None)

    def _at(self, *moment: int | None) -> None:
        if moment == self.moment:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("epoch", [0, 2])
@pytest.mark.parametrize("step", [2, 4, None])
def test_ctrl_c_leaves_a_checkpoint_of_that_step(whole: Path, epoch: int, step: int | None) -> None:
    """In an epoch, at its last step, and while it is validated."""
    folder = place(whole, f"ctrl-c {epoch} {step}")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(folder, progress=Interrupt(step, epoch))
    assert signal.getsignal(signal.SIGINT) is before
    last = latest_checkpoint(folder / "checkpoints")
    assert last is not None
    _, meta = load(last)
    done = epoch * STEPS + (STEPS if step is None else step)
    assert meta["steps"] == done
    # After the last step the epoch's validation comes first: its logs stand in no checkpoint.
    assert (meta["epoch"], meta["step"]) == ((epoch, step) if step == 2 else (epoch + 1, 0))
    assert not (folder / "model.onnx").exists()
    run(folder, resume=True)
    assert result(folder) == result(whole)


def test_a_second_ctrl_c_does_not_wait(whole: Path) -> None:
    folder = place(whole, "ctrl-c twice")
    with pytest.raises(KeyboardInterrupt):
        run(folder, progress=Interrupt(2, 1, times=2))
    last = latest_checkpoint(folder / "checkpoints")
    assert last is not None
    assert load(last)[1]["steps"] == STEPS
    run(folder, resume=True)
    assert result(folder) == result(whole)


def test_outside_the_main_thread(whole: Path) -> None:
    """Signals belong to the main thread; others train without them."""
    from threading import Thread

    folder = place(whole, "thread")
    thread = Thread(target=run, args=(folder,))
    thread.start()
    thread.join()
    assert result(folder) == result(whole)


@pytest.mark.parametrize("damage", ["cut", "text", "other", "empty"])
def test_a_damaged_checkpoint_is_named(whole: Path, damage: str) -> None:
    folder = place(whole, f"damaged {damage}")
    with pytest.raises(Killed):
        run(folder, progress=Killer(10))
    last = latest_checkpoint(folder / "checkpoints")
    assert last is not None
    content = last.read_bytes()
    if damage == "other":
        tensors, meta = load(last)
        tensors.pop("conv2d/kernel")
        save(last, tensors, meta)
    else:
        last.write_bytes({"cut": content[:-7], "text": b"abc", "empty": b""}[damage])
    with pytest.raises(specc.RunError) as caught:
        run(folder, resume=True)
    if damage == "other":
        assert "state 'conv2d/kernel' is missing" in str(caught.value)
        return
    assert f"{last.name}: expected a whole safetensors file" in str(caught.value)
    assert "delete it" in str(caught.value)
    last.unlink()  # the one before is whole
    run(folder, resume=True)
    assert result(folder) == result(whole)


def test_metrics_that_were_lost(whole: Path) -> None:
    folder = place(whole, "lost metrics")
    with pytest.raises(Killed):
        run(folder, progress=Killer(10))
    text = (folder / "metrics.csv").read_text()
    (folder / "metrics.csv").write_text("".join(text.splitlines(keepends=True)[:2]))
    with pytest.raises(
        specc.RunError, match=r"metrics\.csv: expected the logs of 2 epochs, found 1"
    ):
        run(folder, resume=True)
    for damage in ("1,a,b,c,d", f"{text.splitlines()[2]},1.0", "1,1.0", "1," + "9" * 200_000):
        (folder / "metrics.csv").write_text(text.replace(text.splitlines()[2], damage))
        with pytest.raises(specc.RunError, match=r"metrics\.csv: expected a table of numbers"):
            run(folder, resume=True)
    (folder / "metrics.csv").write_bytes(text.encode() + b"\xff")
    with pytest.raises(specc.RunError, match=r"metrics\.csv: expected a table of numbers"):
        run(folder, resume=True)
    (folder / "metrics.csv").write_text(text + "7,1.0,1.0,1.0,1.0\n")  # later than the checkpoint
    run(folder, resume=True)
    assert result(folder) == result(whole)


def test_no_epochs(tmp_path: Path) -> None:
    """The first weights, as they were drawn: averages that never began stay out."""
    write_data(tmp_path)
    trained = run(tmp_path / "run", spec(epochs=0))
    assert trained.history.history == {}
    last = latest_checkpoint(tmp_path / "run" / "checkpoints")
    assert last is not None
    tensors, _ = load(last)
    for name, array in specc.Model(spec()).weights.items():
        np.testing.assert_array_equal(tensors[name], array)
    with pytest.raises(specc.RunError, match="there is no best checkpoint"):
        evaluate(tmp_path / "run", checkpoint="best")


def test_predictions_need_a_trained_model(whole: Path, tmp_path: Path) -> None:
    folder = place(whole, "untrained")
    with pytest.raises(Killed):
        run(folder, progress=Killer(6))
    np.save(tmp_path / "x.npy", np.zeros((2, 4, 4, 2), np.float32))
    with pytest.raises(specc.RunError, match=r"there is no model\.onnx yet"):
        predict(folder, [tmp_path / "x.npy"])


def test_predictions(whole: Path, tmp_path: Path) -> None:
    """Oracle: `Model` with the weights of the last checkpoint."""
    x = np.random.default_rng(0).normal(size=(7, 4, 4, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    last = latest_checkpoint(whole / "checkpoints")
    assert last is not None
    made = specc.Model(spec())
    tensors, _ = load(last)
    made.set_weights({name: tensors[name] for name in made.weights})
    for size in (1, 3, 256):
        found = predict(whole, [tmp_path / "x.npy"], batch_size=size)
        assert list(found.labels) == [str(i) for i in range(7)]
        np.testing.assert_allclose(found.outputs["dense"], made.predict(x), rtol=1e-5)
    np.save(tmp_path / "none.npy", x[:0])
    assert predict(whole, [tmp_path / "none.npy"]).outputs["dense"].shape == (0, 3)


def test_a_damaged_model_is_named(whole: Path, tmp_path: Path) -> None:
    folder = place(whole, "damaged model")
    run(folder)
    np.save(tmp_path / "x.npy", np.zeros((2, 4, 4, 2), np.float32))
    for content in (b"", b"abc" * 50, (folder / "model.onnx").read_bytes()[:-500]):
        (folder / "model.onnx").write_bytes(content)
        with pytest.raises(
            specc.RunError, match=r"model\.onnx: onnxruntime cannot read this model"
        ):
            predict(folder, [tmp_path / "x.npy"])


@pytest.mark.parametrize(
    ("cut", "match"),
    [("train:", "there is no `train:` section with a loss"), ("data:", "there is no `data:`")],
)
def test_specs_that_cannot_train(tmp_path: Path, cut: str, match: str) -> None:
    text = SPEC.partition(cut)[0]
    with pytest.raises(specc.RunError, match=match):
        run(tmp_path / "run", specc.spec.reader.loads(text))
    assert not (tmp_path / "run").exists()


def test_data_that_does_not_fit_leaves_no_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones((5, 4, 4, 3)), y=np.zeros(5, int))
    with pytest.raises(specc.DataError, match=r"x: expected shape \(None, 4, 4, 2\)"):
        run(tmp_path / "run")
    np.savez(tmp_path / "data.npz", x=np.ones((0, 4, 4, 2)), y=np.zeros(0, int))
    with pytest.raises(specc.DataError, match="expected at least one sample"):
        run(tmp_path / "run")
    np.savez(tmp_path / "data.npz", x=np.ones((1, 4, 4, 2)), y=np.zeros(1, int))
    with pytest.raises(specc.DataError, match=r"validation_split 0\.3: leaves 0 of 1"):
        run(tmp_path / "run")
    with pytest.raises(specc.RuntimeSetupError, match="threads"):
        run(tmp_path / "run", threads=0)
    assert not (tmp_path / "run").exists()


def test_evaluation_needs_a_test_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones((9, 4, 4, 2)), y=np.zeros(9, int))
    assert run(tmp_path / "run", spec(epochs=1)).test == {}
    with pytest.raises(specc.DataError, match="the dataset has no test split"):
        evaluate(tmp_path / "run")


def test_a_validation_split_of_the_data(tmp_path: Path) -> None:
    """Used when no share of the training data is taken."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 4, 4, 2)), rng.integers(0, 3, 9)
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_validation=x[:2], y_validation=y[:2])
    still = SPEC.replace("learning_rate: 0.01", "learning_rate: 0.0")
    no_split = specc.spec.reader.loads(still.replace("  validation_split: 0.3\n", ""))
    history = run(tmp_path / "run", no_split).history.history
    expected = specc.Model(no_split).evaluate(x[:2], y[:2])
    # Moving statistics move in the epoch; the accuracy of the first weights hardly does.
    assert len(history["val_loss"]) == EPOCHS
    assert history["val_loss"][0] == pytest.approx(expected["loss"], rel=0.5)


def test_a_run_without_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path)
    first, second = (training.train(spec(epochs=1)).folder for _ in range(2))
    assert first.parent == second.parent == Path("runs")
    assert first.name.startswith("small-")
    assert (first.name[-2:], second.name[-2:]) == ("-1", "-2")
