"""What activation functions are called, and what is known about each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from specc.errors import InternalError
from specc.primitives import Tensor

Function: TypeAlias = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Activation:
    """A registered function.

    Attributes:
        ops: elementary operations for one input element: each sum, product, comparison,
            exponential, logarithm, root and quotient is one.
        halves: whether it halves its axis.
        measures: whether it has to know how long its axis is.
    """

    name: str
    function: Function
    ops: int
    halves: bool = False
    measures: bool = False

    @property
    def keywords(self) -> dict[str, Any]:
        """The function's parameters and their defaults; those without one hold `...`."""
        parameters = list(inspect.signature(self.function).parameters.values())[1:]
        empty = inspect.Parameter.empty
        return {p.name: ... if p.default is empty else p.default for p in parameters}

    @property
    def needs(self) -> tuple[str, ...]:
        """Parameters without a default: a function that has some cannot be used by name."""
        return tuple(name for name, default in self.keywords.items() if default is ...)


_REGISTRY: dict[str, Activation] = {}
_ALIASES: dict[str, str] = {"swish": "silu", "hard_swish": "hard_silu"}


def activation(
    name: str, *, cost: int, halves: bool = False, measures: bool = False
) -> Callable[[Function], Function]:
    """Register a function under its name in specs.

    Raises:
        InternalError: the name is taken.
    """

    def register(function: Function) -> Function:
        if name in _REGISTRY:
            raise InternalError(f"activation {name!r} is registered twice")
        _REGISTRY[name] = Activation(name, function, cost, halves, measures)
        return function

    return register


def find(name: str) -> Activation | None:
    """The function of that name, or of that further name."""
    return _REGISTRY.get(_ALIASES.get(name, name))


def names() -> list[str]:
    """Every name that a spec may use by itself, further names included, sorted."""
    plain = [name for name, entry in _REGISTRY.items() if not entry.needs]
    return sorted([*plain, *_ALIASES])


def registered() -> dict[str, Activation]:
    """Every function by its first name, sorted."""
    return dict(sorted(_REGISTRY.items()))
