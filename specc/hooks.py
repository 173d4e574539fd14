"""Callbacks at work on an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from specc.callbacks import Callback, Training
from specc.callbacks.base import RATE
from specc.engine import Engine, Logs
from specc.errors import RunError
from specc.history import History
from specc.optimizers.schedules import Schedule
from specc.progress import Progress


@dataclass(slots=True)
class Hooks(Training):
    """Runs callbacks, and does to the engine what they ask for.

    Attributes:
        states: what each callback remembers, in their order; stored in checkpoints.
        stopped: why training is to end; None while it is not.
        validates: whether there is a validation, be it not in every epoch.
        schedule: what gives the learning rate, if it is no state.
        logs_rate: whether the rate of a schedule is a log of every epoch.
        kept: states by name, where no run folder keeps them.
        keeper: keeps a state by name; by default `kept` does.
        finder: finds it again.
    """

    engine: Engine
    callbacks: Sequence[Callback]
    history: History = field(default_factory=History)
    progress: Progress = field(default_factory=Progress)
    place: Path | None = None
    states: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    stopped: str | None = None
    counted: int = 0
    kept: dict[str, dict[str, npt.NDArray[Any]]] = field(
        default_factory=dict[str, dict[str, npt.NDArray[Any]]]
    )
    keeper: Callable[[str], None] | None = None
    finder: Callable[[str], Mapping[str, npt.NDArray[Any]]] | None = None
    validates: bool = False
    schedule: Schedule | None = None
    logs_rate: bool = False

    def __post_init__(self) -> None:
        if len(self.states) != len(self.callbacks):
            self.states = [{} for _ in self.callbacks]
        self._each_step = [
            pair for pair in self._pairs() if type(pair[0]).step_end is not Callback.step_end
        ]

    _each_step: list[tuple[Callback, dict[str, Any]]] = field(init=False, repr=False)

    def _pairs(self) -> list[tuple[Callback, dict[str, Any]]]:
        return list(zip(self.callbacks, self.states, strict=True))

    def check(self) -> None:
        """See whether all can do their work.

        Raises:
            RunError: one cannot.
        """
        for callback in self.callbacks:
            callback.check(self)

    def train_begin(self) -> None:
        """Before the first step of this process."""
        self.check()
        for callback, state in self._pairs():
            callback.train_begin(state, self)

    def step_end(self, epoch: int, step: int) -> None:
        """After every step, also an epoch's last."""
        self.counted += 1
        for callback, state in self._each_step:
            callback.step_end(state, self, epoch, step)

    def epoch_logs(self, logs: Logs) -> None:
        """Before an epoch's logs are recorded."""
        if self._shows_rate and (rate := self.learning_rate()) is not None:
            logs[RATE] = rate
        for callback, state in self._pairs():
            callback.epoch_logs(state, self, logs)

    def epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch."""
        for callback, state in self._pairs():
            callback.epoch_end(state, self, epoch, logs)

    def train_end(self) -> None:
        """After the last step."""
        for callback, state in self._pairs():
            callback.train_end(state, self)

    @property
    @override
    def folder(self) -> Path | None:
        return self.place

    @property
    @override
    def logged(self) -> tuple[str, ...]:
        own = self.engine.bundle.logs
        held = [f"val_{name}" for name in own] if self.validates else []
        rate = [RATE] if self._shows_rate else []
        return (*own, *held, *rate, *(name for each in self.callbacks for name in each.adds))

    @property
    def _shows_rate(self) -> bool:
        return self.logs_rate and self.schedule is not None

    @property
    @override
    def steps(self) -> int:
        return self.counted

    @override
    def stop(self, why: str) -> None:
        self.stopped = why
        self.progress.note(f"stopped: {why}")

    @property
    @override
    def scheduled(self) -> bool:
        return self.engine.bundle.rate is None

    @override
    def learning_rate(self) -> float | None:
        return self.engine.learning_rate(self.schedule)

    @override
    def set_learning_rate(self, rate: float) -> None:
        self.engine.set_learning_rate(rate)

    @override
    def keep(self, name: str) -> None:
        if self.keeper is not None:
            self.keeper(name)
        else:
            self.kept[name] = {k: np.array(v) for k, v in self.engine.weights().items()}

    @override
    def bring_back(self, name: str) -> None:
        found = self.kept.get(name) if self.finder is None else self.finder(name)
        if found is None:
            raise RunError(f"checkpoint {name}: expected it to have been kept, found none")
        weights = self.engine.weights()
        self.engine.replace({**self.engine.state(), **{k: found[k] for k in weights}})

    @override
    def reset_states(self) -> None:
        self.engine.reset_states()

    @override
    def loss(self) -> float:
        return self.engine.loss()

    @override
    def note(self, text: str) -> None:
        self.progress.note(text)
