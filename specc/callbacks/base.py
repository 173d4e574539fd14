"""`Callback`: settings that a spec names and what they do; `Training`: what they may do it to."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field
from typing_extensions import override

from specc.errors import RunError, nearest
from specc.family import Member
from specc.history import History

# What a callback remembers, as JSON holds it: it is stored in every checkpoint.
State: TypeAlias = dict[str, Any]
Logs: TypeAlias = dict[str, float]

# Metrics of which more is better, by a part of their names.
# Source: `_direction` of the metrics in keras/src/metrics (3.15.1).
UP = re.compile(
    r"acc|auc|precision|recall|sensitivity|specificity|f1|fbeta|f_beta|f_score|iou|r2|pearson"
    r"|concordance|cosine_similarity"
)
# The log that is the learning rate of an epoch.
RATE = "learning_rate"
ITEM = re.compile(r"\[\d+\]$")


class Training(ABC):
    """A training that runs, as callbacks see it."""

    history: History

    @property
    @abstractmethod
    def folder(self) -> Path | None:
        """The run's folder; None where there is none."""

    @property
    @abstractmethod
    def logged(self) -> tuple[str, ...]:
        """Names of the logs that epochs end with; those of the validation not after every one."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Steps since the start of training."""

    @abstractmethod
    def stop(self, why: str) -> None:
        """End training after this epoch."""

    @property
    @abstractmethod
    def scheduled(self) -> bool:
        """Whether a schedule gives the learning rate."""

    @abstractmethod
    def learning_rate(self) -> float | None:
        """The learning rate of the next step; None where several rules have one each."""

    @abstractmethod
    def set_learning_rate(self, rate: float) -> None:
        """Train on at another rate."""

    @abstractmethod
    def keep(self, name: str) -> None:
        """Remember the state as it stands."""

    @abstractmethod
    def bring_back(self, name: str) -> None:
        """Put the weights back that `keep` remembered."""

    @abstractmethod
    def reset_states(self) -> None:
        """Let stateful layers begin with zeros again."""

    @abstractmethod
    def loss(self) -> float:
        """The loss of the last step's batch."""

    @abstractmethod
    def note(self, text: str) -> None:
        """Tell the user something."""


class Callback(Member):
    """A kind of callback. What it remembers stands in `state`, which outlives the process."""

    family_name: ClassVar[str] = "callback"
    adds: ClassVar[tuple[str, ...]] = ()
    """Logs that `epoch_logs` adds."""

    def check(self, training: Training) -> None:
        """See whether it can do its work, before anything is written.

        Raises:
            RunError: it cannot.
        """

    def train_begin(self, state: State, training: Training) -> None:
        """Training begins; after a resume, `state` is that of the checkpoint."""

    def step_end(self, state: State, training: Training, epoch: int, step: int) -> None:
        """`step` steps of an epoch are done. Only called where a kind overrides it."""

    def epoch_logs(self, state: State, training: Training, logs: Logs) -> None:
        """An epoch is done; its logs can be added to before they are recorded."""

    def epoch_end(self, state: State, training: Training, epoch: int, logs: Logs) -> None:
        """An epoch and its validation are done."""

    def train_end(self, state: State, training: Training) -> None:
        """Training has ended."""


class Monitor(Callback):
    """A callback that watches one log.

    Source: keras/src/callbacks/monitor_callback.py (3.15.1).
    """

    abstract: ClassVar[bool] = True

    monitor: str = "val_loss"
    """The log that is watched."""

    mode: Literal["auto", "min", "max"] = "auto"
    """Whether less or more is better; auto: by the metric's name, less for losses and errors."""

    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """A smaller change is no improvement."""

    @override
    def check(self, training: Training) -> None:
        known = training.logged
        # A log of several numbers is `name[0]`, `name[1]`, ...; how many is known later.
        if ITEM.sub("", self.monitor) not in known:
            raise self._unknown(known)

    def value(self, logs: Mapping[str, float]) -> float | None:
        """What is watched; None after an epoch that was not validated.

        Raises:
            RunError: there is no such log.
        """
        if self.monitor in logs:
            return logs[self.monitor]
        if self.monitor.startswith("val_") and not any(n.startswith("val_") for n in logs):
            return None
        raise self._unknown(logs)

    def _unknown(self, known: Collection[str]) -> RunError:
        wanted = self.monitor.startswith("val_") and not any(n.startswith("val_") for n in known)
        hint = (
            " it needs validation data: `validation_split`, `split` of `data:`, or"
            " `validation_data` or `validation_fraction` in Python;"
            if wanted
            else ""
        )
        return RunError(
            f"train.callbacks: {self.key}.monitor: expected the name of a log, found "
            f"{self.monitor!r};{hint}{nearest(self.monitor, known)}"
        )

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is an improvement; anything is one of nothing, NaN of nothing else."""
        if than is None:
            return True
        more = self.mode == "max" or (self.mode == "auto" and more_is_better(self.monitor))
        return value - self.min_delta > than if more else value + self.min_delta < than


def more_is_better(name: str) -> bool:
    """Whether a log grows when a model improves."""
    name = name.removeprefix("val_")
    return "loss" not in name and UP.search(name) is not None
