"""Which argument of a layer each tensor of a Keras call is, and what else the call is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specc.keras_import.nodes import History, KerasCall
from specc.layer import Layer

# Keras' name of the first argument of layers that name none of theirs.
FIRST = "inputs"
# Its name of the mask of a model's input.
MASK = "mask"


class Unbound(ValueError):  # noqa: N818 - becomes a Problem
    """An argument that a spec cannot express; the message names it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The arguments of a call.

    Attributes:
        tensors: in order, when no argument needs its name.
        named: by argument, when one does.
        flags: arguments that are no tensors.
    """

    tensors: tuple[History, ...] = ()
    named: Mapping[str, History] | None = None
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])


def bind(call: KerasCall, layer: Layer | None, inside: tuple[str, ...] = ()) -> Bound:
    """The arguments of a call of `layer`, or of a nested model with inputs `inside` when None.

    Raises:
        Unbound: the layer here takes no such argument.
    """
    arguments = () if layer is None else layer.arguments
    if len(inside) == 1 and MASK in call.named:
        arguments = (*inside, MASK)
    named, lists = dict(call.named), dict(call.lists)
    tensors = list(call.tensors)
    if not arguments and not tensors:
        # `layer(inputs=x)` is `layer(x)`.
        tensors += lists.pop(FIRST, ())
        tensors += [named.pop(FIRST)] if FIRST in named else []
    while tensors and tensors[-1] is None:
        tensors.pop()
    flags: dict[str, object] = {**call.flags, **_positional(call, layer)}
    known = ("training", *(() if layer is None else layer.call_flags))
    for key, value in flags.items():
        if key not in known or not isinstance(value, bool | int | float | str):
            raise Unbound(f"the call argument {key}: {_short(value)} is not supported")
    if not named and not lists and None not in tensors:
        return Bound(tuple(item for item in tensors if item is not None), None, flags)
    for key, items in lists.items():
        if layer is None or key not in layer.argument_lists:
            raise Unbound(f"a list of tensors as {key!r} is not supported")
        pairs = zip(layer.argument_lists[key], items, strict=False)
        named |= {name: item for name, item in pairs if item is not None}
    unknown = sorted(set(named) - set(arguments))
    if unknown or len(arguments) < len(tensors):
        raise Unbound(f"tensors as {', '.join(unknown) or 'these arguments'} are not supported")
    given = {name: item for name, item in zip(arguments, tensors, strict=False) if item is not None}
    return Bound(named=given | named, flags=flags)


def _positional(call: KerasCall, layer: Layer | None) -> dict[str, object]:
    """Constants among the positional arguments: `layer(x, True)` is `training`."""
    found: dict[str, object] = {}
    for position, value in call.constants.items():
        plain = layer is not None and not layer.arguments
        if position != 1 or not plain or not isinstance(value, bool):
            raise Unbound(f"the constant argument {_short(value)} is not supported")
        found["training"] = value
    return found


def _short(value: object) -> str:
    limit = 60
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
