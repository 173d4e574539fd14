"""Callbacks that end training."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from typing_extensions import override

from specc.callbacks.base import Callback, Logs, Monitor, State, Training
from specc.errors import RunError

KEPT = "early_stopping"


class EarlyStopping(Monitor):
    """Stop when a log has not improved for some epochs.

    Source: keras/src/callbacks/early_stopping.py (3.15.1).
    """

    patience: Annotated[int, Field(ge=0)] = 0
    """Epochs without improvement after which training stops."""

    baseline: float | None = None
    """What must be beaten for the patience to begin anew."""

    restore_best_weights: bool = False
    """Whether the weights of the best epoch are the result."""

    start_from_epoch: Annotated[int, Field(ge=0)] = 0
    """Epochs before it are not watched."""

    @override
    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        first = "wait" not in state
        state["wait"] = state.get("wait", 0) + 1
        improved = self.better(value, state.get("best"))
        if self.restore_best_weights and (first or improved):
            training.keep(KEPT)
            state["kept"] = epoch
        if improved:
            state["best"] = value if math.isfinite(value) else None
            if self.baseline is None or self.better(value, self.baseline):
                state["wait"] = 0
        elif state["wait"] >= self.patience and epoch > 0:
            training.stop(f"{self.monitor} has not improved for {state['wait']} epochs")

    @override
    def train_end(self, state: State, training: Training) -> None:
        if self.restore_best_weights and "kept" in state:
            training.bring_back(KEPT)
            training.note(f"weights are those of epoch {state['kept'] + 1}, the best")


class LossNotFiniteError(RunError):
    """The loss of a step is no number."""


class TerminateOnNan(Callback):
    """Stop at the first step whose loss is NaN or infinite.

    A run looks for it at every checkpoint anyhow; this looks at every step, which costs a little.
    """

    @override
    def step_end(self, state: State, training: Training, epoch: int, step: int) -> None:
        loss = training.loss()
        if not math.isfinite(loss):
            raise LossNotFiniteError(
                f"epoch {epoch + 1}, step {step}: the loss is {loss}; lower the learning rate, clip"
                " gradients (global_clipnorm), or look at the data"
            )
