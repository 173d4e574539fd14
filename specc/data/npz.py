"""NumPy archives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from typing_extensions import override

from specc.data.location import locate
from specc.data.numpy_format import Npz as NpzFile
from specc.data.rows import Column
from specc.data.source import Dataset, Names, Samples, Source
from specc.errors import DataError, nearest

Keys: TypeAlias = str | list[str] | dict[str, str] | None


class Npz(Source):
    """Arrays of a .npz file: one for each input and output of the model.

    Arrays that are large and not packed are read row by row, so that they may be larger than
    memory.

    One file can hold several splits: beside an array `x` the arrays `x_train`, `x_test` and
    `x_validation` are the splits of it, as in the files that Keras offers for download.
    """

    path: str
    """The file, in the folder of `--data`."""

    x: Keys = None
    """Names of the inputs' arrays: one, a list in the model's order, or a mapping from input to
    array. By default `x` if there is one, else arrays called as the model's inputs."""

    y: Keys = None
    """Names of the targets' arrays, likewise: `y`, or arrays called as the model's outputs."""

    test: str | None = None
    """A file with the test split."""

    validation: str | None = None
    """A file with the validation split."""

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        names = names or Names()
        with NpzFile(locate(self.path, folder, "data.npz.path")) as file:
            train = self._split(file, names, "train", required=True)
            test = self._split(file, names, "test", required=False)
            validation = self._split(file, names, "validation", required=False)
        if self.test is not None:
            with NpzFile(locate(self.test, folder, "data.npz.test")) as file:
                test = self._split(file, names, "test", required=True)
        if self.validation is not None:
            with NpzFile(locate(self.validation, folder, "data.npz.validation")) as file:
                validation = self._split(file, names, "validation", required=True)
        if train is None:  # pragma: no cover - required above; for the type checker
            raise DataError(f"{self.path}: expected a training split")
        return Dataset(train, test, validation)

    def _split(self, file: NpzFile, names: Names, split: str, *, required: bool) -> Samples | None:
        """The samples of a split; None when it is not required and no array is called after it."""
        x = _keys(self.x, "x", names.inputs, file, split)
        y = _keys(self.y, "y", names.outputs, file, split)
        suffixed = [f"{key}_{split}" for key in (*x, *y)]
        if not required and not all(key in file.names for key in suffixed):
            return None
        arrays = [
            file.column(special if special in file.names else key)
            for special, key in zip(suffixed, (*x, *y), strict=True)
        ]
        _same_length(file.path, dict(zip((*x, *y), arrays, strict=True)))
        return Samples(tuple(arrays[: len(x)]), tuple(arrays[len(x) :]))


def _keys(
    wanted: Keys, usual: str, names: Sequence[str], file: NpzFile, split: str
) -> Sequence[str]:
    """Names of arrays, without the split's suffix, in the model's order."""
    if isinstance(wanted, str):
        return (wanted,)
    if isinstance(wanted, list):
        return wanted
    if wanted is not None:
        return _by_name(wanted, usual, names)
    if usual in file.names or f"{usual}_{split}" in file.names or not names:
        return (usual,)
    return names


def _by_name(wanted: Mapping[str, str], field: str, names: Sequence[str]) -> Sequence[str]:
    for name in wanted:
        if names and name not in names:
            what = "an input" if field == "x" else "an output"
            raise DataError(
                f"data.npz.{field}: expected {what}, found {name!r};{nearest(name, names)}"
            )
    for name in names:
        if name not in wanted:
            raise DataError(f"data.npz.{field}: expected an array for {name!r}, found none")
    return [wanted[name] for name in names or wanted]


def _same_length(path: Path, arrays: Mapping[str, Column]) -> None:
    for name, array in arrays.items():
        if array.ndim == 0:
            raise DataError(
                f"{path}: array {name!r}: expected one row for each sample, found one number"
            )
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{path}: expected arrays with as many samples each, found {lengths}")
