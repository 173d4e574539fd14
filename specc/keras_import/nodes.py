"""Calls in a functional configuration: which tensors enter, which further arguments are given.

Keras 3 writes a call as `{"args": [...], "kwargs": {...}}` with tensors as
`{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call, output]}}`;
Keras 2 as a list of `[layer, call, output, kwargs]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeGuard, cast

from specc.family import snake_case
from specc.keras_import.objects import config_of, is_object
from specc.keras_import.source import Json

# A tensor: the layer's name, which of its calls, which output of it.
History: TypeAlias = tuple[str, int, int]
TENSOR = "__keras_tensor__"


@dataclass(frozen=True, slots=True)
class KerasCall:
    """One call of a layer.

    Attributes:
        tensors: positional tensors, lists flattened; None where Keras was given none.
        named: tensors given by keyword, sorted as Keras walks them.
        lists: lists of tensors given by keyword, with None where there is none.
        flags: other keyword arguments; null ones are left out.
        constants: positional arguments that are no tensors, by position.
        args, kwargs: all arguments as Keras wrote them.
    """

    tensors: tuple[History | None, ...]
    named: Mapping[str, History] = field(default_factory=dict[str, History])
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lists: Mapping[str, tuple[History | None, ...]] = field(
        default_factory=dict[str, "tuple[History | None, ...]"]
    )
    constants: Mapping[int, object] = field(default_factory=dict[int, object])
    args: Sequence[object] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def histories(self) -> tuple[History, ...]:
        """Every tensor that enters."""
        if self.args:
            return tuple(tensors_in([self.args, [self.kwargs[key] for key in sorted(self.kwargs)]]))
        listed = (item for items in self.lists.values() for item in items)
        return tuple(
            item for item in (*self.tensors, *self.named.values(), *listed) if item is not None
        )


def call_of(data: object) -> KerasCall:
    """One entry of `inbound_nodes`."""
    if not isinstance(data, Mapping):
        return _legacy_call(cast("Sequence[Sequence[Any]]", data))
    node = cast("Mapping[str, Any]", data)
    args, kwargs = cast("Sequence[object]", node["args"]), cast("Json", node["kwargs"])
    named: dict[str, History] = {}
    flags: dict[str, Any] = {}
    lists: dict[str, tuple[History | None, ...]] = {}
    for key, value in sorted(kwargs.items()):
        history = history_of(value)
        if history is not None:
            named[key] = history
        elif isinstance(value, list) and tensors_in(cast("list[object]", value)):
            lists[key] = tuple(_flat(cast("list[object]", value)))
        elif value is not None and key != "training":
            # Keras' functional models replace `training` by their own in every call.
            flags[key] = value
    tensors: list[History | None] = []
    constants: dict[int, object] = {}
    for position, value in enumerate(args):
        found = tensors_in(value)
        tensors += found or [None]
        if not found and value is not None:
            constants[position] = value
    return KerasCall(tuple(tensors), named, flags, lists, constants, args, kwargs)


def _flat(items: Sequence[object]) -> Iterator[History | None]:
    """Tensors of lists in lists: the initial states of stacked cells are a list for each cell."""
    for item in items:
        if isinstance(item, list):
            yield from _flat(cast("list[object]", item))
        else:
            yield history_of(item)


def history_of(value: object) -> History | None:
    """The tensor that a value is; None when it is something else."""
    if is_object(value) and value["class_name"] == TENSOR:
        return _history(config_of(value)["keras_history"])
    return None


def _history(value: Sequence[object]) -> History:
    """(layer, call, output) as they are written.

    Raises:
        ValueError: they are something else.
    """
    layer, call, output = value[:3]
    if not (isinstance(layer, str) and _is_count(call) and _is_count(output)):
        raise ValueError(f"expected [layer, call, output], found {value!r}")
    return layer, call, output


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def tensors_in(value: object) -> list[History]:
    """The tensors in nested lists and mappings, in the order in which Keras walks them."""
    history = history_of(value)
    if history is not None:
        return [history]
    items: Sequence[object] = ()
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
    elif isinstance(value, Mapping) and "class_name" not in value:
        mapping = cast("Mapping[str, object]", value)
        items = [mapping[key] for key in sorted(mapping)]
    return [found for item in items for found in tensors_in(item)]


def _legacy_call(data: Sequence[Sequence[Any]]) -> KerasCall:
    """Keras 2: keyword arguments stand with the first tensor."""
    tensors = tuple(_history(item) for item in data)
    kwargs: Mapping[str, Any] = data[0][3] if data and len(data[0]) > 3 else {}  # noqa: PLR2004
    flags = {key: value for key, value in kwargs.items() if value is not None}
    return KerasCall(tensors, {}, flags)


def outputs_of(value: object) -> list[History]:
    """`input_layers` or `output_layers`: one tensor, a list, or a mapping (Keras sorts it)."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value)
        return [found for key in sorted(items) for found in outputs_of(items[key])]
    entries = cast("list[Any]", value)
    if len(entries) == 3 and isinstance(entries[0], str):  # noqa: PLR2004
        return [_history(entries)]
    return [found for item in entries for found in outputs_of(item)]


def is_model(config: Json) -> bool:
    """Whether a layer's configuration is a model's."""
    return config["class_name"] in ("Sequential", "Functional", "Model") or (
        "input_layers" in config_of(config)
    )


def layer_name(layer: Json) -> str:
    """A layer's name."""
    own: object = layer.get("name") or config_of(layer).get("name")
    if own is not None and not isinstance(own, str):
        raise TypeError(f"expected the name of a layer, found {own!r}")
    return own or snake_case(str(layer["class_name"]))
