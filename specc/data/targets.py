"""Arrays as a model wants them: shape, element type, class ids as one-hot rows. Or a `DataError`.

Shapes here include the batch axis, None where a length is open: (None, 28, 28, 1).
"""

from __future__ import annotations

import contextlib
import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from specc.data.lazy import collected
from specc.data.rows import Array, Index
from specc.errors import DataError
from specc.tensors import ITEM_BYTES, DType, Shape, show

# One-hot rows beyond this are refused: ids with a sparse loss say the same in a fraction of it.
MAX_ONE_HOT_BYTES = 2 * 2**30


def fit_inputs(
    x: npt.ArrayLike,
    shape: Shape,
    dtype: DType,
    name: str = "x",
    rows: Index | None = None,
    ids: int | None = None,
) -> Array:
    """`x` with the shape and element type of a model's input; values are never scaled.

    A missing last axis of length 1 is added: 28 x 28 images for an input (None, 28, 28, 1).

    Args:
        x: any array-like; uint8 pixels stay 0..255, an input of texts takes texts and bytes.
        shape: of the input, batch axis first.
        dtype: of the input.
        name: what messages call the array.
        rows: the samples' numbers for messages; 0, 1, ... by default.
        ids: how many ids there are, from 0, when they are ids.

    Raises:
        DataError: another shape, values that the element type cannot hold, an id that there is not,
            or NaN.
    """
    if dtype == "string":
        return _with_shape(_texts(x, name, rows), shape, name)
    array = _with_shape(numeric(x, name), shape, name)
    array = _cast(array, dtype, name, rows)
    if ids is not None:
        message = "give the embedding more rows (input_dim), or the data fewer ids"
        _check_ids(array, ids, name, rows, "ids", message)
    return array


def fit_targets(
    y: npt.ArrayLike,
    shape: Shape,
    dtype: DType,
    name: str = "y",
    classes: int | None = None,
    rows: Index | None = None,
) -> Array:
    """`y` with the shape and element type that a loss wants; class ids become one-hot rows.

    Integer arrays without the target's last axis (or with 1 there) are class ids: id k becomes a
    row of the target's last length with 1 at k and 0 elsewhere.

    Args:
        y: any array-like.
        shape: of the target, batch axis first.
        dtype: of the target.
        name: what messages call the array.
        classes: when the target itself is class ids: how many there are.
        rows: the samples' numbers for messages; 0, 1, ... by default.

    Raises:
        DataError: another shape, an id that is not below the number of classes, NaN.
    """
    array = numeric(y, name)
    ids = _as_ids(array, shape)
    if ids is not None:
        return _one_hot(ids, shape, dtype, name, rows)
    _refuse_other_ids(array, shape, name)
    array = _cast(_with_shape(array, shape, name), dtype, name, rows)
    if classes is not None:
        _check_ids(array, classes, name, rows)
    return array


def as_array(value: object) -> Array:
    """NumPy's view of array-likes, frames, series (pandas, polars, Arrow) and tensors (PyTorch).

    Raises:
        DataError: a lazy frame cannot be collected.
    """
    if type(value) is np.ndarray:
        return value
    value = collected(value)
    for step in ("detach", "cpu"):  # a tensor may have a gradient, and lie on another device
        if callable(found := getattr(value, step, None)):
            value = found()
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # NumPy has no such type
        value = cast("Any", value).float()
    if not callable(found := getattr(value, "to_numpy", None)):
        return np.asarray(value)
    try:
        array = np.asarray(found())
    except ValueError:  # an array of Arrow that is not plain numbers
        array = np.asarray(found(zero_copy_only=False))
    if array.dtype == object:
        # Columns of different types, or of pandas' own types, become one array of objects.
        with contextlib.suppress(TypeError, ValueError):
            return array.astype(np.float64)
        if array.ndim == 1 and len(array) and isinstance(array[0], np.ndarray | list):
            # A column of lists, as polars and Arrow have them.
            with contextlib.suppress(TypeError, ValueError):
                return np.stack(cast("list[Array]", array.tolist()))
    return array


def numeric(value: npt.ArrayLike, name: str) -> Array:
    """NumPy's view of numbers, one row for each sample.

    Raises:
        DataError: it is no array of numbers.
    """
    try:
        array = as_array(value)
    except ValueError as error:
        raise DataError(f"{name}: expected an array, received lists of uneven length") from error
    if array.dtype.kind not in "biuf":
        what = "texts" if array.dtype.kind in "US" else str(array.dtype)
        advice = "turn them into numbers, or leave them out"
        raise DataError(f"{name}: expected numbers, received {what} ({_sample(array)}); {advice}")
    if array.ndim == 0:
        raise DataError(f"{name}: expected one row for each sample, received the number {array}")
    return array


def _texts(value: npt.ArrayLike, name: str, rows: Index | None) -> Array:
    """An array of Python texts, as onnxruntime takes them; bytes are read as UTF-8."""
    try:
        array = as_array(value)
    except ValueError as error:
        raise DataError(f"{name}: expected an array, received lists of uneven length") from error
    if array.ndim == 0:
        raise DataError(f"{name}: expected one row for each sample, received a single value")
    found = np.empty(array.size, np.object_)
    for place, cell in enumerate(array.ravel().tolist()):
        try:
            text = cell.decode() if isinstance(cell, bytes) else cell
        except UnicodeDecodeError as error:
            raise DataError(f"{name}: expected texts in UTF-8, {error}") from error
        if not isinstance(text, str):
            sample = place * len(array) // array.size
            number = sample if rows is None else int(rows[sample])
            raise DataError(f"{name}: expected texts, received {text!r} in sample {number}")
        found[place] = text
    return found.reshape(array.shape)


def _sample(array: Array) -> str:
    return f"the first is {array.reshape(-1)[:1].tolist()[0]!r}" if array.size else "empty"


def _fits(found: tuple[int, ...], wanted: Shape) -> bool:
    """Equal lengths behind the batch axis; None fits any."""
    return len(found) == len(wanted) and all(
        want is None or have == want for have, want in zip(found[1:], wanted[1:], strict=True)
    )


def _with_shape(array: Array, shape: Shape, name: str) -> Array:
    """The array itself, with a last axis of length 1 added, or with one removed."""
    if _fits(array.shape, shape):
        return array
    if shape[-1] == 1 and _fits((*array.shape, 1), shape):
        return array[..., np.newaxis]
    if array.ndim > 1 and array.shape[-1] == 1 and _fits(array.shape[:-1], shape):
        return array[..., 0]
    raise DataError(
        f"{name}: expected shape {show(shape)}, received {array.shape}; {_advice(array, shape)}"
    )


def _advice(array: Array, shape: Shape) -> str:
    sample = array.shape[1:]
    if _fits((1, *array.shape), shape):
        return f"the batch axis is missing: pass shape {(1, *array.shape)}"
    if None not in shape[1:]:
        wanted = tuple(dim for dim in shape[1:] if dim is not None)
        if sorted(sample) == sorted(wanted):
            return "the axes stand in another order: transpose the data"
        if math.prod(sample) == math.prod(wanted):
            return "the lengths multiply to the same: reshape the data, or change the input's shape"
    return "change the data, or the shape in the spec"


def _cast(array: Array, dtype: DType, name: str, rows: Index | None = None) -> Array:
    """The same values in another element type. `rows` are the samples' numbers, for messages.

    Raises:
        DataError: a value is NaN or does not survive.
    """
    kind = array.dtype.kind
    # The least of numbers among which one is NaN is NaN: one pass, and no array of bools.
    if kind == "f" and array.size and np.isnan(np.minimum.reduce(array, axis=None)):
        index = _first(np.isnan(array), rows)
        raise DataError(f"{name}: expected numbers, found NaN in sample {index}; clean the data")
    if array.dtype == dtype:
        return array
    target = np.dtype(dtype)
    if target.kind in "iu" and array.size:
        _check_integers(array, target, name, rows)
    with np.errstate(over="ignore"):
        result = array.astype(target)
    if kind == "f" and target.kind == "f" and target.itemsize < array.dtype.itemsize:
        lost = np.isinf(result) & np.isfinite(array)
        if lost.any():
            raise DataError(
                f"{name}: expected values within {dtype}, found {array[lost].flat[0]} in sample "
                f"{_first(lost, rows)}; scale the data"
            )
    return result


def _check_integers(
    array: Array, target: np.dtype[np.generic], name: str, rows: Index | None
) -> None:
    limits = np.iinfo(target.name)
    # `==` with the truncated value also refuses infinities.
    wrong = (array < limits.min) | (array > limits.max) | (array != np.trunc(array))
    if wrong.any():
        raise DataError(
            f"{name}: expected whole numbers from {limits.min} to {limits.max} ({target}), "
            f"found {array[wrong].flat[0]} in sample {_first(wrong, rows)}"
        )


def _first(wrong: npt.NDArray[np.bool_], rows: Index | None) -> int:
    """The number of the first sample with a True."""
    place = int(wrong.reshape(len(wrong), -1).any(axis=1).argmax())
    return place if rows is None else int(rows[place])


def _as_ids(array: Array, shape: Shape) -> Array | None:
    """Class ids, when the array is integers and only lacks the target's last axis."""
    classes = shape[-1]
    if array.dtype.kind not in "biu" or len(shape) == 1 or classes is None or classes == 1:
        return None
    if _fits(array.shape, shape[:-1]):
        return array
    if array.ndim > 1 and array.shape[-1] == 1 and _fits(array.shape[:-1], shape[:-1]):
        return array[..., 0]
    return None


def _refuse_other_ids(array: Array, shape: Shape, name: str) -> None:
    """Say what to do with the two mistakes that every user makes once."""
    if array.dtype.kind == "f" and len(shape) > 1 and shape[-1] != 1:
        if _fits(array.shape, shape[:-1]):
            raise DataError(
                f"{name}: expected targets {show(shape)} or whole-number class ids, received "
                f"{array.dtype} of shape {array.shape}; store class ids as integers"
            )
    elif array.ndim > 1 and array.shape[-1] > 1:
        ids = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
        if _fits(array.shape[:-1], ids) and not _fits(array.shape, shape):
            raise DataError(
                f"{name}: expected one class id for each sample, shape {show(shape)}, received "
                f"rows {array.shape}; for one-hot rows the loss is categorical_crossentropy"
            )


def _check_ids(
    ids: Array,
    classes: int,
    name: str,
    rows: Index | None = None,
    what: str = "class ids",
    advice: str = "count classes from 0, or change the model's last layer",
) -> None:
    if not ids.size:
        return
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= classes:
        wrong = (ids < 0) | (ids >= classes)
        raise DataError(
            f"{name}: expected {what} from 0 to {classes - 1}, found {int(ids[wrong].flat[0])} "
            f"in sample {_first(wrong, rows)}; {advice}"
        )


def _one_hot(ids: Array, shape: Shape, dtype: DType, name: str, rows: Index | None = None) -> Array:
    classes = shape[-1] or 0
    _check_ids(ids, classes, name, rows)
    size = ids.size * classes * ITEM_BYTES[dtype]
    if size > MAX_ONE_HOT_BYTES:
        raise DataError(
            f"{name}: expected one-hot rows of at most {MAX_ONE_HOT_BYTES:,} bytes, {ids.size:,} "
            f"ids of {classes:,} classes need {size:,}; use sparse_categorical_crossentropy"
        )
    hot = np.zeros((ids.size, classes), dtype)
    hot[np.arange(ids.size), ids.reshape(-1).astype(np.int64)] = 1
    return hot.reshape(*ids.shape, classes)
