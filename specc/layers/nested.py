"""Layers inside layers: their weights under a name of their own, their lowering with those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specc.family import snake_case
from specc.layer import Layer, Lowering, Masks, Shapes, Weight, stored_alone
from specc.primitives import Tensor
from specc.tensors import Dims


@dataclass(slots=True)
class Nested:
    """`Lowering` for a layer whose weights stand under `name` among those of its owner.

    `replaced` are tensors that the layer takes for weights of these names.
    """

    outer: Lowering
    name: str
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    replaced: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])

    @property
    def training(self) -> bool:
        """Whether this is a training step."""
        return self.outer.training

    @property
    def masks(self) -> Masks:
        """None travel with tensors that the owner makes."""
        return ()

    def weight(self, name: str) -> Tensor:
        """The inner layer's weight called `name`."""
        found = self.replaced.get(name)
        return self.outer.weight(f"{self.name}/{name}") if found is None else found

    def assign(self, name: str, value: Tensor) -> None:
        """The weight's value after this step."""
        self.outer.assign(f"{self.name}/{name}", value)

    def add_loss(self, value: Tensor) -> None:
        """A scalar to add to the loss of the step."""
        self.outer.add_loss(value)

    def uniform(self, like: Tensor, shape: Dims) -> Tensor:
        """Fresh numbers in [0, 1)."""
        return self.outer.uniform(like, shape)

    def normal(self, like: Tensor, shape: Dims) -> Tensor:
        """Fresh standard normal numbers."""
        return self.outer.normal(like, shape)

    def model(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """What the owner's sub-model makes of a tensor."""
        return self.outer.model(x, mask)


def inner_weights(name: str, layer: Layer, inputs: Shapes) -> tuple[Weight, ...]:
    """The weights of a layer inside another one, under `name`; a frozen layer's are not trained."""
    return tuple(
        replace(w, name=f"{name}/{w.name}", trainable=w.trainable and layer.trainable)
        for w in layer.weights(inputs)
    )


def inner_states(name: str, layer: Layer, inputs: Shapes) -> tuple[Weight, ...]:
    """The states of a layer inside another one, under `name`."""
    return tuple(replace(s, name=f"{name}/{s.name}") for s in layer.states(inputs))


def inner_names(layers: Iterable[Layer]) -> list[str]:
    """A name for each of several inner layers, as Keras gives them: lstm_cell, lstm_cell_1."""
    names: list[str] = []
    for layer in layers:
        stem = snake_case(layer.type_name())
        count = sum(name == stem or name.rpartition("_")[0] == stem for name in names)
        names.append(f"{stem}_{count}" if count else stem)
    return names


def stored_inside(
    weights: Sequence[Weight], name: str, attribute: str, layer: Layer | None = None
) -> dict[str, list[str]]:
    """`Layer.stored` of the weights under `name`, which Keras keeps in an attribute."""
    prefix = f"{name}/"
    own = [replace(w, name=w.name[len(prefix) :]) for w in weights if w.name.startswith(prefix)]
    found = stored_alone(own) if layer is None else layer.stored(own)
    return {
        f"{attribute}/{group}".rstrip("/"): [prefix + inner for inner in names]
        for group, names in found.items()
    }
