"""Arguments that callers without types may give anything for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from typing_extensions import TypeIs

from specc.errors import DataError, cut


def check_count(name: str, given: object, least: int = 1) -> None:
    """Check a number that callers without types may give anything for.

    Raises:
        DataError: it is no whole number, or below `least`.
    """
    if not is_whole(given) or given < least:
        raise DataError(f"{name}: expected a whole number, at least {least}, received {given!r}")


def is_whole(given: object) -> TypeIs[int]:
    """Whether a caller without types gave a whole number."""
    return isinstance(given, int | np.integer) and not isinstance(given, bool)


def is_number(given: object) -> bool:
    """Whether a caller without types gave a number."""
    return isinstance(given, int | float | np.number)


def check_class_weight(given: object) -> None:
    """Refuse what callers without types may give: a weight by another name would never be used.

    Raises:
        DataError: it is no mapping from class ids to numbers, and not "balanced".
    """
    if isinstance(given, Mapping):
        wrong = [
            f"{{{key!r}: {weight!r}}}"
            for key, weight in cast("Mapping[Any, Any]", given).items()
            if not (is_whole(key) and is_number(weight))
        ]
        shown = wrong[0] if wrong else ""
    else:
        shown = "" if given == "balanced" else repr(given)
    if shown:
        raise DataError(
            "class_weight: expected numbers by class id, {0: 1.0, 1: 2.5}, or 'balanced', received"
            f" {cut(shown)}"
        )
