"""Training in a run folder, so that a kill at any instant costs minutes and no byte.

The batch order is a function of (seed, epoch), every random draw one of (seed, layer, step), and a
resumed run executes the stored graphs with the stored thread count: its state and `model.onnx` end
with the same bytes as an uninterrupted run's.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from typing_extensions import override

from specc.artifacts import (
    MODEL,
    read_bundle,
    read_manifest,
    spec_hash,
    write_compiled,
    write_model,
)
from specc.checkpoint import latest
from specc.checkpoint import load as load_checkpoint
from specc.compiler.objective import targets
from specc.data.source import Dataset, Names, Samples
from specc.engine import Engine, Logs
from specc.errors import DataError, RunError
from specc.feeding import samples
from specc.feeding import weights as sample_weights
from specc.fit import Loop, Watcher, Weighted, batch_feeds, held_out, ones
from specc.history import History
from specc.network import build
from specc.network.objectives import objectives
from specc.progress import Progress
from specc.runs.folder import CHECKPOINTS, RECORD, RunFolder, environment, new_folder
from specc.session import Device, check_device, default_threads
from specc.spec.model import Spec
from specc.spec.train import TrainSpec
from specc.spec.write import dump

# Seconds of work that a kill may cost.
CHECKPOINT_SECONDS = 30.0


@dataclass(slots=True)
class Trained:
    """The end of a run.

    Attributes:
        test: loss and metrics on the test split; empty when the data has none.
        before: whether the run had finished already, and nothing was done.
    """

    folder: Path
    history: History
    test: Logs = field(default_factory=dict[str, float])
    before: bool = False


def train(
    spec: Spec,
    run: Path | None = None,
    *,
    data: Path | None = None,
    device: Device = "cpu",
    target: str | None = None,
    resume: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a spec into a run folder, or go on with a run that was stopped.

    Args:
        spec: with `train:` and `data:` sections.
        run: the folder; by default a new `runs/NAME-DATE-N`.
        data: where the source looks for its files.
        device: where the graphs run; a resumed run stays where it started.
        target: how graphs are lowered; by default what is fastest on the device.
        resume: go on from the last checkpoint of `run`, or from the start when it has none.
        threads: of onnxruntime; a resumed run keeps those it started with.
        progress: is told what happens; nothing is shown without one.

    Raises:
        RunError: `run` exists and `resume` is not asked for, or belongs to another spec.
        DataError: the data is missing or does not fit.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was written.
    """
    settings = spec.train
    if settings is None or settings.loss is None:
        raise RunError(f"{spec.file or spec.name}: there is no `train:` section with a loss")
    if spec.data is None:
        raise RunError(f"{spec.file or spec.name}: there is no `data:` section to train on")
    folder = RunFolder(run if run is not None else new_folder(spec.name))
    display = progress or Progress()
    record = _begun(spec, folder, resume=resume)
    if record is not None and record.get("finished"):
        display.note(f"{folder.path}: this run has finished; nothing to do")
        history = _history(folder, int(record["epochs"]))
        return Trained(folder.path, history, record.get("test", {}), before=True)
    if record is None and resume:
        display.note(f"{folder.path}: nothing was saved there yet; starting from the beginning")
    # Whatever can fail for want of a device or of data fails before anything is written.
    device = device if record is None else record["device"]
    check_device(device)
    where = data or (Path(record["data"]) if record is not None and record["data"] else None)
    network = build(spec)
    goals = targets(objectives(network, settings))
    names = Names(network.input_names, tuple(t.output for t in goals))
    dataset = spec.data.dataset.load(where, names)
    if record is None:
        record = _start(spec, settings, folder, device, target, threads, data)
    made, _ = read_bundle(folder.path)
    engine = Engine(made, {}, device, int(record["threads"]))
    return _Run(spec, settings, folder, engine, dataset, display, record).run()


def _begun(spec: Spec, folder: RunFolder, *, resume: bool) -> dict[str, Any] | None:
    """The record of the run in the folder; None when there is none, and one may start.

    Raises:
        RunError: the folder is in use and `resume` is not asked for, or has another spec.
    """
    path = folder.path
    if path.exists() and not resume and (not path.is_dir() or any(path.iterdir())):
        raise RunError(
            f"{path}: the folder exists; choose another with -o, or continue it with --resume"
        )
    if not (path / RECORD).is_file():
        return None
    if read_manifest(path)["spec_sha256"] != spec_hash(spec):
        raise RunError(
            f"{path}: was started from another spec (or other --set options) than"
            f" {spec.file or spec.name}; resume with {folder.spec}, or start a new run"
        )
    return folder.record()


def _start(
    spec: Spec,
    settings: TrainSpec,
    folder: RunFolder,
    device: Device,
    target: str | None,
    threads: int | None,
    data: Path | None,
) -> dict[str, Any]:
    """Compile the spec into the folder; the record comes last and makes it a run."""
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.spec.write_text(dump(spec, resolved=True), encoding="utf-8")
    write_compiled(folder.path, spec, target or ("cuda" if device == "cuda" else "cpu"))
    folder.write_record(
        {
            "name": spec.name,
            "device": device,
            "threads": threads or default_threads(),
            "data": None if data is None else str(data.resolve()),
            "seed": settings.seed,
            "epochs": settings.epochs,
            "environment": environment(),
            "finished": False,
        }
    )
    return folder.record()


def _history(folder: RunFolder, epochs: int) -> History:
    history = History()
    for epoch, row in enumerate(folder.metrics(epochs)):
        history.add(epoch, row, 0.0)
    return history


@dataclass(slots=True)
class _Run:
    """One process's share of a run."""

    spec: Spec
    settings: TrainSpec
    folder: RunFolder
    engine: Engine
    dataset: Dataset
    progress: Progress
    record: dict[str, Any]

    def run(self) -> Trained:
        """From the last checkpoint (or the start) to the end."""
        cursor = self._restore()
        data = self._weighted(self.dataset.train, self.settings.class_weight)
        data, held = held_out(data, self.settings.validation_split)
        if self.dataset.validation is not None and held is None:
            held = self._weighted(self.dataset.validation, None)
        history = _history(self.folder, cursor.epoch)
        watcher = _Checkpointing(self.engine, self.folder, cursor, history)
        loop = Loop(
            self.engine, data, self.settings.epochs, self.settings.batch_size, self.settings.seed,
            self.settings.shuffle, held, self.progress, watcher, cursor.epoch, cursor.step, history,
        )  # fmt: skip
        with _stop_at_steps(watcher):
            loop.run()
        return self._end(history, cursor)

    def _restore(self) -> _Cursor:
        """State and cursor of the last checkpoint; the compiled first state when there is none."""
        found = latest(self.folder.path / CHECKPOINTS)
        path = self.folder.path / "state.safetensors" if found is None else found
        named, meta = load_checkpoint(path)
        self.engine.replace(named)
        return _Cursor(
            int(meta.get("epoch", 0)), int(meta.get("step", 0)), int(meta.get("steps", 0)),
            meta.get("best"),
        )  # fmt: skip

    def _weighted(self, given: Samples, class_weight: dict[int, float] | None) -> Weighted:
        bundle = self.engine.bundle
        data = samples(bundle, list(given.x), list(given.y))
        if not len(data):
            raise DataError("data: expected at least one sample, found none")
        return Weighted(data, sample_weights(bundle, data.y, None, class_weight))

    def _end(self, history: History, cursor: _Cursor) -> Trained:
        """The trained model, the test split's figures, and the mark that the run is complete."""
        folder = self.folder
        folder.checkpoints.save(cursor.steps, self.engine.state(), cursor.meta())
        write_model(
            folder.path / MODEL, self.spec, self.engine.weights(), None, self.dataset.classes
        )
        test: Logs = {}
        if self.dataset.test is not None:
            data = ones(self._weighted(self.dataset.test, None).samples)
            test = self.engine.evaluate(batch_feeds(self.engine, data, EVALUATION_BATCH))
        folder.write_record({**self.record, "finished": True, "test": test})
        return Trained(folder.path, history, test)


# Large enough to keep all threads busy, small enough for any feature map.
EVALUATION_BATCH = 256


@dataclass(slots=True)
class _Cursor:
    """Where training stands: the next step of the next epoch, and all steps so far."""

    epoch: int = 0
    step: int = 0
    steps: int = 0
    best: float | None = None

    def meta(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "step": self.step, "steps": self.steps, "best": self.best}


@dataclass(slots=True)
class _Checkpointing(Watcher):
    """Writes checkpoints and metrics, and stops between two steps when asked to."""

    engine: Engine
    folder: RunFolder
    cursor: _Cursor
    history: History
    stop: bool = False
    saved: float = field(default_factory=time.monotonic)

    @override
    def step_end(self, epoch: int, step: int) -> None:
        self.cursor.epoch, self.cursor.step = epoch, step
        self.cursor.steps += 1
        if self.stop:
            self.save()
            raise KeyboardInterrupt
        if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self.save()

    @override
    def epoch_end(self, epoch: int, logs: Logs) -> bool:
        self.cursor.epoch, self.cursor.step = epoch + 1, 0
        watched = logs.get("val_loss", logs.get("loss", float("nan")))
        better = self.cursor.best is None or watched < self.cursor.best
        if better and watched == watched:  # noqa: PLR0124  NaN is never the best
            self.cursor.best = watched
        rows = self._rows()
        self.folder.write_metrics(rows)
        self.save(best=better)
        return False

    def _rows(self) -> list[dict[str, float]]:
        columns = self.history.history
        return [
            {name: values[i] for name, values in columns.items() if i < len(values)}
            for i in range(len(self.history.epoch))
        ]

    def save(self, *, best: bool = False) -> None:
        """A checkpoint of this very step."""
        self.folder.checkpoints.save(
            self.cursor.steps, self.engine.state(), self.cursor.meta(), best=best
        )
        self.saved = time.monotonic()


@contextmanager
def _stop_at_steps(watcher: _Checkpointing) -> Generator[None]:
    """Ctrl-C ends training after the step that runs; a second one ends it at once.

    Only between steps do state and cursor agree.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        if watcher.stop:
            raise KeyboardInterrupt
        watcher.stop = True

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
