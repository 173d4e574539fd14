"""scikit-learn's bundled digits: real data that needs no download."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from specc.data.rows import Array
from specc.data.source import Dataset, Names, Samples, Source
from specc.data.split import stratified
from specc.errors import DataError

TEST_SHARE = 0.2
SPLIT_SEED = 0
# Pixels count the set bits of 4 x 4 blocks: 0..16.
BRIGHTEST = 16


class Digits(Source):
    """1,797 handwritten digits of 8 x 8 pixels (Alpaydin, Kaynak, 1998), bundled with scikit-learn.

    Yields x float32 (n, 8, 8, 1) in [0, 1] and y int64 (n,). A fifth of each class is the test
    split, the same in every run.
    """

    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        try:
            # By name: the package has no types, and is not needed for anything else.
            bundled: Any = importlib.import_module("sklearn.datasets").load_digits()
        except ImportError as error:
            raise DataError(
                "dataset digits: expected scikit-learn, which brings the data, found it not "
                "installed; install it with the extra: pip install 'specc[sklearn]'"
            ) from error
        images: Array = bundled.images
        x = (images / BRIGHTEST).astype(np.float32)[..., np.newaxis]
        y: Array = bundled.target.astype(np.int64)
        train, test = stratified(y, TEST_SHARE, SPLIT_SEED)
        whole = Samples((x,), (y,))
        return Dataset(whole.rows(train), whole.rows(test), classes=self.class_names)
