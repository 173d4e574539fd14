"""What programs hand to a model to train, validate and predict on: arrays or batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc import feeding
from specc.compiler.bundle import Bundle
from specc.data.stream import (
    BEGIN,
    END,
    Fitted,
    Indexed,
    Pass,
    Peeked,
    Stream,
    is_stream,
    steps_of,
    tell,
)
from specc.errors import DataError, SpecError
from specc.feeding import Given
from specc.fit import Weighted
from specc.versions import Versions

Outputs: TypeAlias = npt.NDArray[Any] | list[npt.NDArray[Any]]


def take_lengths(versions: Versions, x: Given) -> None:
    """Compile for the lengths of x where the spec leaves lengths open.

    Raises:
        DataError: x does not fit the inputs.
    """
    if versions.open:
        given = feeding.listed(x, versions.inputs, "inputs")
        versions.use([feeding.shape_given(each) for each in given])


def _take_axes(versions: Versions, sample_weight: Given | None, *, by_class: bool = False) -> None:
    """Compile for sample weights of positions, or for none, where that makes a difference.

    Raises:
        DataError: a loss or metric has no place for them.
    """
    wanted = feeding.weighed(versions.now.bundle, sample_weight, by_class=by_class)
    try:
        versions.weigh(wanted)
    except SpecError as error:
        told = "; ".join(problem.message for problem in error.problems)
        raise DataError(f"sample_weight: {told}") from None


def begun(
    versions: Versions, what: str, batches: object, *, by_class: bool = False
) -> Iterable[Any]:
    """An iterable of batches, of which the first says the lengths and the weights' axes.

    Raises:
        DataError: there is no batch (x, y).
        RunError: the programs do not train.
    """
    (x, _, *rest), batches = _opened(batches, what)
    take_lengths(versions, x)
    versions.now.engine.require("train")
    _take_axes(versions, rest[0] if rest else None, by_class=by_class)
    return batches


def _opened(batches: object, what: str) -> tuple[Sequence[Any], Iterable[Any]]:
    """(the first batch, the batches): what is read of them is put back."""
    given = Peeked(_iterable(batches, what))
    if given.first is None:
        raise DataError(f"{what}: expected batches (x, y), received an iterable that has none")
    return _batch(given.first, what), given


def _iterable(batches: object, what: str) -> Iterable[Any]:
    batches = Indexed.of(batches)
    if not isinstance(batches, Iterable) or isinstance(batches, np.ndarray | Mapping):
        raise DataError(f"{what}: expected targets y, or an iterable of batches")
    return cast("Iterable[Any]", batches)


def _batch(item: object, what: str) -> Sequence[Any]:
    """(x, y) or (x, y, sample weights)."""
    if not isinstance(item, tuple | list) or len(cast("Sequence[Any]", item)) not in {2, 3}:
        raise DataError(f"{what}: expected an iterable of (x, y) or (x, y, sample weights)")
    return cast("Sequence[Any]", item)


def stream(
    bundle: Bundle,
    batches: object,
    steps: int | None,
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
) -> Stream:
    """Batches (x, y) or (x, y, sample weights) of an iterable, as programs want them.

    Raises:
        DataError: it is no such iterable, or nobody says how many steps an epoch has.
    """
    source = _iterable(batches, "fit")
    return Stream(source, steps_of(source, steps), _fitting(bundle, "fit", class_weight))


def _fitting(
    bundle: Bundle,
    what: str,
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
) -> Callable[[object], Fitted]:
    def fit(item: object) -> Fitted:
        x, y, *given = _batch(item, what)
        found = feeding.samples(bundle, x, y)
        rows = feeding.weights(bundle, found.y, given[0] if given else None, class_weight)
        return found.take(slice(None)), rows

    return fit


def weighted(
    versions: Versions,
    what: str,
    x: Given,
    y: Given,
    sample_weight: Given | None = None,
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
) -> Weighted:
    """At least one sample, as the programs for its lengths and weights want it.

    Raises:
        DataError: the arrays do not fit.
        RunError: the programs do not train.
    """
    take_lengths(versions, x)
    versions.now.engine.require("train")
    _take_axes(versions, sample_weight, by_class=class_weight is not None)
    return _rows(versions.now.bundle, what, x, y, sample_weight, class_weight)


def _rows(
    bundle: Bundle,
    what: str,
    x: Given,
    y: Given,
    sample_weight: Given | None = None,
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
) -> Weighted:
    data = feeding.samples(bundle, x, y)
    if not len(data):
        raise DataError(f"{what}: expected at least one sample, received none")
    return Weighted(data, feeding.weights(bundle, data.y, sample_weight, class_weight))


def evaluated(
    versions: Versions,
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
    if y is not None:
        return weighted(versions, "evaluate", cast("Given", x), y, sample_weight)
    batches = begun(versions, "evaluate", x)
    return Pass(batches, steps, _fitting(versions.now.bundle, "evaluate"))


def validation(
    versions: Versions, given: Sequence[Any] | Iterable[Any], steps: int | None
) -> Weighted | Pass:
    """As `evaluated`, of (x, y), (x, y, sample weights), or an iterable of batches of these.

    They are of the lengths that are trained, and weighted if that is: one engine runs both.

    Raises:
        DataError: they do not fit.
    """
    what = "validation_data"
    if not isinstance(given, tuple | list):
        (_, _, *weights), batches = _opened(given, what)
        if weights:
            _take_axes(versions, weights[0])
        return Pass(batches, steps, _fitting(versions.now.bundle, what))
    parts = cast("Sequence[Any]", given)
    if len(parts) not in {2, 3}:
        raise DataError(
            f"{what}: expected (x, y) or (x, y, sample weights), or an iterable of batches, "
            f"received {len(parts)}"
        )
    if parts[2:]:
        _take_axes(versions, parts[2])
    return _rows(versions.now.bundle, what, parts[0], parts[1], *parts[2:])


def predicted(
    predict: Callable[[Any], Outputs],
    x: Given | Iterable[Any],
    steps: int | None,
    ranks: Sequence[int],
) -> Outputs | None:
    """The outputs for all batches of an iterable, x of each if it is (x, ...); None for arrays.

    Args:
        predict: makes outputs of one batch.
        x: arrays or batches.
        steps: most batches that are taken; all when None.
        ranks: axes of each input, which tell a list [x, y] from one of rows, or of several inputs.

    Raises:
        DataError: there are no batches.
    """
    source = Indexed.of(x)
    if not is_stream(source):
        return None
    batches = itertools.islice(cast("Iterable[Any]", source), steps)
    tell(source, BEGIN)
    parts = [predict(_inputs_of(item, ranks)) for item in batches]
    tell(source, END)
    if not parts:
        raise DataError("predict: expected batches, received an iterable that has none")
    columns = zip(
        *([part] if isinstance(part, np.ndarray) else part for part in parts), strict=True
    )
    found = [np.concatenate(column) for column in columns]
    return found if isinstance(parts[0], list) else found[0]


def _inputs_of(item: Any, ranks: Sequence[int]) -> Any:  # noqa: ANN401 - what users yield
    """x of a batch: x itself, (x, ...), or as PyTorch's loaders make it [x, ...]."""
    if isinstance(item, tuple):
        return cast("tuple[Any, ...]", item)[0]
    if not isinstance(item, list) or not item:
        return cast("Any", item)
    first = cast("list[Any]", item)[0]
    if len(ranks) == 1:
        pair = len(feeding.shape_given(first)) == ranks[0]
    else:
        pair = isinstance(first, tuple | Mapping)
    return cast("Any", first if pair else item)
