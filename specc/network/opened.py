"""From a file to a network in one go, with every problem of both stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specc.errors import Problem, SpecError
from specc.network.build import build
from specc.network.graph import Network
from specc.spec.model import Spec
from specc.spec.reader import load


def open_spec(path: str | Path, overrides: Sequence[str] = ()) -> tuple[Spec, Network]:
    """The spec in a file and its network.

    When only sections beside the layers are wrong, shapes are checked all the same.

    Args:
        path: of the spec.
        overrides: assignments like `train.epochs=2`.

    Raises:
        SpecError: everything that is wrong with it, each with its place.
    """
    try:
        spec = load(path, overrides)
    except SpecError as error:
        if isinstance(error.partial, Spec):
            raise SpecError([*error.problems, *_problems(error.partial)]) from None
        raise
    return spec, build(spec)


def _problems(spec: Spec) -> list[Problem]:
    try:
        build(spec)
    except SpecError as error:
        return error.problems
    return []
