"""From what users pass (arrays, lists, mappings) to what a program's inputs want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc.arguments import check_class_weight, check_count
from specc.compiler.bundle import Bundle, TargetInfo
from specc.compiler.objective import Axes
from specc.compiler.program import Port
from specc.data.balance import class_weights
from specc.data.fitting import input_column, target_column
from specc.data.labels import read_parts
from specc.data.lazy import collected
from specc.data.rows import Column, Rows
from specc.data.source import Names, Samples, Taken
from specc.data.targets import fit_inputs, numeric
from specc.errors import DataError
from specc.tensors import Dims, Shape, Sym

Array: TypeAlias = npt.NDArray[Any]
Given: TypeAlias = (
    "npt.ArrayLike | Rows | Sequence[npt.ArrayLike | Rows] | Mapping[str, npt.ArrayLike | Rows]"
)
Feeds: TypeAlias = dict[str, Array]
# NumPy's letters: comparing types takes longer.
_CHARS = {kind: np.dtype(kind).char for kind in ("float32", "int32", "int64")}


def shape_of(dims: Dims) -> Shape:
    """A port's shape as users know it: None for the batch."""
    return tuple(None if isinstance(d, Sym) else d for d in dims)


def listed(given: object, names: Sequence[str], what: str) -> list[Any]:
    """One entry for each name, from a mapping by name, a list in order, or the only one.

    Raises:
        DataError: a name is missing or unknown, or the count differs.
    """
    given = collected(given)
    if isinstance(given, Mapping):
        mapping = cast("Mapping[str, Any]", given)
        missing = [n for n in names if n not in mapping]
        unknown = [n for n in mapping if n not in names]
        if missing or unknown:
            raise DataError(
                f"{what}: expected {', '.join(names)}; missing {missing}, unknown {unknown}"
            )
        return [mapping[n] for n in names]
    if len(names) == 1 and not _is_single(given):
        return [given]
    # A frame has a column for each of several names; Arrow's `columns` are the cells themselves.
    columns = getattr(given, "column_names", getattr(given, "columns", None))
    if columns is not None:
        frame = cast("Any", given)
        missing = [n for n in names if n not in list(columns)]
        if missing:
            raise DataError(
                f"{what}: expected columns {', '.join(names)}; missing {', '.join(missing)}"
            )
        return [frame[n] for n in names]
    entries = list(cast("Sequence[Any]", given))
    if len(entries) != len(names):
        raise DataError(
            f"{what}: expected {len(names)} arrays ({', '.join(names)}), received {len(entries)}"
        )
    return entries


def by_name(what: str, names: Sequence[str], given: Sequence[Any]) -> dict[str, Any]:
    """One entry of a list for each name.

    Raises:
        DataError: there are more or fewer.
    """
    if len(given) != len(names):
        raise DataError(
            f"{what}: expected a list of {len(names)} ({', '.join(names)}), received {len(given)}"
        )
    return dict(zip(names, given, strict=True))


def _is_single(given: object) -> bool:
    """Whether this is a list or tuple of exactly one array, as Keras accepts for one input."""
    if not isinstance(given, (list, tuple)):
        return False
    entries = cast("Sequence[object]", given)
    return len(entries) == 1 and len(getattr(entries[0], "shape", ())) > 0


def shape_given(x: object) -> tuple[int, ...]:
    """The shape of one input as a user gives it."""
    shape = getattr(x, "shape", None)
    return tuple(shape) if shape is not None else np.shape(cast("npt.ArrayLike", x))


def inputs(ports: Sequence[Port], x: Given) -> tuple[Column, ...]:
    """Columns for the model's inputs, checked and typed.

    Raises:
        DataError: they do not fit.
    """
    if len(ports) == 1 and (ready := _ready(x, ports[0])) is not None:
        return (ready,)
    given = listed(x, [p.name for p in ports], "inputs")
    arrays = tuple(_column(a, p) for a, p in zip(given, ports, strict=True))
    same_length(arrays, [p.name for p in ports])
    return arrays


def _column(x: npt.ArrayLike | Rows, port: Port) -> Column:
    ready = _ready(x, port)
    if ready is not None:
        return ready
    return input_column(x, shape_of(port.shape), port.dtype, port.name, port.ids)


def _ready(x: object, port: Port) -> Array | None:
    """The array that goes to an input as it is: samples asked for one by one wait for checks.

    None where any is in doubt; the checks that tell what is wrong come then.
    """
    if type(x) is not np.ndarray:
        return None
    if not x.ndim or x.shape[1:] != port.shape[1:] or _CHARS.get(port.dtype) != x.dtype.char:
        return None
    if not x.size:
        return x
    least = np.minimum.reduce(x, axis=None)
    if port.ids is not None and not 0 <= least <= np.maximum.reduce(x, axis=None) < port.ids:
        return None
    return None if np.isnan(least) else x


def targets(infos: Sequence[TargetInfo], y: Given) -> tuple[Column, ...]:
    """Columns for the targets, class ids as rows where the loss wants rows.

    Raises:
        DataError: they do not fit.
    """
    given = listed(y, [t.output for t in infos], "targets")
    return tuple(
        target_column(a, shape_of(t.port.shape), t.port.dtype, t.output, t.classes)
        for a, t in zip(given, infos, strict=True)
    )


def names_of(bundle: Bundle, learned: Mapping[str, Any] | None = None) -> Names:
    """What a data source may know of a model."""
    ports = bundle.inputs
    return Names(
        tuple(p.name for p in ports),
        tuple(t.output for t in bundle.targets),
        {p.name: shape_of(p.shape) for p in ports},
        {p.name: p.dtype for p in ports},
        learned,
    )


def samples(bundle: Bundle, x: Given, y: Given) -> Samples:
    """Inputs and targets as a program wants them.

    Raises:
        DataError: they do not fit, or have different lengths.
    """
    xs, ys = inputs(bundle.inputs, x), targets(bundle.targets, y)
    names = [*(p.name for p in bundle.inputs), *(t.output for t in bundle.targets)]
    same_length((*xs, *ys), names)
    return Samples(xs, ys)


def same_length(arrays: Sequence[Column], names: Sequence[str]) -> None:
    """Refuse arrays of different numbers of samples.

    Raises:
        DataError: naming two that differ.
    """
    for name, array in zip(names, arrays, strict=True):
        if len(array) != len(arrays[0]):
            raise DataError(
                f"{name}: expected {len(arrays[0])} samples like {names[0]}, received {len(array)}"
            )


def weights(
    bundle: Bundle,
    ys: Sequence[Column],
    sample_weight: Given | None,
    class_weight: Mapping[int, float] | Literal["balanced"] | None,
) -> tuple[Array, ...]:
    """Sample weights of every output, float32; ones where nothing is given.

    Shapes: (n,), or (n, ...) with the axes of the program's input.

    Source: keras/src/trainers/data_adapters (3.15.1): class weights look at the argmax of rows.

    Raises:
        DataError: both kinds are given, or shapes do not fit.
    """
    if sample_weight is not None and class_weight is not None:
        raise DataError("expected sample_weight or class_weight, received both; multiply them")
    if class_weight is not None:
        if len(ys) > 1:
            raise DataError("class_weight: expected a model with one output; use sample_weight")
        return (_by_class(ys[0], class_weight),)
    if sample_weight is None:
        return ones(ys)
    given = _by_output(bundle, sample_weight)
    return tuple(_rows(given[t.output], len(y), t) for t, y in zip(bundle.targets, ys, strict=True))


def _by_output(bundle: Bundle, sample_weight: Given) -> dict[str, Any]:
    """Sample weights of every output; those for one are meant for all."""
    names = [t.output for t in bundle.targets]
    several = isinstance(sample_weight, (list, tuple)) and len(names) > 1
    if several or isinstance(sample_weight, Mapping):
        found = listed(cast("object", sample_weight), names, "sample_weight")
        return dict(zip(names, found, strict=True))
    return dict.fromkeys(names, cast("Any", sample_weight))


def ones(ys: Sequence[Column]) -> tuple[Array, ...]:
    """A weight of 1 for each sample of every output, which takes no memory."""
    return tuple(np.broadcast_to(np.float32(1), (len(y),)) for y in ys)


def weighed(bundle: Bundle, sample_weight: Given | None, *, by_class: bool) -> dict[str, Axes]:
    """Lengths of the axes of sample weights behind the first, by output.

    Without weights, and not `by_class` either: None for outputs to which that makes a difference.

    Raises:
        DataError: weights for an output are missing, for one that is unknown, or no numbers.
    """
    if sample_weight is None:
        return {t.output: () if by_class else None for t in bundle.targets if t.ignores}
    given = _by_output(bundle, sample_weight)
    return {name: _trimmed(each, name).shape[1:] for name, each in given.items()}


def _trimmed(given: npt.ArrayLike, name: str) -> Array:
    """Weights without last axes of length 1: they are spread over what is behind their axes."""
    array = numeric(given, f"sample_weight of {name}")
    while array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def _rows(given: npt.ArrayLike, count: int, target: TargetInfo) -> Array:
    """Sample weights of one output, float32."""
    name = target.output
    array = _trimmed(given, name)
    shape = shape_of(target.weight.shape) if array.ndim > 1 else (None,)
    found = fit_inputs(array, shape, "float32", f"sample_weight of {name}")
    if len(found) != count:
        raise DataError(
            f"sample_weight of {name}: expected {count}, one for each sample, received {len(found)}"
        )
    return np.ascontiguousarray(found)


def _by_class(y: Column, class_weight: Mapping[int, float] | Literal["balanced"]) -> Array:
    check_class_weight(class_weight)
    if y.ndim > 2:  # noqa: PLR2004
        raise DataError(
            f"class_weight: expected one class for each sample, received targets {y.shape}; use"
            " sample_weight"
        )

    def ids(part: Array) -> Array:
        if part.ndim > 1:
            part = part.argmax(axis=-1) if part.shape[-1] != 1 else part[..., 0]
        return np.round(part).astype(np.int64)

    if class_weight == "balanced":
        class_weight = class_weights(np.concatenate([ids(part) for part in read_parts(y)]))
    found = np.empty(len(y), np.float32)
    at = 0
    for part in read_parts(y):
        known, inverse = np.unique(ids(part), return_inverse=True)
        values = np.array([class_weight.get(int(k), 1.0) for k in known], np.float32)
        found[at : at + len(part)] = values[inverse]
        at += len(part)
    return found


def cotangent(port: Port, given: npt.ArrayLike | None, batch: int) -> Array:
    """The cotangent of an output for `batch` samples; None stands for zeros.

    Raises:
        DataError: its shape is not the output's.
    """
    shape = tuple(d if isinstance(d, int) else batch * d.factor for d in port.shape)
    if given is None:
        return np.zeros(shape, np.dtype(port.dtype))
    array = np.asarray(given, np.dtype(port.dtype))
    if array.shape != shape:
        raise DataError(f"{port.name}: expected shape {shape}, received {array.shape}")
    return array


def rows_in_batch(
    bundle: Bundle,
    what: str,
    count: int,
    wanted: int | None = None,
    default: int = 32,
    steps: int | None = None,
) -> int:
    """How many samples a batch has: `wanted`, or the fixed batch size, or the default.

    Args:
        bundle: what runs on the batches.
        what: the samples, for messages.
        count: how many they are.
        wanted: what the caller asks for.
        default: without a fixed batch size.
        steps: most batches that are made.

    Raises:
        DataError: `wanted` is no number of samples, or the inputs have a fixed batch size and it is
            another, or the last batch would be smaller.
    """
    if wanted is not None:
        check_count("batch_size", wanted)
    fixed = bundle.batch
    if fixed is None:
        return default if wanted is None else wanted
    if wanted not in (None, fixed):
        raise DataError(f"batch_size: expected {fixed}, the batch of the inputs, received {wanted}")
    if count % fixed and (steps is None or steps * fixed > count):
        raise DataError(
            f"{what}: expected a number of samples that {fixed}, the batch of the inputs, divides,"
            f" received {count}; leave {count % fixed} out"
        )
    return fixed


def _spread(weight: Array, port: Port) -> Array:
    """Weights of samples, or of positions, for an input of weights: each for all behind it."""
    missing = len(port.shape) - weight.ndim
    if not missing:
        return weight
    shape = (len(weight), *(d for d in port.shape[1:] if isinstance(d, int)))
    return np.broadcast_to(weight.reshape(*weight.shape, *(1,) * missing), shape)


def feeds(bundle: Bundle, batch: Taken, sample_weights: Sequence[Array]) -> Feeds:
    """A batch under the names of a program's inputs.

    Raises:
        DataError: the inputs have a fixed batch size and these are more or fewer samples.
    """
    named: Feeds = {p.name: a for p, a in zip(bundle.inputs, batch.x, strict=True)}
    for info, y, w in zip(bundle.targets, batch.y, sample_weights, strict=True):
        named[info.port.name] = y
        named[info.weight.name] = _spread(w, info.weight)
    if bundle.batch not in (None, len(batch)):
        raise DataError(
            f"expected {bundle.batch} samples, the batch of the inputs, received {len(batch)}"
        )
    return {name: np.ascontiguousarray(array) for name, array in named.items()}
