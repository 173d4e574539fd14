"""Calls in a functional configuration: which tensors enter, which further arguments are given.

Keras 3 writes a call as `{"args": [...], "kwargs": {...}}` with tensors as
`{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call, output]}}`;
Keras 2 as a list of `[layer, call, output, kwargs]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

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
    for key in sorted(kwargs):
        value: object = kwargs[key]
        history, plain = history_of(value), list(plain_in(value))
        if history is not None:
            named[key] = history
        elif isinstance(value, list) and tensors_in(cast("object", value)) and not plain:
            lists[key] = tuple(_flat(cast("list[object]", value)))
        elif (tensors_in(cast("object", value)) or plain) and key != "training":
            # Keras' functional models replace `training` by their own in every call.
            flags[key] = value
    tensors: list[History | None] = []
    constants: dict[int, object] = {}
    for position, value in enumerate(args):
        tensors += tensors_in(value) or [None]
        for plain in plain_in(value):
            constants[position] = plain
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
        layer, call, output = config_of(value)["keras_history"]
        return layer, call, output
    return None


def tensors_in(value: object) -> list[History]:
    """The tensors in nested lists and mappings, in the order in which Keras walks them."""
    history = history_of(value)
    if history is not None:
        return [history]
    return [found for item in _items(value) or () for found in tensors_in(item)]


def plain_in(value: object) -> Iterator[object]:
    """What nested lists and mappings hold besides tensors and null."""
    items = _items(value)
    if items is not None:
        for item in items:
            yield from plain_in(item)
    elif value is not None and history_of(value) is None:
        yield value


def _items(value: object) -> Sequence[object] | None:
    """The items of a list or a mapping, in the order in which Keras walks them."""
    if isinstance(value, list | tuple):
        return cast("Sequence[object]", value)
    if isinstance(value, Mapping) and "class_name" not in value:
        mapping = cast("Mapping[str, object]", value)
        return [mapping[key] for key in sorted(mapping)]
    return None


def _legacy_call(data: Sequence[Sequence[Any]]) -> KerasCall:
    """Keras 2: keyword arguments stand with the first tensor."""
    tensors = tuple((str(item[0]), int(item[1]), int(item[2])) for item in data)
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
        return [(entries[0], int(entries[1]), int(entries[2]))]
    return [found for item in entries for found in outputs_of(item)]


def layer_name(layer: Json) -> str:
    """A layer's name."""
    own = layer.get("name") or config_of(layer).get("name")
    return str(own or snake_case(str(layer["class_name"])))
