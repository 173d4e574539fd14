"""Any IDX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from typing_extensions import override

from specc.data.idx_format import read_idx
from specc.data.location import locate
from specc.data.mnist import Unit
from specc.data.source import Dataset, Names, Samples, Source
from specc.errors import DataError


class Idx(Source):
    """IDX files named one by one, plain or gzip, in the folder of `--data`."""

    x: str
    """The training inputs."""

    y: str
    """The training targets."""

    test_x: str | None = None
    """The test inputs."""

    test_y: str | None = None
    """The test targets."""

    unit_range: bool = True
    """Whether uint8 inputs are divided by 255, as `mnist` does."""

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        if (self.test_x is None) != (self.test_y is None):
            raise DataError("data.idx: expected test_x and test_y together; name both, or neither")
        train = self._split(self.x, self.y, folder, "")
        if self.test_x is None or self.test_y is None:
            return Dataset(train)
        return Dataset(train, self._split(self.test_x, self.test_y, folder, "test_"))

    def _split(self, x_name: str, y_name: str, folder: Path | None, prefix: str) -> Samples:
        x = read_idx(locate(x_name, folder, f"data.idx.{prefix}x"))
        y = read_idx(locate(y_name, folder, f"data.idx.{prefix}y"))
        if x.ndim == 0 or x.shape[:1] != y.shape[:1]:
            raise DataError(
                f"data.idx: expected as many samples in {x_name!r} as in {y_name!r}, "
                f"found shapes {x.shape} and {y.shape}"
            )
        inputs = Unit(x) if x.dtype == np.uint8 and self.unit_range else x
        return Samples((inputs,), (y.astype(np.int64) if y.dtype.kind in "iu" else y,))
