"""How weights lie in the state: each in an order of its own, all in one flat vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from specc.graph import Graph, Value

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Storage:
    """Elements of a weight: the named array as `shape`, transposed by `order`, flattened."""

    shape: tuple[int, ...]
    order: tuple[int, ...]

    @staticmethod
    def plain(shape: tuple[int, ...]) -> Storage:
        """Elements in the order of the named array."""
        return Storage(shape, tuple(range(len(shape))))

    def pack(self, array: Array) -> Array:
        """The stored elements of a named array, 1-D."""
        return np.ascontiguousarray(array.reshape(self.shape).transpose(self.order)).ravel()

    def unpack(self, flat: Array, shape: tuple[int, ...]) -> Array:
        """The named array of `shape` from its stored elements."""
        stored = flat.reshape([self.shape[i] for i in self.order])
        back = np.argsort(self.order) if self.order else ()
        return np.ascontiguousarray(stored.transpose(back)).reshape(shape)


class WeightSource(Protocol):
    """Where the elements of a weight come from."""

    def flat(self, graph: Graph, name: str, storage: Mapping[str, Storage]) -> Value:
        """The stored elements of a weight, one axis."""
        ...


@dataclass(slots=True)
class Packed:
    """Weights as parts of flat vectors: (vector, {weight: elements} in order), split once each."""

    vectors: Mapping[str, tuple[Value, Mapping[str, int]]]
    parts: dict[str, Value] = field(default_factory=dict[str, Value])

    def flat(self, graph: Graph, name: str, storage: Mapping[str, Storage]) -> Value:
        """The part of the vector that holds the weight."""
        del storage
        if not self.parts:
            for vector, sizes in self.vectors.values():
                self.parts.update(split(graph, vector, sizes))
        return self.parts[name]


def split(graph: Graph, vector: Value, sizes: Mapping[str, int]) -> dict[str, Value]:
    """The parts of a flat vector by name."""
    if len(sizes) <= 1:
        return dict.fromkeys(sizes, vector)
    parts = graph.ops("Split", vector, graph.ints(*sizes.values()), outputs=len(sizes), axis=0)
    return dict(zip(sizes, parts, strict=True))


@dataclass(slots=True)
class Baked:
    """Weights as constants, laid out as the graph wants them; what has no array is in `others`."""

    arrays: Mapping[str, Array]
    others: Packed

    def flat(self, graph: Graph, name: str, storage: Mapping[str, Storage]) -> Value:
        """The weight's elements as a constant."""
        if name not in self.arrays:
            return self.others.flat(graph, name, storage)
        return graph.const(storage[name].pack(self.arrays[name]))
