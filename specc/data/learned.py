"""What a source learned, read back from a run: of the kind that it was when it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from specc.errors import RunError


def texts(value: object, what: str) -> list[str]:
    """A list of texts: tokens, classes.

    Raises:
        RunError: it is none; `what` says of what.
    """
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise RunError(f"{what}: expected the list of texts that training stored, found another")
    return cast("list[str]", items)


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A mapping.

    Raises:
        RunError: it is none; `what` says of what.
    """
    if not isinstance(value, Mapping):
        raise RunError(f"{what}: expected what training stored, found another")
    return cast("Mapping[str, Any]", value)
