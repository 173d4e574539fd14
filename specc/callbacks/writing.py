"""Callbacks that write files."""

from __future__ import annotations

import csv
import importlib
import io
import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import override

from specc.callbacks.base import RATE, Callback, Logs, Monitor, State, Training
from specc.errors import RunError
from specc.files import replace


class ModelCheckpoint(Monitor):
    """Keep states: the best by a log, and one every so many epochs.

    A run keeps its last states and the best by the validation loss without being told; with this
    it keeps the best by another log, as `checkpoints/best.safetensors`, and further ones, as
    `checkpoints/epoch-0010.safetensors`.

    An epoch without validation is not compared with others. Keras (3.15.1) takes it for the best.
    """

    every: Annotated[int, Field(ge=1)] | None = None
    """Epochs between two states that are kept for good."""

    @override
    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        value = self.value(logs)
        if value is not None and math.isfinite(value) and self.better(value, state.get("best")):
            state["best"] = value
            training.keep("best")
        if self.every is not None and (epoch + 1) % self.every == 0:
            training.keep(f"epoch-{epoch + 1:04d}")


class CSVLogger(Callback):
    """Write the logs of all epochs to a CSV file; a run has its `metrics.csv` anyhow."""

    path: str
    """The file; a relative one stands in the run's folder, if there is one."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between cells."""

    @override
    def check(self, training: Training) -> None:
        place(self.path, training)

    @override
    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        history = training.history
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.separator, lineterminator="\n")
        names = sorted(history.history)
        writer.writerow(["epoch", *names])
        for number, row in zip(history.epoch, history.rows, strict=True):
            writer.writerow([number, *(row.get(name, "NA") for name in names)])
        path = place(self.path, training)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text.getvalue().encode())


class TensorBoard(Callback):
    """Write the logs of every epoch for TensorBoard, by the library tensorboardX.

    Training and validation are two runs there, `train` and `validation`, as in Keras; the learning
    rate is a log of the former: `epoch_learning_rate`.

    Source: keras/src/callbacks/tensorboard.py (3.15.1).
    """

    log_dir: str = "tensorboard"
    """The folder; a relative one stands in the run's folder, if there is one."""

    @override
    def check(self, training: Training) -> None:
        _library()
        place(self.log_dir, training)

    @override
    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        folder = place(self.log_dir, training)
        if RATE not in logs and (rate := training.learning_rate()) is not None:
            logs = {**logs, RATE: rate}
        for part in ("train", "validation"):
            chosen = {
                name.removeprefix("val_"): value
                for name, value in logs.items()
                if name.startswith("val_") == (part == "validation")
            }
            if not chosen:
                continue
            # One writer for one epoch: a killed run leaves whole files, a resumed one adds to them.
            # Its name has seconds only: the number of the epoch tells those of one second apart.
            with _library().SummaryWriter(
                str(folder / part), purge_step=epoch, filename_suffix=f".{epoch:08d}"
            ) as writer:
                for name, value in chosen.items():
                    writer.add_scalar(f"epoch_{name}", value, epoch)


def place(path: str, training: Training) -> Path:
    """Where a relative path of a callback leads; it may not leave the run's folder."""
    if training.folder is None:
        return Path(path)
    found = training.folder / path
    if not found.resolve().is_relative_to(training.folder.resolve()):
        raise RunError(f"train.callbacks: expected a path inside the run's folder, found {path!r}")
    return found


def _library() -> Any:  # noqa: ANN401 - the package is optional
    try:
        return importlib.import_module("tensorboardX")
    except ImportError as error:
        raise RunError(
            "train.callbacks: tensor_board: expected the package tensorboardX, found it not "
            "installed; install it with the extra: pip install 'specc[tensorboard]'"
        ) from error
