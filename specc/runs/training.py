"""Training in a run folder, so that a kill at any instant costs minutes and no byte.

The batch order is a function of (seed, epoch), every random draw one of (seed, layer, step), and a
resumed run executes the stored graphs with the stored thread count: its state and `model.onnx` end
with the same bytes as an uninterrupted run's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any

from specc.artifacts import (
    MANIFEST,
    MODEL,
    STATE,
    Compiled,
    Known,
    compiled,
    read_bundle,
    read_manifest,
    spec_hash,
    write_model,
)
from specc.callbacks.stopping import LossNotFiniteError
from specc.callbacks.writing import ModelCheckpoint
from specc.checkpoint import latest
from specc.checkpoint import load as load_checkpoint
from specc.compiler.bundle import Bundle
from specc.data.source import Dataset, Samples
from specc.engine import Engine, Logs
from specc.errors import RunError
from specc.feeding import weights as sample_weights
from specc.files import remove_leftovers, replace
from specc.fit import Loop, Weighted, batch_feeds, common_batch, held_out, ones, unwatched
from specc.history import History
from specc.hooks import Hooks
from specc.internal import require as require_internal
from specc.progress import Progress
from specc.runs.diagnosis import diagnose
from specc.runs.fingerprint import check as check_samples
from specc.runs.fingerprint import fingerprint
from specc.runs.folder import (
    CHECKPOINTS,
    LEARNED,
    METRICS,
    RECORD,
    SPEC,
    RunFolder,
    environment,
    git_commit,
    new_folder,
)
from specc.runs.loading import dataset_of
from specc.runs.loading import fitted as fit_samples
from specc.runs.locking import Lock
from specc.runs.places import Places
from specc.runs.warm import warm
from specc.runs.watching import (
    MINUTE,
    Checkpointing,
    Cursor,
    NotFinite,
    metrics_missing,
    stop_at_steps,
)
from specc.session import Device, check_device, default_threads
from specc.spec.model import Spec
from specc.spec.train import TrainSpec
from specc.spec.write import dump
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts

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
    costs: KernelCosts | None = None,
    internal: InternalOps | None = None,
    resume: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    max_minutes: float | None = None,
    start_from: Path | None = None,
) -> Trained:
    """Train a spec into a run folder, or go on with a run that was stopped.

    Args:
        spec: with `train:` and `data:` sections.
        run: the folder; by default a new `runs/NAME-DATE-N`.
        data: where the source looks for its files; by default the current folder, for a resumed run
            or the spec of one where they were then.
        device: where the graphs run; a resumed run stays where it started.
        target: how graphs are lowered; by default what is fastest on the device.
        costs: of a calibration; a resumed run keeps its graphs.
        internal: operators of `specc.internal_ops` that full batches may be trained with; a
            resumed run keeps its graphs.
        resume: go on from the last checkpoint of `run`, or from the start when it has none.
        threads: of onnxruntime; a resumed run keeps those it started with.
        progress: is told what happens; nothing is shown without one.
        max_minutes: training ends after the step in which this time of this process is over.
        start_from: a run, or a safetensors or `.keras` file, whose weights a new run begins with,
            where names and shapes are the same.

    Raises:
        RunError: `run` exists and `resume` is not asked for, or belongs to another spec, or
            another process is at it.
        RuntimeSetupError: the device is not there, or internal operators that its graph has.
        DataError: the data is missing or does not fit, or a resumed run began with other samples.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was written.
    """
    settings = spec.train
    if settings is None or settings.loss is None:
        raise RunError(f"{spec.file or spec.name}: there is no `train:` section with a loss")
    if spec.data is None:
        raise RunError(f"{spec.file or spec.name}: there is no `data:` section to train on")
    folder = RunFolder(run if run is not None else new_folder(spec.name))
    display = progress or Progress()
    with Lock(folder.path) as lock:
        record = _begun(spec, folder, resume=resume)
        if record is not None and record.get("finished"):
            display.note(f"{folder.path}: this run has finished; nothing to do")
            history = _history(folder, int(record["epochs"]))
            return Trained(folder.path, history, record.get("test", {}), before=True)
        if record is None and resume:
            display.note(f"{folder.path}: nothing was saved there yet; starting from the beginning")
        # Whatever can fail for want of a device or of data fails before anything is written.
        device = device if record is None else record["device"]
        check_device(device, threads)
        places = Places.of(spec, data, None if record is None else folder)
        fresh = None
        if record is None:
            target = target or ("cuda" if device == "cuda" else "cpu")
            weighs = settings.class_weight is not None
            fresh = compiled(spec, target, costs=costs, internal=internal, weighs=weighs)
            if start_from is not None:
                fresh = replace_fields(fresh, weights=warm(start_from, fresh.weights, display))
        made = read_bundle(folder.path)[0] if fresh is None else fresh.bundle
        if made.internal is not None:
            require_internal(made.internal, str(folder.path), device)
        learned = None if record is None else folder.learned()
        dataset = dataset_of(spec, made, places, learned)
        splits = _Splits.of(made, dataset, settings)
        if fresh is not None:
            held = splits.validation is not None
            Hooks(
                Engine(made, {}), settings.callbacks, place=folder.path, validates=held,
                schedule=settings.optimizer.schedule, logs_rate=True,
            ).check()  # fmt: skip
            every = settings.validation_freq
            unwatched(settings.callbacks, range(settings.epochs), every, display)
            lock.create()
            _start(
                fresh, settings, folder, device, threads, places, dataset.learned, start_from,
                fingerprint(splits.train.samples),
            )  # fmt: skip
        elif record is not None:
            check_samples(splits.train.samples, record.get("samples"), folder.path)
        known = Known(dataset.classes, dataset.learned, dataset.preparations)
        return _Run(spec, settings, folder, made, splits, known, display, max_minutes).run()


def _begun(spec: Spec, folder: RunFolder, *, resume: bool) -> dict[str, Any] | None:
    """The record of the run in the folder; None when there is none, and one may start.

    Raises:
        RunError: the folder is in use and `resume` is not asked for, or has another spec.
    """
    path = folder.path
    if path.exists() and not path.is_dir():
        raise RunError(f"{path}: expected a folder for the run, found a file; choose another")
    found = {each.name for each in path.iterdir()} if path.is_dir() else set[str]()
    if found and not resume:
        raise RunError(
            f"{path}: the folder exists; choose another with -o, or continue it with --resume"
        )
    if RECORD not in found:
        strange = sorted(name for name in found if not is_of_start(name))
        if strange:
            raise RunError(
                f"{path}: expected a run, found no {RECORD} but {strange[0]!r};"
                " choose another folder"
            )
        return None
    if read_manifest(path)["spec_sha256"] != spec_hash(spec):
        raise RunError(
            f"{path}: was started from another spec (or other --set options) than"
            f" {spec.file or spec.name}; resume with {folder.spec}, or start a new run"
        )
    return folder.record()


def is_of_start(name: str) -> bool:
    """Whether a run that was stopped before it had a record may have left a file called `name`."""
    return name in {SPEC, MANIFEST, STATE, LEARNED} or name.endswith((".onnx", ".tmp"))


def _start(
    made: Compiled,
    settings: TrainSpec,
    folder: RunFolder,
    device: Device,
    threads: int | None,
    places: Places,
    learned: Mapping[str, Any] | None,
    start_from: Path | None,
    samples: Mapping[str, Any],
) -> None:
    """Write the compiled spec into the folder; the record comes last and makes it a run.

    There is no model.onnx before it is trained: nobody shall take first weights for a result.
    """
    made.write(folder.path)
    if learned is not None:
        folder.write_learned(learned)
    replace(folder.spec, dump(made.spec, resolved=True).encode())
    folder.write_record(
        {
            "name": made.spec.name,
            "device": device,
            "threads": threads or default_threads(),
            **places.record(folder.path),
            "seed": settings.seed,
            "epochs": settings.epochs,
            "environment": environment(),
            "git": git_commit(),
            "start_from": None if start_from is None else str(start_from.resolve()),
            "samples": samples,
            "finished": False,
        }
    )


def _history(folder: RunFolder, epochs: int) -> History:
    history = History()
    for epoch, row in enumerate(folder.metrics(epochs)):
        history.add(epoch, row, 0.0)
    return history


@dataclass(frozen=True, slots=True)
class _Splits:
    """A dataset as the model wants it: what to train on, to validate on, and to test with."""

    train: Weighted
    validation: Weighted | None
    test: Weighted | None

    @staticmethod
    def of(made: Bundle, dataset: Dataset, settings: TrainSpec) -> _Splits:
        """Classes weigh in training only, as in Keras.

        Raises:
            DataError: a split is empty or does not fit.
        """

        def fitted(given: Samples | None) -> Weighted | None:
            return None if given is None else ones(fit_samples(made, given))

        rows = fit_samples(made, dataset.train)
        train, held = held_out(ones(rows), settings.validation_split)
        by_class = sample_weights(made, train.samples.y, None, settings.class_weight)
        train = Weighted(train.samples, by_class)
        held = fitted(dataset.validation) if held is None else ones(held.samples)
        test = fitted(dataset.test)
        parts = {"training split": train, "validation split": held, "test split": test}
        common_batch(made, parts, steps=settings.steps_per_epoch)
        return _Splits(train, held, test)


@dataclass(slots=True)
class _Run:
    """One process's share of a run."""

    spec: Spec
    settings: TrainSpec
    folder: RunFolder
    made: Bundle
    splits: _Splits
    known: Known
    progress: Progress
    minutes: float | None = None

    def run(self) -> Trained:
        """From the last checkpoint (or the start) to the end."""
        remove_leftovers(self.folder.path)
        record = self.folder.record()
        engine = Engine(self.made, {}, record["device"], int(record["threads"]))
        cursor = self._restore(engine)
        history = _history(self.folder, cursor.epoch)
        if len(history.epoch) < cursor.epoch:
            raise metrics_missing(str(self.folder.path / METRICS), cursor.epoch, len(history.epoch))
        settings = self.settings
        hooks = Hooks(
            engine, settings.callbacks, history, self.progress, self.folder.path,
            cursor.callbacks, cursor.stopped, cursor.steps,
            validates=self.splits.validation is not None,
            schedule=settings.optimizer.schedule, logs_rate=True,
        )  # fmt: skip
        cursor.callbacks = hooks.states
        watcher = Checkpointing(
            engine, self.folder, cursor, history, hooks, CHECKPOINT_SECONDS,
            None if self.minutes is None else time.monotonic() + self.minutes * MINUTE,
            any(isinstance(each, ModelCheckpoint) for each in settings.callbacks),
        )  # fmt: skip
        hooks.keeper, hooks.finder = watcher.keep, watcher.find
        hooks.train_begin()
        loop = Loop(
            engine, self.splits.train, settings.epochs if cursor.stopped is None else 0,
            settings.batch_size, settings.seed, settings.shuffle, self.splits.validation,
            self.progress, watcher, cursor.epoch, cursor.step, history, settings.steps_per_epoch,
            settings.validation_freq,
        )  # fmt: skip
        try:
            with stop_at_steps(watcher):
                loop.run()
        except (NotFinite, LossNotFiniteError):
            raise self._not_finite(record) from None
        hooks.train_end()
        return self._end(engine, history, cursor, record)

    def _not_finite(self, record: dict[str, Any]) -> RunError:
        """What to say when the loss is no number; the last checkpoint is from before."""
        self.progress.close()
        engine = Engine(self.made, {}, record["device"], int(record["threads"]))
        cursor = self._restore(engine)
        found = diagnose(self.spec, self.made, engine, self.splits.train, cursor)
        return RunError(
            f"{self.folder.path}: {found}; lower the learning rate, clip gradients "
            f"(global_clipnorm), or look at the data. The checkpoint of step {cursor.steps} is kept"
        )

    def _restore(self, engine: Engine) -> Cursor:
        """State and cursor of the last checkpoint; the compiled first state when there is none."""
        found = latest(self.folder.path / CHECKPOINTS)
        path = self.folder.path / STATE if found is None else found
        named, meta = load_checkpoint(path)
        engine.replace(named)
        return Cursor.of(meta)

    def _end(
        self, engine: Engine, history: History, cursor: Cursor, record: dict[str, Any]
    ) -> Trained:
        """The trained model, the test split's figures, and the mark that the run is complete."""
        folder = self.folder
        folder.checkpoints.save(cursor.steps, engine.state(), cursor.meta())
        write_model(folder.path / MODEL, self.spec, engine.weights(), None, self.known)
        test: Logs = {}
        if self.splits.test is not None:
            # Batches of training fit into memory; larger ones would hold the most of a run.
            size = self.made.batch or self.settings.batch_size
            test = engine.evaluate(batch_feeds(engine, self.splits.test, size))
        folder.write_record({**record, "finished": True, "test": test})
        return Trained(folder.path, history, test)
