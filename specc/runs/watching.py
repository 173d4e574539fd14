"""Checkpoints and records of a run while it trains, and how it is stopped."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from typing_extensions import override

from specc.checkpoint import load as load_checkpoint
from specc.checkpoint import save as save_checkpoint
from specc.engine import Engine, Logs
from specc.errors import RunError
from specc.fit import StopTraining, Watcher
from specc.history import History
from specc.hooks import Hooks
from specc.interrupts import interrupts
from specc.runs.folder import CHECKPOINTS, RunFolder

MINUTE = 60.0


class NotFinite(Exception):  # noqa: N818 - training turns it into a message
    """The loss became NaN or infinite since the last checkpoint."""


@dataclass(slots=True)
class Cursor:
    """Where training stands: the next step of the next epoch, and all steps so far.

    Attributes:
        best: the lowest loss so far, of which a checkpoint is kept.
        stopped: why a callback ended training; None while it goes on.
        callbacks: what callbacks remember.
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    best: float | None = None
    stopped: str | None = None
    callbacks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @staticmethod
    def of(meta: dict[str, Any]) -> Cursor:
        """The cursor of a checkpoint."""
        return Cursor(
            int(meta.get("epoch", 0)), int(meta.get("step", 0)), int(meta.get("steps", 0)),
            meta.get("best"), meta.get("stopped"), list(meta.get("callbacks", [])),
        )  # fmt: skip

    def meta(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        found: dict[str, Any] = {
            "epoch": self.epoch, "step": self.step, "steps": self.steps, "best": self.best,
        }  # fmt: skip
        if self.callbacks:
            found["callbacks"] = self.callbacks
        if self.stopped is not None:
            found["stopped"] = self.stopped
        return found


@dataclass(slots=True)
class Checkpointing(Watcher):
    """Writes checkpoints and metrics, runs callbacks, and stops between two steps when asked to.

    Attributes:
        interval: seconds of work that a kill may cost.
        until: when training is to end, as `time.monotonic` tells it.
        own_best: whether a callback decides which state is the best.
    """

    engine: Engine
    folder: RunFolder
    cursor: Cursor
    history: History
    hooks: Hooks
    interval: float
    until: float | None = None
    own_best: bool = False
    stop: bool = False
    saved: float = field(default_factory=time.monotonic)

    @override
    def step_end(self, epoch: int, step: int) -> None:
        self._moved(epoch, step)
        self.hooks.step_end(epoch, step)
        if self.stop:
            self.save()
            raise KeyboardInterrupt
        now = time.monotonic()
        if self.until is not None and now > self.until:
            self.hooks.stop("the time was up")
            self.cursor.stopped = self.hooks.stopped
            self.save()
            raise StopTraining
        if now - self.saved > self.interval:
            self.save()

    @override
    def epoch_logs(self, logs: Logs) -> None:
        self.hooks.epoch_logs(logs)

    @override
    def epoch_end(self, epoch: int, logs: Logs) -> bool:
        last = self.cursor.step + 1 if self.cursor.epoch == epoch else 1
        self._moved(epoch + 1, 0)
        self._check(logs["loss"])
        self.hooks.step_end(epoch, last)
        self.hooks.epoch_end(epoch, logs)
        # An epoch without validation has nothing that compares with the others'.
        watched = logs.get("val_loss", math.nan if self.hooks.validates else logs["loss"])
        better = math.isfinite(watched) and (self.cursor.best is None or watched < self.cursor.best)
        if better:
            self.cursor.best = watched
        if self.until is not None and time.monotonic() > self.until:
            self.hooks.stop("the time was up")
        self.cursor.stopped = self.hooks.stopped
        self.folder.write_metrics(self.history.rows)
        self._save(best=better and not self.own_best)
        if self.stop:
            raise KeyboardInterrupt
        return self.cursor.stopped is not None

    def _moved(self, epoch: int, step: int) -> None:
        self.cursor.epoch, self.cursor.step = epoch, step
        self.cursor.steps += 1

    @staticmethod
    def _check(loss: float) -> None:
        """No state with a NaN in it becomes a checkpoint.

        Raises:
            NotFinite: the loss, summed over the epoch so far, is no number.
        """
        if not math.isfinite(loss):
            raise NotFinite

    def save(self) -> None:
        """A checkpoint of this very step."""
        self._check(self.engine.logs()["loss"])
        self._save()

    def _save(self, *, best: bool = False) -> None:
        self.folder.checkpoints.save(
            self.cursor.steps, self.engine.state(), self.cursor.meta(), best=best
        )
        self.saved = time.monotonic()

    def keep(self, name: str) -> None:
        """A checkpoint with a name of its own, which stays."""
        path = self.folder.path / CHECKPOINTS / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = replace(self.cursor, callbacks=[], stopped=None).meta()
        save_checkpoint(path, self.engine.state(), meta)

    def find(self, name: str) -> dict[str, Any]:
        """The state that `keep` wrote.

        Raises:
            RunError: it is no longer there.
        """
        return load_checkpoint(self.folder.path / CHECKPOINTS / f"{name}.safetensors")[0]


def metrics_missing(path: str, wanted: int, found: int) -> RunError:
    """What to say when a run's metrics are shorter than its checkpoint."""
    return RunError(
        f"{path}: expected the logs of {wanted} epochs, found {found}; bring the file back, or "
        "start a new run"
    )


@contextmanager
def stop_at_steps(watcher: Checkpointing) -> Generator[None]:
    """Ctrl-C ends training after the step that runs; a second one ends it at once.

    Only between steps do state and cursor agree. One that was lost before ends it after a step.
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
    watcher.stop |= interrupts.heard
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
