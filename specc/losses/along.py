"""Losses that fold axes of the user's choice, the batch's too."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from typing_extensions import override

from specc.losses.base import Loss
from specc.shapes import axis_index
from specc.tensors import DType, Shape


class Along(Loss):
    """A loss with a value for each position along the axes that are left."""

    abstract: ClassVar[bool] = True

    @property
    @abstractmethod
    def folded(self) -> tuple[int, ...] | None:
        """The axes that are folded; None: all of them."""

    @override
    def target(self, output: Shape) -> tuple[Shape, DType]:
        for axis in self.folded or ():
            axis_index(axis, len(output))
        return super().target(output)

    @override
    def by_sample(self, rank: int) -> bool:
        return self.folded is not None and all(axis_index(axis, rank) for axis in self.folded)
