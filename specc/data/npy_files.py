"""NumPy arrays in files of their own, of any size."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import override

from specc.data.location import locate
from specc.data.numpy_format import open_npy
from specc.data.rows import Column
from specc.data.source import Dataset, Names, Samples, Source
from specc.errors import DataError


class Npy(Source):
    """Arrays in .npy files, one sample in a row. Rows are read when a batch wants them.

    Nothing is held in memory but the batches, so that files may be larger than it.
    """

    x: str | list[str]
    """The training inputs: a file in the folder of `--data`, or one for each input."""

    y: str | list[str]
    """The training targets, likewise."""

    test_x: str | list[str] | None = None
    """The test inputs."""

    test_y: str | list[str] | None = None
    """The test targets."""

    validation_x: str | list[str] | None = None
    """The inputs that validate."""

    validation_y: str | list[str] | None = None
    """The targets that validate."""

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        del names
        train = self._split(self.x, self.y, folder, "")
        if train is None:  # pragma: no cover - both are required; for the type checker
            raise DataError("data.npy: expected x and y")
        return Dataset(
            train,
            self._split(self.test_x, self.test_y, folder, "test_"),
            self._split(self.validation_x, self.validation_y, folder, "validation_"),
        )

    def _split(
        self,
        x: str | list[str] | None,
        y: str | list[str] | None,
        folder: Path | None,
        prefix: str,
    ) -> Samples | None:
        if (x is None) != (y is None):
            raise DataError(f"data.npy: expected {prefix}x and {prefix}y together; name both")
        if x is None or y is None:
            return None
        columns: dict[str, tuple[Column, ...]] = {}
        for field, given in (("x", x), ("y", y)):
            files = [given] if isinstance(given, str) else given
            place = f"data.npy.{prefix}{field}"
            columns[field] = tuple(open_npy(locate(name, folder, place)) for name in files)
        lengths = {len(column) for column in (*columns["x"], *columns["y"])}
        if len(lengths) != 1:
            raise DataError(
                f"data.npy: expected as many samples in {prefix}x as in {prefix}y, found "
                f"{sorted(lengths)}"
            )
        return Samples(columns["x"], columns["y"])
