"""Differences as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from specc.difference.items import Item
from specc.difference.pairing import Rewired, pairs
from specc.summaries.rows import json_shape
from specc.tensors import Shape


@dataclass(frozen=True, slots=True)
class Value:
    """One field before and after; None where it is not there."""

    name: str
    old: Any
    new: Any

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"field": self.name, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class LayerChange:
    """One layer that was added, removed, or changed.

    Attributes:
        name: in the new model; of a removed layer in the old one.
        fields: settings that differ, and `inputs` when something else enters.
        output, params, macs: before and after; None where the layer is not there.
    """

    what: Literal["added", "removed", "changed"]
    name: str
    type: str
    fields: tuple[Value, ...]
    output: tuple[tuple[Shape, ...] | None, tuple[Shape, ...] | None]
    params: tuple[int | None, int | None]
    macs: tuple[int | None, int | None]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "change": self.what,
            "name": self.name,
            "type": self.type,
            "fields": [field.to_dict() for field in self.fields],
            "output": [None if shapes is None else json_shape(shapes) for shapes in self.output],
            "params": list(self.params),
            "macs": list(self.macs),
        }


def layer_changes(old: Sequence[Item], new: Sequence[Item]) -> list[LayerChange]:
    """Every layer that differs, in the order of the new model."""
    found = pairs(old, new)
    rewired = Rewired(found)
    changes: list[LayerChange] = []
    for a, b in found:
        if a is None or b is None:
            item = a or b
            if item is not None:
                changes.append(_one_sided(item, added=a is None))
            continue
        fields = _fields(a, b)
        if rewired.changed(a, b):
            fields.append(Value("inputs", _feeds(a), _feeds(b)))
        numbers = (a.output, b.output), (a.params, b.params), (a.macs, b.macs)
        if fields or any(before != after for before, after in numbers):
            changes.append(LayerChange("changed", b.name, b.type, tuple(fields), *numbers))
    return changes


def _one_sided(item: Item, *, added: bool) -> LayerChange:
    if added:
        numbers = (None, item.output), (None, item.params), (None, item.macs)
        return LayerChange("added", item.name, item.type, (), *numbers)
    numbers = (item.output, None), (item.params, None), (item.macs, None)
    return LayerChange("removed", item.name, item.type, (), *numbers)


def _fields(a: Item, b: Item) -> list[Value]:
    """Settings that differ; a name counts when one of the two was written."""
    found = values(a.settings, b.settings)
    if a.name != b.name and (a.written or b.written):
        found.insert(0, Value("name", a.name, b.name))
    return found


def values(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Value]:
    """The entries in which two mappings differ."""
    return [
        Value(key, old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _feeds(item: Item) -> list[str]:
    return [f"{name}[{output}]" if output else name for name, output in item.feeds]
