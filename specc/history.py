"""What training leaves behind in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class History:
    """Logs of every epoch, as Keras' History: `history["val_loss"][3]` is epoch 3's.

    Attributes:
        epoch: numbers of the epochs, from 0.
        history: one list for each log.
        seconds: how long each epoch took.
    """

    epoch: list[int] = field(default_factory=list[int])
    history: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    seconds: list[float] = field(default_factory=list[float])

    def add(self, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """One epoch's logs."""
        self.epoch.append(epoch)
        self.seconds.append(seconds)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
