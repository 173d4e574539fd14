"""`Bench`: one layer on real arrays. It lowers the layer and lets NumPy evaluate what it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import specc.layers
import tests.numpy_windows
from specc.layer import Layer
from specc.primitives import Tensor, Trace, graph_input, state
from specc.tensors import BATCH, Dims
from tests.numpy_primitives import evaluate

__all__ = ["Bench", "kinds", "run", "specc", "tests"]


def kinds() -> dict[str, type[Layer]]:
    """Every layer by key."""
    return Layer.kinds()


class Bench:
    """The lowering of one call.

    Attributes:
        outputs: the values of the layer's outputs.
        tensors: the tensors they come from.
        assigned: new values of weights by name.
        losses: what the layer added to the loss.
    """

    def __init__(
        self,
        layer: object,
        inputs: Sequence[np.ndarray],
        weights: Mapping[str, np.ndarray] | Sequence[np.ndarray] = (),
        *,
        training: bool = False,
        draws: Sequence[np.ndarray] = (),
        floatx: str = "float64",
        flags: Mapping[str, Any] | None = None,
    ) -> None:
        self.training = training
        self.flags: dict[str, Any] = dict(flags or {})
        self.masks = (None,) * len(inputs)
        self.trace = Trace(floatx=floatx)
        self.layer = Layer.parse(layer)
        self.shapes = tuple((None, *x.shape[1:]) for x in inputs)
        own = [weight.name for weight in self.layer.weights(self.shapes)]
        if not isinstance(weights, Mapping):
            weights = dict(zip(own, weights, strict=True))
        self.feeds: dict[Tensor, np.ndarray] = {}
        self.states = {name: self._state(name, value) for name, value in weights.items()}
        self._draws = list(draws)
        self._assigned: dict[str, Tensor] = {}
        self._losses: list[Tensor] = []
        result = self.layer.lower(self, *[self._input(x) for x in inputs])
        self.tensors = result if isinstance(result, tuple) else (result,)
        wanted = [*self.tensors, *self._assigned.values(), *self._losses]
        values = evaluate(wanted, self.feeds)
        count = len(self.tensors)
        self.outputs = values[:count]
        self.assigned = dict(zip(self._assigned, values[count:], strict=False))
        self.losses = values[count + len(self._assigned) :]

    def _typed(self, value: np.ndarray) -> np.ndarray:
        return value.astype(self.trace.floatx) if value.dtype.kind == "f" else value

    def _state(self, name: str, value: np.ndarray) -> Tensor:
        value = self._typed(value)
        dtype: Any = str(value.dtype)
        tensor = state(self.trace, name, value.shape, dtype, trainable=True)
        self.feeds[tensor] = value
        return tensor

    def _input(self, value: np.ndarray, shape: Dims | None = None) -> Tensor:
        value = self._typed(value)
        dtype: Any = str(value.dtype)
        shape = (BATCH, *value.shape[1:]) if shape is None else shape
        tensor = graph_input(self.trace, f"in{len(self.feeds)}", shape, dtype)
        self.feeds[tensor] = value
        return tensor

    def weight(self, name: str) -> Tensor:
        return self.states[name]

    def assign(self, name: str, value: Tensor) -> None:
        self._assigned[name] = value

    def add_loss(self, value: Tensor) -> None:
        self._losses.append(value)

    def uniform(self, like: Tensor, shape: Dims) -> Tensor:
        return self._input(self._draws.pop(0), shape)

    def normal(self, like: Tensor, shape: Dims) -> Tensor:
        return self._input(self._draws.pop(0), shape)


def run(layer: object, *inputs: np.ndarray, **settings: Any) -> np.ndarray:
    """The only output of a layer, written as in a spec."""
    (output,) = Bench(layer, inputs, **settings).outputs
    return output
