"""Lengths that a spec leaves open: known once there is data.

Shapes, parameters and the summary need none of them; a graph needs all but the batch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specc.errors import DataError, Problem
from specc.network.graph import Network
from specc.spec.model import InputSpec, Spec
from specc.tensors import Shape, show


def is_open(network: Network) -> bool:
    """Whether an input has an axis of open length besides the batch."""
    return any(None in ref.shape[1:] for ref in network.inputs)


def open_problems(network: Network) -> list[Problem]:
    """The inputs that keep a spec from being compiled as it stands."""
    return [
        Problem(
            ref.call.node.place,
            ref.call.node.name,
            f"a graph needs every length but the batch's, found {_text(ref.shape)}; write them in"
            " the spec's `inputs:`",
        )
        for ref in network.inputs
        if None in ref.shape[1:]
    ]


def _text(shape: Shape) -> str:
    return f"[{', '.join('null' if n is None else str(n) for n in shape[1:])}]"


def closed(spec: Spec, shapes: Sequence[Sequence[int]]) -> Spec:
    """The spec with its open lengths taken from shapes of arrays for its inputs, batch first.

    As elsewhere, an array may lack a last axis of length 1.

    Raises:
        DataError: an array has another number of axes.
    """
    inputs = tuple(
        replace(given, layer=replace(given.layer, shape=_filled(given, shape)))
        for given, shape in zip(spec.model.inputs, shapes, strict=True)
    )
    return replace(spec, model=replace(spec.model, inputs=inputs))


def _filled(given: InputSpec, found: Sequence[int]) -> Shape:
    declared = given.layer.shape
    lengths = (
        (*found[1:], 1) if declared[-1:] == (1,) and len(found) == len(declared) else found[1:]
    )
    if len(lengths) != len(declared):
        raise DataError(
            f"{given.name}: expected shape {show(given.layer.full_shape)}, received {tuple(found)}"
        )
    return tuple(b if a is None else a for a, b in zip(declared, lengths, strict=True))
