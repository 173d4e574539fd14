"""A bundle at work: state on the device, training steps, evaluation, and named arrays back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.compiler.bundle import FULL, Bundle
from specc.compiler.program import Program
from specc.compiler.rates import rate_program
from specc.compiler.state import ITERATIONS, LEARNING_RATE, METRICS, STATES
from specc.errors import RunError
from specc.feeding import Feeds
from specc.internal import require
from specc.optimizers.schedules import Schedule
from specc.session import Device, Runner, Stepper

Array: TypeAlias = npt.NDArray[Any]
Logs: TypeAlias = dict[str, float]


@dataclass(slots=True)
class Engine:
    """Holds the state of a model as named arrays, or on the device while it trains.

    Attributes:
        named: the state by name; stale while `_train` has moved on.
    """

    bundle: Bundle
    named: dict[str, Array]
    device: Device = "cpu"
    threads: int | None = None
    _train: Stepper | None = field(default=None, repr=False)
    _eval: Stepper | None = field(default=None, repr=False)
    _moved: bool = False
    _rates: Runner | None = field(default=None, repr=False)

    def require(self, name: str) -> Program:
        """The program called `name`.

        Raises:
            RunError: the spec has no `train:` section, so there is none.
        """
        if name not in self.bundle.programs:
            raise RunError(
                f"{self.bundle.name}: no {name} graph; the spec needs `train:` with a loss"
            )
        return self.bundle.programs[name]

    def _stepper(self, name: str) -> Stepper:
        return Stepper(self.require(name), self.device, self.threads)

    def trainer(self) -> Stepper:
        """The training program with the state loaded.

        Raises:
            RunError: the spec has no `train:` section.
            RuntimeSetupError: its graph has internal operators that are not here.
        """
        if self._train is None:
            made, full = self.bundle, self.bundle.programs.get(FULL)
            if made.internal is not None:
                require(made.internal, made.name, self.device)
            self._train = Stepper(self.require("train"), self.device, self.threads, full)
            self._train.load(self.bundle.state.pack(self.named))
        return self._train

    def step(self, batch: Feeds) -> None:
        """One training step."""
        self.trainer().step(batch)
        self._moved = True

    def reset_metrics(self) -> None:
        """Forget the sums that logs are computed from."""
        self.trainer().set(METRICS, self._zeros())

    def _zeros(self) -> Array:
        return np.zeros(self.bundle.state[METRICS].shape, np.float32)

    def logs(self) -> Logs:
        """Loss and metrics since the last reset, the loss first."""
        return _logs(self.trainer())

    def evaluate(self, batches: Iterable[Feeds]) -> Logs:
        """Loss and metrics over batches, with the weights as they stand; states move on."""
        if self._eval is None:
            self._eval = self._stepper("eval")
        stepper = self._eval
        if self._train is None:
            packed = self.bundle.state.pack(self.named)
            shared = None
        else:
            buffers = self._train.buffers()
            shared = {t.name: buffers[t.name] for t in self.bundle.state.tensors if t.shared}
            packed = {STATES: self._train.get(STATES)} if STATES in self.bundle.state else {}
        stepper.load({**packed, METRICS: self._zeros()}, shared)
        for batch in batches:
            stepper.step(batch)
        if STATES in self.bundle.state:
            self.carry(stepper.get(STATES))
        return _logs(stepper)

    def predict(self, runner: Runner, batches: Iterable[Feeds]) -> dict[str, Array]:
        """The outputs of a program that has the weights inside, on batches; states move on."""
        states = self.carried()
        if states is not None:
            runner.served.states = {STATES: states}
        parts = [runner.run(batch) for batch in batches]
        if states is not None:
            self.carry(runner.served.states[STATES])
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def carried(self) -> Array | None:
        """What stateful layers carry from batch to batch, as programs take it; None without any."""
        if not self.bundle.carried:
            return None
        return self.bundle.state[STATES].pack(self.state())

    def carry(self, states: Array) -> None:
        """Let stateful layers go on from `states`."""
        if self._train is not None:
            self._train.set(STATES, states)
            self._moved = True
        else:
            self.named = self.named | self.bundle.state[STATES].unpack(states)

    def reset_states(self) -> None:
        """Let stateful layers begin with zeros again."""
        states = self.carried()
        if states is not None:
            self.carry(np.zeros_like(states))

    def state(self) -> dict[str, Array]:
        """The whole state by name, as it stands."""
        if self._moved and self._train is not None:
            self.named = self.bundle.state.unpack(self._train.state()) | {
                w.name: self.named[w.name] for w in self.bundle.weights if w.dtype != "float32"
            }
            self._moved = False
        return self.named

    def weights(self) -> dict[str, Array]:
        """The weights by name, in Keras' order."""
        named = self.state()
        return {w.name: named[w.name] for w in self.bundle.weights}

    def replace(self, named: Mapping[str, Array]) -> None:
        """Put another state in place."""
        self.named = dict(named)
        self._moved = False
        if self._train is not None:
            self._train.load(self.bundle.state.pack(self.named))

    def loss(self) -> float:
        """The loss of the last step's batch."""
        return float(self.trainer().results()["loss"])

    def set_learning_rate(self, rate: float) -> None:
        """Train on at another rate.

        Raises:
            RunError: a schedule gives the rate.
        """
        if self.bundle.rate is None:
            raise RunError(
                "learning rate: expected a number to change, found a schedule or several rules"
            )
        self.trainer().set(LEARNING_RATE, np.array(rate, np.float32))
        self._moved = True

    def learning_rate(self, schedule: Schedule | None = None) -> float | None:
        """The rate of the step that comes next, of the state or of a schedule; None without both.

        Source: `learning_rate` of keras/src/optimizers/base_optimizer.py (3.15.1).
        """
        if self.bundle.rate is not None:
            return float(self._scalar(LEARNING_RATE))
        if schedule is None:
            return None
        if self._rates is None:
            self._rates = Runner(rate_program(schedule), threads=1)
        return float(self._rates.run({ITERATIONS: self._scalar(ITERATIONS)})[LEARNING_RATE])

    def _scalar(self, name: str) -> Array:
        """A number of the state, without a copy of all the rest."""
        if self._moved and self._train is not None:
            return self._train.get(name)
        return np.asarray(self.named[name])


def _logs(stepper: Stepper) -> Logs:
    """Scalars as floats; a vector metric as one entry for each element."""
    found: Logs = {}
    for name, value in stepper.results().items():
        if not name.startswith("log/"):
            continue
        key = name.removeprefix("log/")
        if value.ndim == 0:
            found[key] = float(value)
        else:
            found.update({f"{key}[{i}]": float(v) for i, v in enumerate(value.ravel())})
    return found
