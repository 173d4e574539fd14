"""What a training loop tells, and when a line of it is due to be shown. Draws nothing.

`specc/terminal.py` draws the moving line of a terminal; in a pipe `Plain` writes whole lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO, TypeAlias

from typing_extensions import override

from specc.progress_text import Moment, finished, history_table, text_table

Logs: TypeAlias = Mapping[str, float]
# Values that cost something to fetch are given as a function, called only when they are shown.
LazyLogs: TypeAlias = Logs | Callable[[], Logs]

# Seconds between two lines of an epoch in a pipe, and between two drawings in a terminal.
PLAIN_INTERVAL = 5.0
LIVE_INTERVAL = 0.1


class Progress:
    """What a training loop tells, from `start` to `finish`; this one shows nothing.

    `close` comes at the end of all, also after an exception. Epochs count from 0, steps are those
    done in the epoch.
    """

    def start(self, epochs: int, steps: int) -> None:
        """Training begins: up to `epochs` epochs of `steps` steps each."""

    def step(self, epoch: int, step: int, logs: LazyLogs) -> None:
        """`step` steps of `epoch` are done. Cheap unless something is due to be shown."""

    def epoch_end(self, epoch: int, logs: Logs, seconds: float) -> None:
        """An epoch is done, validation included; it took `seconds`."""

    def note(self, text: str) -> None:
        """Something worth a line of its own."""

    def finish(self, epochs: Sequence[Logs], seconds: float, first_epoch: int = 0) -> None:
        """Training is done: shows a table of the logs of epochs, the first of which is given."""

    def close(self) -> None:
        """Leave the terminal as it was. May be called more than once."""


class Meter:
    """Turns what the loop tells into `Moment`s.

    One comes every `interval` seconds, another with the last step of an epoch if `last`.
    """

    def __init__(
        self, interval: float, *, last: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval, self._last, self._clock = interval, last, clock
        self._epochs = self._steps = 0
        self._epoch = -1
        self._reports = 0
        # (step, time): when the epoch's first report came, which is often slow, and the latest.
        self._first = self._latest = (0, clock())
        self._shown = clock()

    def start(self, epochs: int, steps: int) -> None:
        """As `Progress.start`."""
        self._epochs, self._steps = epochs, steps
        self._epoch, self._shown = -1, self._clock()
        self._latest = (0, self._shown)

    def step(self, epoch: int, step: int, logs: LazyLogs) -> Moment | None:
        """The moment to show, None when it is too early for another."""
        now = self._clock()
        if epoch != self._epoch:
            # Until there is a second report the rate counts from the end of the epoch before.
            self._epoch, self._first, self._reports = epoch, (step - 1, self._latest[1]), 0
        elif self._reports == 1:
            self._first = self._latest
        self._reports += 1
        self._latest = (step, now)
        due = now - self._shown >= self._interval and step < self._steps
        if not due and not (self._last and step >= self._steps):
            return None
        self._shown = now
        rate = self._rate()
        values = logs() if callable(logs) else logs
        return Moment(
            epoch, self._epochs, step, self._steps, rate * (self._steps - step), rate, values
        )

    def epoch_end(self, epoch: int, logs: Logs, seconds: float) -> Moment:
        """The last moment of an epoch: always shown."""
        rate = self._rate() if epoch == self._epoch else seconds / max(1, self._steps)
        self._epoch, self._shown = -1, self._clock()
        self._latest = (0, self._shown)
        return Moment(epoch, self._epochs, self._steps, self._steps, seconds, rate, logs)

    def _rate(self) -> float:
        """Seconds for a step between the first report of the epoch and the latest."""
        (first, began), (step, now) = self._first, self._latest
        return (now - began) / max(1, step - first)


class Plain(Progress):
    """Whole lines for a pipe or a file: one for each epoch, and one every few seconds between."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._meter = Meter(PLAIN_INTERVAL, clock=clock)

    @override
    def start(self, epochs: int, steps: int) -> None:
        self._meter.start(epochs, steps)

    @override
    def step(self, epoch: int, step: int, logs: LazyLogs) -> None:
        moment = self._meter.step(epoch, step, logs)
        if moment is not None:
            self.note(f"{moment.head} {moment.tail}")

    @override
    def epoch_end(self, epoch: int, logs: Logs, seconds: float) -> None:
        moment = self._meter.epoch_end(epoch, logs, seconds)
        self.note(f"{moment.head} {moment.tail}")

    @override
    def note(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

    @override
    def finish(self, epochs: Sequence[Logs], seconds: float, first_epoch: int = 0) -> None:
        if epochs:
            self.note(text_table(*history_table(epochs, first_epoch)))
        self.note(finished(epochs, seconds))

    @override
    def close(self) -> None:
        pass
