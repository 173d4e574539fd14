"""What stands in the brackets of `x[...]`, as text: `:, 0, 1:-1, ..., None`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.shapes import ShapeError
from specc.tensors import Shape

# A part of an axis, one position of it, or a new axis.
Item: TypeAlias = slice | int | None
NUMBER = re.compile(r"[+-]?[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Index:
    """One entry for each axis that is named; `...` at most once."""

    parts: Sequence[Item | EllipsisType]

    @classmethod
    def read(cls, text: str) -> Index:
        """The index that `text` writes.

        Raises:
            PydanticCustomError: it is none.
        """
        parts = [_part(part.strip(), text) for part in text.split(",")]
        if sum(part is ... for part in parts) > 1:
            raise _wrong(text)
        return cls(parts)

    @override
    def __str__(self) -> str:
        return ", ".join(map(_shown, self.parts))

    def items(self, shape: Shape) -> list[tuple[int | None, Item]]:
        """(axis, what of it) in order; (None, None) for a new axis.

        Raises:
            ShapeError: more axes are named than there are.
        """
        named = sum(part is not None and part is not ... for part in self.parts)
        if named > len(shape):
            raise ShapeError(f"[{self}] names {named} axes of {shape}")
        rest = [slice(None)] * (len(shape) - named)
        parts: list[Item] = []
        for part in self.parts:
            parts += rest if isinstance(part, EllipsisType) else [part]
        if ... not in self.parts:
            parts += rest
        found: list[tuple[int | None, Item]] = []
        axis = 0
        for part in parts:
            found.append((None if part is None else axis, part))
            axis += part is not None
        return found


def checked(text: str) -> str:
    """The same index in its usual spelling.

    Raises:
        PydanticCustomError: it is none.
    """
    return str(Index.read(text))


def _part(text: str, whole: str) -> Item | EllipsisType:
    if text == "...":
        return ...
    if text == "None":
        return None
    if NUMBER.fullmatch(text):
        return int(text)
    bounds = [bound.strip() for bound in text.split(":")]
    wrong = [bound for bound in bounds if bound and not NUMBER.fullmatch(bound)]
    if not 2 <= len(bounds) <= 3 or wrong:  # noqa: PLR2004 - start:stop:step
        raise _wrong(whole)
    numbers = [int(bound) if bound else None for bound in bounds]
    if numbers[2:] == [0]:
        raise _wrong(whole)
    return slice(*numbers)


def _shown(part: Item | EllipsisType) -> str:
    if isinstance(part, EllipsisType):
        return "..."
    if not isinstance(part, slice):
        return str(part)
    bounds = [part.start, part.stop] + ([] if part.step is None else [part.step])
    return ":".join("" if bound is None else str(bound) for bound in bounds)


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError(
        "index",
        "expected what stands in brackets, like ':, 0', ':, 1:3' or '..., None', found {text}",
        {"text": repr(text)},
    )
