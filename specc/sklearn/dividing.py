"""Which rows of an estimator train, and which validate, by the `data:` section of a spec."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from specc.data.balance import balanced
from specc.data.labels import class_ids
from specc.data.splits import ByColumn, Facts, Group, Parts, Random, Split, Stratified, Time
from specc.errors import DataError
from specc.spec.model import Spec

Array = npt.NDArray[Any]


class Divided(NamedTuple):
    """Samples and targets to train on, and to validate with if some are set aside."""

    x: Array
    y: Array
    validation: tuple[Array, Array] | None = None


def divided(spec: Spec, x: Array, y: Array, groups: object, *, validates: bool) -> Divided:
    """The rows as `split` and `balance` of the data section say.

    Args:
        spec: whose section it is.
        x: samples.
        y: targets: ids of classes, or numbers (n, outputs).
        groups: of `fit`; None where none were given.
        validates: whether the split decides which rows validate, and nothing else does.

    Raises:
        DataError: rows of an array do not tell what the split asks for.
    """
    where = spec.file or spec.name
    split = None if spec.data is None else spec.data.split
    if groups is not None and not (validates and isinstance(split, Group)):
        raise DataError(
            f"fit: expected no groups, which nothing asks for; {where} has to say `split: {{group:"
            " ...}` in `data:`, and nothing else which rows validate"
        )
    parts = _parts(split, Facts(len(y), class_ids(y)), where, groups) if validates else None
    held = None
    if parts is not None and len(parts.validation):
        held = x[parts.validation], y[parts.validation]
        x, y = x[parts.train], y[parts.train]
    if spec.data is not None and spec.data.balance is not None:
        labels = class_ids(y)
        if labels is None:
            raise DataError(
                f"{where}: data.balance: expected one class for each sample, found numbers to"
                " predict; leave it out"
            )
        rows = balanced(labels, over=spec.data.balance == "oversample")
        x, y = x[rows], y[rows]
    return Divided(x, y, held)


def _parts(split: Split | None, facts: Facts, where: str, groups: object) -> Parts | None:
    """Rows that train and validate; None where no split says.

    The share for the test is trained on: the test of an estimator is its user's.
    """
    if isinstance(split, ByColumn):
        raise DataError(
            f"{where}: data.split.column: expected a split that rows of an array can have, found"
            f" the column {split.name!r}; pass validation_fraction, or use specc.Model, which takes"
            " validation_data"
        )
    if not isinstance(split, Random | Stratified | Group | Time) or not split.validation:
        return None
    if isinstance(split, Time):
        raise DataError(
            f"{where}: data.split.time: expected a split that rows of an array can have, found the"
            f" column {split.name!r}; sort the rows by it and pass validation_fraction="
            f"{split.validation:g}: the last rows validate"
        )
    alone = split.model_copy(update={"test": 0.0})
    if not isinstance(split, Group):
        return alone.parts(facts)
    if groups is None:
        raise DataError(
            f"{where}: data.split.group: expected the group of each row, found none; pass"
            f" fit(X, y, groups=...), the values of {split.name!r}, or validation_fraction"
        )
    cells = np.asarray(groups)
    if cells.shape != (facts.count,):
        raise DataError(f"fit: expected groups of shape ({facts.count},), received {cells.shape}")
    return alone.parts(Facts(facts.count, facts.labels, lambda _: cells))
