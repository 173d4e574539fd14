"""Lengths that a graph needs."""

from __future__ import annotations

from specc.errors import Problem, SpecError
from specc.network import Network
from specc.spec.model import Spec
from specc.tensors import show


def check_lengths(spec: Spec, network: Network) -> None:
    """Only the batch may be open in a graph: targets lay elements out by their lengths.

    Raises:
        SpecError: inputs have other open lengths; it names all of them.
    """
    found = [
        Problem(
            spec.place(f"inputs.{ref.call.node.name}"),
            f"inputs.{ref.call.node.name}",
            f"a graph needs the length of every axis but the batch, found {show(ref.shape)};"
            " write numbers for null",
        )
        for ref in network.inputs
        if None in ref.shape[1:]
    ]
    if found:
        raise SpecError(found)
