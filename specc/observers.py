"""Callbacks in Python, with the hooks of Keras' `Callback`, beside those that specs name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from typing_extensions import override

from specc.callbacks import Callback as Named
from specc.engine import Engine, Logs
from specc.errors import RunError, nearest
from specc.fit import StopTraining, Watcher
from specc.history import History
from specc.hooks import Hooks
from specc.optimizers.schedules import Schedule
from specc.progress import Progress


class Callback:
    """What a program does while a model trains: override what is wanted.

    Attributes:
        model: the model that trains; `model.stop_training = True` ends training.
    """

    model: Any = None

    def set_model(self, model: object) -> None:
        """Called first, with the model."""
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first step."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step, counted from 0; `logs` are those of the epoch so far."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last step."""


Given: TypeAlias = Named | Callback


@dataclass(slots=True)
class Observed(Watcher):
    """Runs both kinds of callbacks while `Model.fit` trains.

    Attributes:
        model: what Python callbacks get, with its flag `stop_training`.
    """

    model: Any
    engine: Engine
    hooks: Hooks
    own: Sequence[Callback]
    logs: Logs = field(default_factory=dict[str, float])
    _step: int = 0
    _each_step: bool = False

    @staticmethod
    def of(
        model: object,
        engine: Engine,
        given: Sequence[object],
        history: History,
        progress: Progress,
        *,
        validates: bool = False,
        schedule: Schedule | None = None,
    ) -> Observed:
        """Callbacks of both kinds, told of the model.

        Raises:
            RunError: one is of neither, or has a hook that is never called.
        """
        for each in given:
            if not isinstance(each, Named | Callback):
                raise _no_callback(each)
        named = [each for each in given if isinstance(each, Named)]
        own = [each for each in given if isinstance(each, Callback)]
        for each in own:
            _check_hooks(each)
            each.set_model(model)
        hooks = Hooks(
            engine, named, history, progress, validates=validates, schedule=schedule
        )  # fmt: skip
        made = Observed(model, engine, hooks, own)
        made._each_step = any(
            type(each).on_train_batch_end is not Callback.on_train_batch_end for each in own
        )
        return made

    def begin(self) -> None:
        """Before the first step."""
        self.model.stop_training = False
        self.hooks.train_begin()
        for each in self.own:
            each.on_train_begin()

    @override
    def epoch_begin(self, epoch: int) -> None:
        self._step = 0
        for each in self.own:
            each.on_epoch_begin(epoch)

    @override
    def step_end(self, epoch: int, step: int) -> None:
        self._stepped(epoch, step)
        if self.model.stop_training:
            raise StopTraining

    def _stepped(self, epoch: int, step: int) -> None:
        self._step = step
        self.hooks.step_end(epoch, step)
        if self._each_step:
            logs = self.engine.logs()
            for each in self.own:
                each.on_train_batch_end(step - 1, logs)

    @override
    def epoch_logs(self, logs: Logs) -> None:
        self.hooks.epoch_logs(logs)
        self.logs = logs

    @override
    def epoch_end(self, epoch: int, logs: Logs) -> bool:
        self._stepped(epoch, self._step + 1)
        self.hooks.epoch_end(epoch, logs)
        for each in self.own:
            each.on_epoch_end(epoch, logs)
        return self.hooks.stopped is not None or bool(self.model.stop_training)

    def end(self) -> None:
        """After the last step."""
        self.hooks.train_end()
        for each in self.own:
            each.on_train_end(self.logs)


def given_callbacks(given: object) -> Sequence[Any]:
    """Callbacks as `fit` takes them: a list, a single one, or None for none, as in Keras.

    Raises:
        RunError: it is something else.
    """
    if given is None:
        return ()
    if isinstance(given, Named | Callback):
        return (given,)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise _no_callback(given)
    return cast("Sequence[Any]", given)


def _no_callback(given: object) -> RunError:
    return RunError(
        f"callbacks: expected members of specc.callbacks or objects of specc.Callback, received"
        f" {type(given).__name__}"
    )


def _check_hooks(given: Callback) -> None:
    """Refuse hooks that would silently never run: misspelt ones, and those of Keras' not here.

    Raises:
        RunError: naming the first.
    """
    known = {name for name in dir(Callback) if name.startswith("on_")}
    for name in dir(given):
        if name.startswith("on_") and name not in known and callable(getattr(given, name)):
            raise RunError(
                f"callbacks: {type(given).__name__}.{name}: expected a hook that is called;"
                f"{nearest(name, known)}"
            )
