"""What outlives a step: which named arrays lie where in the state tensors of a program.

Everything outside a graph speaks names (`conv2d/kernel`, `conv2d/kernel/velocity`, `iterations`);
a graph sees a few flat vectors. `StateMap` is the bridge; the manifest is its JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from specc.errors import RunError
from specc.targets.storage import Storage
from specc.tensors import DType

Array = npt.NDArray[Any]

WEIGHTS = "weights"
STATISTICS = "statistics"
STATES = "layer_states"
METRICS = "metrics"
ITERATIONS = "iterations"
LEARNING_RATE = "learning_rate"
NEXT = "next/"


@dataclass(frozen=True, slots=True)
class Element:
    """A named array: `size` elements of a state tensor from `offset`, stored as `storage` says."""

    name: str
    offset: int
    shape: tuple[int, ...]
    storage: Storage

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class StateTensor:
    """One state input of a graph and the named arrays in it.

    `start` is the value of every element before the first step, "weight" a copy of the weight that
    a slot belongs to; weights themselves start as their initializers say.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    elements: tuple[Element, ...]
    start: float | Literal["weight"] = 0.0

    @property
    def trains(self) -> bool:
        """Whether it holds weights that training changes."""
        return self.name == WEIGHTS or self.name.startswith(f"{WEIGHTS}/")

    @property
    def shared(self) -> bool:
        """Whether evaluation reads it from a training run's buffers: all weights."""
        return self.trains or self.name == STATISTICS

    @property
    def of_model(self) -> bool:
        """Whether it belongs to the model itself: weights, and what layers carry along."""
        return self.shared or self.name == STATES

    def pack(self, arrays: Mapping[str, Array]) -> Array:
        """The tensor from named arrays.

        Raises:
            RunError: an array is missing or of another shape.
        """
        flat = np.zeros(math.prod(self.shape), np.dtype(self.dtype))
        for element in self.elements:
            array = arrays.get(element.name)
            if array is None:
                raise RunError(f"state {element.name!r} is missing")
            if array.shape != element.shape:
                raise RunError(
                    f"state {element.name!r}: expected shape {element.shape}, got {array.shape}"
                )
            stored = element.storage.pack(array)
            flat[element.offset : element.offset + element.size] = stored
        return flat.reshape(self.shape)

    def unpack(self, array: Array) -> dict[str, Array]:
        """Named arrays from the tensor."""
        flat = array.ravel()
        return {
            e.name: e.storage.unpack(flat[e.offset : e.offset + e.size], e.shape)
            for e in self.elements
        }


@dataclass(frozen=True, slots=True)
class StateMap:
    """Every state tensor of a program, in the order of its inputs."""

    tensors: tuple[StateTensor, ...]

    def __getitem__(self, name: str) -> StateTensor:
        return next(t for t in self.tensors if t.name == name)

    def __contains__(self, name: object) -> bool:
        return any(t.name == name for t in self.tensors)

    def pack(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """All tensors from named arrays."""
        return {t.name: t.pack(arrays) for t in self.tensors}

    def initial(self, weights: Mapping[str, Array], rate: float | None) -> dict[str, Array]:
        """Named arrays before the first step: `weights`, learning rate, slots at their start."""
        named: dict[str, Array] = {}
        for tensor in self.tensors:
            for e in tensor.elements:
                if e.name in weights:
                    named[e.name] = weights[e.name]
                elif e.name == LEARNING_RATE:
                    named[e.name] = np.array(rate, tensor.dtype)
                elif tensor.start == "weight":
                    named[e.name] = weights[e.name.rpartition("/")[0]].copy()
                else:
                    named[e.name] = np.full(e.shape, tensor.start, np.dtype(tensor.dtype))
        return named

    def unpack(self, tensors: Mapping[str, Array]) -> dict[str, Array]:
        """All named arrays."""
        named: dict[str, Array] = {}
        for tensor in self.tensors:
            named.update(tensor.unpack(tensors[tensor.name]))
        return named


def vector(
    name: str,
    shapes: Mapping[str, tuple[int, ...]],
    storage: Mapping[str, Storage],
    start: float | Literal["weight"] = 0.0,
) -> StateTensor:
    """A flat float32 tensor of named arrays, one after the other."""
    elements: list[Element] = []
    offset = 0
    for key, shape in shapes.items():
        held = storage.get(key, Storage.plain(shape))
        elements.append(Element(key, offset, shape, held))
        offset += math.prod(shape)
    return StateTensor(name, "float32", (offset,), tuple(elements), start)


def scalar(name: str, dtype: DType, start: float = 0.0) -> StateTensor:
    """A state tensor of one number."""
    return StateTensor(name, dtype, (), (Element(name, 0, (), Storage((), ())),), start)
