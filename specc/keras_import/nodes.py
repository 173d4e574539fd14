"""Calls in a functional configuration: which tensors enter, which further arguments are given.

Keras 3 writes a call as `{"args": [...], "kwargs": {...}}` with tensors as
`{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call, output]}}`;
Keras 2 as a list of `[layer, call, output, kwargs]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from specc.family import snake_case
from specc.keras_import.objects import config_of, is_object
from specc.keras_import.source import Json

# A tensor: the layer's name, which of its calls, which output of it.
History: TypeAlias = tuple[str, int, int]
TENSOR = "__keras_tensor__"


class NotATensor(ValueError):  # noqa: N818 - becomes a Problem
    """A call argument that a spec cannot express; the message names it."""


@dataclass(frozen=True, slots=True)
class KerasCall:
    """One call of a layer.

    Attributes:
        tensors: positional tensors, lists flattened.
        named: tensors given by keyword, sorted as Keras walks them.
        lists: lists of tensors given by keyword, with None where there is none.
        flags: other keyword arguments; null ones are left out.
    """

    tensors: tuple[History, ...]
    named: Mapping[str, History] = field(default_factory=dict[str, History])
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lists: Mapping[str, tuple[History | None, ...]] = field(
        default_factory=dict[str, "tuple[History | None, ...]"]
    )

    @property
    def histories(self) -> tuple[History, ...]:
        """Every tensor that enters."""
        listed = (item for items in self.lists.values() for item in items if item is not None)
        return (*self.tensors, *self.named.values(), *listed)


def call_of(data: object) -> KerasCall:
    """One entry of `inbound_nodes`.

    Raises:
        NotATensor: it has constants among its tensors.
    """
    if isinstance(data, Mapping):
        node = cast("Mapping[str, Any]", data)
        named: dict[str, History] = {}
        flags: dict[str, Any] = {}
        lists: dict[str, tuple[History | None, ...]] = {}
        for key, value in sorted(cast("Mapping[str, Any]", node["kwargs"]).items()):
            if is_object(value):
                named[key] = _history(value)
            elif isinstance(value, list) and any(map(is_object, cast("list[object]", value))):
                items = cast("list[object]", value)
                lists[key] = tuple(None if item is None else _history(item) for item in items)
            elif value is not None:
                flags[key] = value
        return KerasCall(tuple(_flat(node["args"])), named, flags, lists)
    return _legacy_call(cast("Sequence[Sequence[Any]]", data))


def _flat(value: object) -> list[History]:
    """The tensors of nested positional arguments, in order."""
    if isinstance(value, list):
        return [found for item in cast("list[object]", value) for found in _flat(item)]
    return [_history(value)]


def _history(value: object) -> History:
    if is_object(value) and value["class_name"] == TENSOR:
        layer, call, output = config_of(value)["keras_history"]
        return layer, call, output
    raise NotATensor(f"the constant argument {value!r} is not supported")


def _legacy_call(data: Sequence[Sequence[Any]]) -> KerasCall:
    """Keras 2: keyword arguments stand with the first tensor."""
    tensors = tuple((str(item[0]), int(item[1]), int(item[2])) for item in data)
    kwargs: Mapping[str, Any] = data[0][3] if data and len(data[0]) > 3 else {}  # noqa: PLR2004
    flags = {key: value for key, value in kwargs.items() if value is not None}
    for key, value in flags.items():
        if isinstance(value, list):
            raise NotATensor(f"the argument {key}: {value!r} is not supported")
    return KerasCall(tensors, {}, flags)


def outputs_of(value: object) -> list[History]:
    """`input_layers` or `output_layers`: one tensor, a list, or a mapping (Keras sorts it)."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value)
        return [found for key in sorted(items) for found in outputs_of(items[key])]
    entries = cast("list[Any]", value)
    if len(entries) == 3 and isinstance(entries[0], str):  # noqa: PLR2004
        return [(entries[0], int(entries[1]), int(entries[2]))]
    return [found for item in entries for found in outputs_of(item)]


def is_model(config: Json) -> bool:
    """Whether a layer's configuration is a model's."""
    return config["class_name"] in ("Sequential", "Functional", "Model") or (
        "input_layers" in config_of(config)
    )


def layer_name(layer: Json) -> str:
    """A layer's name."""
    own = layer.get("name") or config_of(layer).get("name")
    return str(own or snake_case(str(layer["class_name"])))
