"""Files that a user hands to a trained model: images and arrays as the model's inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specc.data.csv_format import MISSING, read_csv
from specc.data.images import SUFFIXES, frame, read_image
from specc.data.location import check_bytes
from specc.data.numpy_format import Npz, read_npy
from specc.data.rows import Array
from specc.data.targets import fit_inputs
from specc.errors import DataError
from specc.tensors import FLOATS, ITEM_BYTES, DType, Shape, elements, show

TABLES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples read from files.

    Attributes:
        labels: what to call each: the image's path, else its row (with the path of several files).
        arrays: one for each input of the model, `len(labels)` samples each.
    """

    labels: list[str]
    arrays: list[Array]


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    shape: Shape
    dtype: DType

    @property
    def sample(self) -> Shape:
        return self.shape[1:]


def load_inputs(
    paths: Sequence[Path],
    shapes: Sequence[Shape],
    dtypes: Sequence[DType],
    names: Sequence[str] = (),
) -> Rows:
    """Samples from files, in the files' order.

    A folder stands for the pictures in it and below it, sorted. PNG and JPEG: one sample each, as
    `specc.data.images` says; an integer input gets 0..255 instead of [0, 1]. .npy: samples, or one
    sample without batch axis. .npz: an array called as each input; for a model of one input also
    `x`, or the only array. .csv: numbers, one sample in a row, as many columns as the input has
    elements, with or without a header. Arrays keep their values.

    Args:
        paths: at least one; kinds may be mixed. A model of several inputs takes .npz only.
        shapes: of the inputs, batch axis first.
        dtypes: of the inputs.
        names: of the inputs.

    Raises:
        DataError: a file is missing, of another kind, damaged, or does not fit.
    """
    if not paths:
        raise DataError("inputs: expected at least one file: images, .npy, .npz or .csv")
    names = names or [f"input {i}" for i in range(len(shapes))]
    wanted = [_Wanted(*each) for each in zip(names, shapes, dtypes, strict=True)]
    labels: list[str] = []
    columns: list[list[Array]] = [[] for _ in wanted]
    for path in _pictures_of_folders(paths):
        arrays = _read(path, wanted)
        count = len(arrays[0])
        if path.suffix.lower() in SUFFIXES:
            labels.append(str(path))
        else:
            labels += [f"{path}[{i}]" if len(paths) > 1 else str(i) for i in range(count)]
        for column, array in zip(columns, arrays, strict=True):
            _same_sample(path, column, array)
            column.append(array)
        for each in wanted:
            check_bytes(path, elements(each.shape, len(labels)) * ITEM_BYTES[each.dtype], "inputs")
    return Rows(labels, [np.concatenate(column) for column in columns])


def _pictures_of_folders(paths: Sequence[Path]) -> Iterator[Path]:
    """The files; in the place of a folder the pictures in it."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not found:
            raise DataError(f"{path}: expected pictures (PNG or JPEG) in the folder, found none")
        yield from found


def _same_sample(path: Path, before: list[Array], array: Array) -> None:
    if before and before[0].shape[1:] != array.shape[1:]:
        raise DataError(
            f"{path}: expected samples of shape {before[0].shape[1:]} as in the files before, "
            f"found {array.shape[1:]}; run files of one size at a time"
        )


def _read(path: Path, wanted: Sequence[_Wanted]) -> list[Array]:
    """Fitting arrays of one file, one for each input."""
    if not path.is_file():
        raise DataError(f"{path}: expected a file, found none")
    kind = path.suffix.lower()
    if all(each.sample == (1,) for each in wanted) and kind in TABLES and _by_name(wanted):
        return _table(path, kind, wanted)
    if kind == ".npz":
        return _npz(path, wanted)
    if len(wanted) > 1:
        raise DataError(
            f"{path}: expected a .npz file with arrays called "
            f"{', '.join(each.name for each in wanted)}, for the model has {len(wanted)} inputs"
        )
    only = wanted[0]
    place = str(path)
    if kind in SUFFIXES:
        return [_image(path, only)]
    if kind == ".npy":
        return [_fit(read_npy(path), only, place)]
    if kind == ".csv":
        return [_csv(path, only)]
    raise DataError(
        f"{path}: expected .png, .jpg, .jpeg, .npy, .npz or .csv, found {kind or 'none'}"
    )


def _image(path: Path, wanted: _Wanted) -> Array:
    pixels = read_image(path, frame(wanted.shape, wanted.name))[np.newaxis]
    if wanted.dtype not in FLOATS:
        pixels = np.rint(pixels * 255)
    return fit_inputs(pixels, wanted.shape, wanted.dtype, str(path))


def _fit(array: Array, wanted: _Wanted, place: str) -> Array:
    """As `fit_inputs`; a single sample gets its batch axis."""
    if array.ndim == len(wanted.sample) and all(
        want is None or want == have for want, have in zip(wanted.sample, array.shape, strict=True)
    ):
        array = array[np.newaxis]
    return fit_inputs(array, wanted.shape, wanted.dtype, place)


def _npz(path: Path, wanted: Sequence[_Wanted]) -> list[Array]:
    with Npz(path) as file:
        keys = [each.name for each in wanted]
        if len(wanted) == 1 and keys[0] not in file.names:
            keys = ["x"] if "x" in file.names or len(file.names) != 1 else [file.names[0]]
        arrays = [
            _fit(file.read(key), each, f"{path}: array {key!r}")
            for key, each in zip(keys, wanted, strict=True)
        ]
    lengths = {key: len(array) for key, array in zip(keys, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{path}: expected arrays with as many samples each, found {lengths}")
    return arrays


def _by_name(wanted: Sequence[_Wanted]) -> bool:
    """Whether inputs are columns of a table: several, or one of text."""
    return len(wanted) > 1 or wanted[0].dtype == "string"


def _table(path: Path, kind: str, wanted: Sequence[_Wanted]) -> list[Array]:
    """Columns by their names; cells of text as they are, missing numbers as NaN."""
    table = read_csv(path, "\t" if kind == ".tsv" else ",", missing=MISSING)
    arrays: list[Array] = []
    for each in wanted:
        if each.dtype == "string":
            cells: Array = np.array(table.texts(each.name), np.object_)
        else:
            cells = table.values(each.name).astype(each.dtype)
        arrays.append(cells[:, np.newaxis])
    return arrays


def _csv(path: Path, wanted: _Wanted) -> Array:
    table = read_csv(path, header=None)
    open_axes = None in wanted.sample
    sizes = [dim for dim in wanted.sample if dim is not None]
    if not open_axes and len(table.names) != math.prod(sizes):
        raise DataError(
            f"{path}: expected {math.prod(sizes)} columns for an input {show(wanted.shape)}, "
            f"found {len(table.names)}"
        )
    matrix = table.matrix(table.names)
    shaped = matrix if open_axes else matrix.reshape(len(table), *sizes)
    return fit_inputs(shaped, wanted.shape, wanted.dtype, str(path))
