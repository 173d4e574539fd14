"""What programs hand to a model to train, validate and predict on: arrays or batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc import feeding
from specc.data.stream import Pass, is_stream
from specc.engine import Engine
from specc.errors import DataError
from specc.feeding import Given
from specc.fit import Weighted

Outputs: TypeAlias = npt.NDArray[Any] | list[npt.NDArray[Any]]


def weighted(
    engine: Engine,
    what: str,
    x: Given,
    y: Given,
    sample_weight: Given | None = None,
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
) -> Weighted:
    """At least one sample, as the programs want it.

    Raises:
        DataError: the arrays do not fit.
        RunError: the programs do not train.
    """
    engine.require("train")
    data = feeding.samples(engine.bundle, x, y)
    if not len(data):
        raise DataError(f"{what}: expected at least one sample, received none")
    return Weighted(data, feeding.weights(engine.bundle, data.y, sample_weight, class_weight))


def evaluated(
    engine: Engine,
    what: str,
    x: Given | Iterable[Any],
    y: Given | None,
    sample_weight: Given | None = None,
    steps: int | None = None,
) -> Weighted | Pass:
    """What is evaluated: arrays, or without y an iterable of batches, `steps` of them or all.

    Raises:
        DataError: they do not fit.
        RunError: the programs do not train.
    """
    if y is None:
        engine.require("train")
        return feeding.one_pass(engine.bundle, x, steps, what)
    return weighted(engine, what, cast("Given", x), y, sample_weight)


def validation(
    engine: Engine, given: Sequence[Any] | Iterable[Any], steps: int | None
) -> Weighted | Pass:
    """As `evaluated`, of (x, y), (x, y, sample weights), or an iterable of batches of these.

    Raises:
        DataError: they do not fit.
    """
    if not isinstance(given, tuple | list):
        return evaluated(engine, "validation_data", given, None, None, steps)
    parts = cast("Sequence[Any]", given)
    if len(parts) not in {2, 3}:
        raise DataError(
            "validation_data: expected (x, y) or (x, y, sample weights), or an iterable of "
            f"batches, received {len(parts)}"
        )
    return weighted(engine, "validation_data", parts[0], parts[1], *parts[2:])


def predicted(
    predict: Callable[[Any], Outputs], x: Given | Iterable[Any], steps: int | None
) -> Outputs | None:
    """The outputs for all batches of an iterable, x of each if it is (x, ...); None for arrays.

    Raises:
        DataError: there are no batches.
    """
    if not is_stream(x):
        return None
    batches = itertools.islice(cast("Iterable[Any]", x), steps)
    parts = [predict(item[0] if isinstance(item, tuple) else item) for item in batches]
    if not parts:
        raise DataError("predict: expected batches, received an iterable that has none")
    columns = zip(
        *([part] if isinstance(part, np.ndarray) else part for part in parts), strict=True
    )
    found = [np.concatenate(column) for column in columns]
    return found if isinstance(parts[0], list) else found[0]
