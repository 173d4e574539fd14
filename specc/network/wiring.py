"""What enters a call: references and argument names become outputs of earlier calls."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from specc.errors import nearest
from specc.layer import Layer
from specc.network.graph import Call, Network, Ref
from specc.spec.model import Entry, ModelSpec, Reference

# Keras' argument of a model's call.
MASK = "mask"
# By the name that references use; None where the entry failed.
Calls = Mapping[str, Call | None]


class Wrong(Exception):  # noqa: N818 - a message on its way to a Problem, never leaves this package
    """What is wrong with one entry; None when that is already reported elsewhere."""

    def __init__(self, message: str | None) -> None:
        super().__init__(message)
        self.message = message


def resolve(reference: Reference, calls: Calls, later: Iterable[Entry]) -> Ref:
    """The output that a reference names. `later` are entries that stand below.

    Raises:
        Wrong: there is none.
    """
    name = reference.name
    if name in calls:
        call = calls[name]
        if call is None:
            raise Wrong(None)
        count = len(call.output_shapes)
        if reference.output >= count:
            outputs = f"{count} output" + "s" * (count > 1)
            raise Wrong(f"{name}[{reference.output}] does not exist: {name!r} has {outputs}")
        return Ref(call, reference.output)
    if any(entry.name == name for entry in later):
        raise Wrong(
            f"{name!r} is defined at or below this entry; an entry uses only what stands above it,"
            " so a cycle cannot be written"
        )
    raise Wrong(f"nothing is called {name!r};{nearest(name, calls)}")


def inputs_of(
    entry: Entry, layer: Layer | Network, model: ModelSpec, position: int, calls: Calls
) -> tuple[tuple[Ref | None, ...], tuple[Ref, ...]]:
    """(inputs in the order of the layer's arguments, inputs in the order written).

    Raises:
        Wrong: a name is unknown, or their number does not fit the layer.
    """
    if entry.arguments:
        return _by_argument(entry, layer, calls, _later(model, position))
    if entry.inputs is not None:
        refs = tuple(resolve(r, calls, _later(model, position)) for r in entry.inputs)
    else:
        refs = (_previous(model, position, calls),)
    low, high = _bounds(layer)
    if not low <= len(refs) <= (len(refs) if high is None else high):
        raise Wrong(f"takes {_amount(low, high)}, received {len(refs)}")
    return refs, refs


def _later(model: ModelSpec, position: int) -> Iterator[Entry]:
    # Gone through only for a message: deep models would take time that grows with their square.
    return itertools.islice(model.entries, position, None)


def _previous(model: ModelSpec, position: int, calls: Calls) -> Ref:
    """The output of the entry above, or the only input."""
    if position == 0 and len(model.inputs) != 1:
        names = ", ".join(item.name for item in model.inputs)
        raise Wrong(f"the model has {len(model.inputs)} inputs; choose with `inputs:` ({names})")
    above = model.entries[position - 1] if position else model.inputs[0]
    call = calls[above.name]
    if call is None:
        raise Wrong(None)
    if len(call.output_shapes) > 1:
        count = len(call.output_shapes)
        raise Wrong(
            f"{above.name!r} above has {count} outputs; choose with `inputs:`, "
            f"{above.name} or {above.name}[1]"
        )
    return Ref(call)


def _by_argument(
    entry: Entry, layer: Layer | Network, calls: Calls, later: Iterable[Entry]
) -> tuple[tuple[Ref | None, ...], tuple[Ref, ...]]:
    """As `inputs_of`, for an entry whose `inputs` is a mapping."""
    arguments = layer.input_names if isinstance(layer, Network) else layer.arguments
    if takes_mask(layer):
        arguments = (*arguments, MASK)
    for name in entry.arguments:
        if name not in arguments:
            raise Wrong(f"has no argument {name!r};{nearest(name, arguments)}")
    refs = {name: resolve(r, calls, later) for name, r in entry.arguments.items()}
    low, _ = _bounds(layer)
    missing = [name for name in arguments[:low] if name not in refs]
    if missing:
        raise Wrong(f"needs {' and '.join(missing)}; given are {', '.join(refs)}")
    last = max(arguments.index(name) for name in refs)
    return tuple(refs.get(name) for name in arguments[: last + 1]), tuple(refs.values())


def takes_mask(layer: Layer | Network) -> bool:
    """Whether a sub-model's call may give the mask of its input, as `mask` among the inputs."""
    return isinstance(layer, Network) and len(layer.inputs) == 1 and MASK not in layer.input_names


def _bounds(layer: Layer | Network) -> tuple[int, int | None]:
    if isinstance(layer, Network):
        return len(layer.inputs), len(layer.inputs)
    return layer.min_inputs, layer.max_inputs


def _amount(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low} input" + "s" * (low > 1)
    span = str(low) if low == high else f"{low} to {high}"
    return f"{span} input" + "s" * (high > 1)
