"""What stands between raw inputs and a model's: the same for training, in NumPy, and in the graph.

A preparation holds what was learned from the training split. Sources apply it to their samples,
and the compiler puts it in front of the graph that is served, so that `model.onnx` takes what the
files hold. It is stored as JSON: its fields are what the graph needs, nothing else.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import ValidationError
from typing_extensions import override

from specc import primitives as ops
from specc.data.rows import Array
from specc.errors import RunError
from specc.family import Member
from specc.primitives import Tensor
from specc.tensors import DType, Shape

KEY = "preparations"


@dataclass(frozen=True, slots=True)
class Raw:
    """An input of the served graph; its shape has the batch axis first."""

    name: str
    shape: Shape
    dtype: DType


class Preparation(Member):
    """From raw inputs to one input of the model."""

    family_name: ClassVar[str] = "preparation"

    @abstractmethod
    def raw(self, name: str) -> tuple[Raw, ...]:
        """What the served graph takes in place of the model's input called `name`."""

    @abstractmethod
    def apply(self, raws: Sequence[Array]) -> Array:
        """The model's input, in NumPy; the same float32 operations as `lower`."""

    @abstractmethod
    def lower(self, raws: Sequence[Tensor]) -> Tensor:
        """The model's input, in the words of primitives."""


class Pixels(Preparation):
    """Bytes of pixels as float32: (x / 255 - mean) / deviation, per channel."""

    shape: tuple[int, ...]
    """Of an image, without the batch axis."""

    mean: tuple[float, ...] = ()
    """Of each channel, after division by 255; 0 by default."""

    deviation: tuple[float, ...] = ()
    """Of each channel; 1 by default."""

    @override
    def raw(self, name: str) -> tuple[Raw, ...]:
        return (Raw(name, (None, *self.shape), "uint8"),)

    @override
    def apply(self, raws: Sequence[Array]) -> Array:
        x = raws[0].astype(np.float32) / np.float32(255)
        if self.mean:
            x = (x - self._row(self.mean)) / self._row(self.deviation)
        return x

    @override
    def lower(self, raws: Sequence[Tensor]) -> Tensor:
        x = ops.cast(raws[0], raws[0].trace.floatx) / 255.0
        if self.mean:
            x = (x - self._row(self.mean)) / self._row(self.deviation)
        return x

    def _row(self, values: tuple[float, ...]) -> Array:
        return np.array(values, np.float32)


def stored(preparations: Mapping[str, Preparation]) -> dict[str, Any]:
    """Preparations by input, as JSON holds them."""
    return {KEY: {name: each.written() for name, each in preparations.items()}}


def preparations(learned: Mapping[str, Any] | None) -> dict[str, Preparation]:
    """The preparations among what a source learned.

    Raises:
        RunError: they are not as they were stored.
    """
    found = (learned or {}).get(KEY, {})
    try:
        return {name: Preparation.parse(each) for name, each in found.items()}
    except (ValidationError, ValueError, AttributeError) as error:
        raise RunError(f"preparations: not as they were stored ({error})") from error
