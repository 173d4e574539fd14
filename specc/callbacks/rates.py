"""Callbacks that change the learning rate."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.callbacks.base import RATE, Logs, Monitor, State, Training
from specc.errors import RunError


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate when a log has not improved for some epochs.

    The rate becomes a log, `learning_rate`.

    Source: keras/src/callbacks/reduce_lr_on_plateau.py (3.15.1).
    """

    adds: ClassVar[tuple[str, ...]] = (RATE,)

    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    """A smaller change is no improvement."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """What the rate is multiplied by."""

    patience: Annotated[int, Field(ge=0)] = 10
    """Epochs without improvement after which it is."""

    cooldown: Annotated[int, Field(ge=0)] = 0
    """Epochs after a change that do not count."""

    min_lr: Annotated[float, Field(ge=0)] = 0.0
    """The lowest rate."""

    @override
    def check(self, training: Training) -> None:
        super().check(training)
        if training.scheduled:
            raise RunError(
                f"train.callbacks: {self.key}: expected a learning rate that is a number, found a "
                "schedule; use one or the other"
            )

    @override
    def epoch_logs(self, state: State, training: Training, logs: Logs) -> None:
        logs[RATE] = self._rate(training)

    @override
    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        value = self.value(logs)
        if value is None:
            return
        cooldown, wait = state.get("cooldown", 0), state.get("wait", 0)
        if cooldown > 0:
            cooldown, wait = cooldown - 1, 0
        if self.better(value, state.get("best")):
            state["best"], wait = value if math.isfinite(value) else None, 0
        elif cooldown <= 0:
            wait += 1
            if wait >= self.patience and self._reduce(training):
                cooldown, wait = self.cooldown, 0
        state["cooldown"], state["wait"] = cooldown, wait

    def _reduce(self, training: Training) -> bool:
        old = self._rate(training)
        if old <= float(np.float32(self.min_lr)):
            return False
        new = max(old * self.factor, self.min_lr)
        training.set_learning_rate(new)
        training.note(f"{self.monitor} does not improve; the learning rate becomes {new:.4g}")
        return True

    @staticmethod
    def _rate(training: Training) -> float:
        return training.learning_rate() or 0.0
