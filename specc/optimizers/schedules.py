"""Learning-rate schedules: functions of the step counter, computed in the graph."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from specc.family import Member
from specc.primitives import Tensor


class Schedule(Member):
    """A learning rate for each step."""

    family_name: ClassVar[str] = "schedule"

    @abstractmethod
    def at(self, step: Tensor) -> Tensor:
        """The rate at `step` = 0, 1, ... (a float scalar)."""
