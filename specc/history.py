"""What training leaves behind in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class History:
    """Logs of every epoch, as Keras' History: `history["val_loss"][3]` is the fourth value.

    Attributes:
        epoch: numbers of the epochs, from 0.
        history: one list for each log; shorter where not every epoch has it (`validation_freq`).
        seconds: how long each epoch took.
        rows: the logs of each epoch.
    """

    epoch: list[int] = field(default_factory=list[int])
    history: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    seconds: list[float] = field(default_factory=list[float])
    rows: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    def add(self, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """One epoch's logs."""
        self.epoch.append(epoch)
        self.seconds.append(seconds)
        self.rows.append(dict(logs))
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
