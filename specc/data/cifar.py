"""CIFAR: small photographs in the binary version of its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from typing_extensions import override

from specc.data.download import cache_folder
from specc.data.location import check_bytes
from specc.data.preparation import Pixels
from specc.data.rows import Array, Converted, Index, Rows
from specc.data.source import Dataset, Names, Samples, Source
from specc.errors import DataError

SIDE, CHANNELS = 32, 3
BYTES = SIDE * SIDE * CHANNELS


class CifarFiles(Source):
    """Files of records: labels, then 1,024 bytes of red, of green, of blue.

    Yields x float32 (n, 32, 32, 3) in [0, 1] and y int64 (n,). The files are looked for in the
    folder of `--data`, then in $SPECC_DATA, then in the user's cache, in the folder itself and in
    its subfolder named after the source. Nothing is downloaded.
    """

    abstract: ClassVar[bool] = True
    train_files: ClassVar[tuple[str, ...]] = ()
    test_file: ClassVar[str] = ""
    archive: ClassVar[str] = ""
    label_bytes: ClassVar[int] = 1

    def names_of(self, folder: Path) -> tuple[str, ...] | None:
        """Names of the classes."""
        del folder

    def label(self) -> int:
        """Which byte of a record is the class."""
        return 0

    def count(self) -> int:
        """How many classes there are."""
        return 10

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        del names
        place = self._find(folder)
        train = [path for name in self.train_files if (path := place / name).is_file()]
        classes = self.names_of(place)
        return Dataset(self._split(train), self._split([place / self.test_file]), classes=classes)

    def _find(self, folder: Path | None) -> Path:
        roots = [folder] if folder is not None else []
        if os.environ.get("SPECC_DATA"):
            roots.append(Path(os.environ["SPECC_DATA"]))
        places = [place for root in roots for place in (root, root / self.key)]
        places.append(cache_folder(self.key))
        for place in places:
            if (place / self.test_file).is_file() and (place / self.train_files[0]).is_file():
                return place
        raise DataError(
            f"dataset {self.key}: expected {', '.join((*self.train_files, self.test_file))}, found"
            f" them in none of {', '.join(map(str, places))}; unpack {self.archive} (binary"
            " version, www.cs.toronto.edu/~kriz/cifar.html) there, or name their folder with --data"
        )

    def _split(self, paths: list[Path]) -> Samples:
        parts = [self._records(path) for path in paths]
        records = parts[0] if len(parts) == 1 else np.concatenate(parts)
        labels = records[:, self.label()].astype(np.int64)
        if labels.size and int(labels.max()) >= self.count():
            raise DataError(
                f"{paths[0]}: expected labels below {self.count()}, found {int(labels.max())}"
            )
        pixels = Pixels(shape=(SIDE, SIDE, CHANNELS))
        rows = Converted(Planes(records[:, self.label_bytes :]), lambda a, _: pixels.apply([a]))
        return Samples((rows,), (labels,))

    def _records(self, path: Path) -> Array:
        size, record = path.stat().st_size, self.label_bytes + BYTES
        check_bytes(path, size)
        if not size or size % record:
            raise DataError(
                f"{path}: expected records of {record:,} bytes (the binary version), found {size:,}"
            )
        return np.fromfile(path, np.uint8).reshape(-1, record)


class Planes(Rows):
    """Pictures from planes of red, green and blue, channels last."""

    def __init__(self, planes: Array) -> None:
        self._planes = planes
        self.shape, self.dtype = (len(planes), SIDE, SIDE, CHANNELS), planes.dtype

    @override
    def take(self, rows: Index) -> Array:
        return self._planes[rows].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)


class Cifar10(CifarFiles):
    """Ten kinds of things (Krizhevsky, 2009): 50,000 for training in five files, 10,000 for test.

    Training files that are not there are left out; the first must be.
    """

    train_files: ClassVar[tuple[str, ...]] = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
    test_file: ClassVar[str] = "test_batch.bin"
    archive: ClassVar[str] = "cifar-10-binary.tar.gz"

    @override
    def names_of(self, folder: Path) -> tuple[str, ...]:
        return (
            "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
            "truck",
        )  # fmt: skip


class Cifar100(CifarFiles):
    """A hundred kinds of things in twenty groups: 50,000 for training, 10,000 for test."""

    train_files: ClassVar[tuple[str, ...]] = ("train.bin",)
    test_file: ClassVar[str] = "test.bin"
    archive: ClassVar[str] = "cifar-100-binary.tar.gz"
    label_bytes: ClassVar[int] = 2

    labels: Literal["fine", "coarse"] = "fine"
    """Whether the classes are the hundred kinds or the twenty groups."""

    @override
    def names_of(self, folder: Path) -> tuple[str, ...] | None:
        path = folder / f"{self.labels}_label_names.txt"
        if not path.is_file():
            return None
        return tuple(path.read_text(encoding="utf-8").split())

    @override
    def label(self) -> int:
        return 1 if self.labels == "fine" else 0

    @override
    def count(self) -> int:
        return 100 if self.labels == "fine" else 20
