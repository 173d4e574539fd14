"""A compiled graph: its bytes and its signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from specc.tensors import Dims, DType

Role: TypeAlias = Literal["state", "input", "target", "sample_weight", "output", "loss", "log"]


@dataclass(frozen=True, slots=True)
class Port:
    """A graph input or output.

    Attributes:
        feeds: the state input that a state output goes to.
        ids: how many ids an input may hold, from 0; None when it holds no ids.
    """

    name: str
    dtype: DType
    shape: Dims
    role: Role
    feeds: str | None = None
    ids: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """One ONNX model with what a runner must know of it."""

    name: str
    model: bytes
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: Mapping[str, int]

    @property
    def batch(self) -> int | None:
        """The number of samples that a run takes; None when it takes any."""
        first = [port.shape[0] for port in self.inputs if port.role == "input" and port.shape]
        return next((size for size in first if isinstance(size, int)), None)

    def ports(self, role: Role) -> tuple[Port, ...]:
        """Inputs and outputs of a role, in order."""
        return tuple(p for p in (*self.inputs, *self.outputs) if p.role == role)
