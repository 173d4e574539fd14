"""MNIST, and every dataset published in its four files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from typing_extensions import override

from specc.data.download import cache_folder, fetch
from specc.data.idx_format import read_idx
from specc.data.rows import Array, Index, Rows
from specc.data.source import Dataset, Names, Samples, Source
from specc.errors import DataError

FILES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
SIDE = 28


class MnistFiles(Source):
    """Four IDX files: images and labels, for training and test, plain or gzip.

    Yields x float32 (n, 28, 28, 1) in [0, 1] and y int64 (n,). The files are looked for in the
    folder of `--data`, then in $SPECC_DATA, then in the user's cache (in the folder itself, then
    in its subfolder named after the source); what is nowhere is downloaded into the cache.

    Class attributes:
        mirror: the address that the file names (with .gz) are added to.
        published: bytes and SHA-256 of each packed file; only downloads are held to them.
    """

    abstract: ClassVar[bool] = True
    class_names: ClassVar[tuple[str, ...]] = ()
    mirror: ClassVar[str] = ""
    published: ClassVar[Mapping[str, tuple[int, str]]] = {}

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        paths = self._find(folder)
        return Dataset(
            self._split(paths[0], paths[1]),
            self._split(paths[2], paths[3]),
            classes=self.class_names,
        )

    def _split(self, images: Path, labels: Path) -> Samples:
        x, y = read_idx(images), read_idx(labels)
        if x.dtype != np.uint8 or x.shape[1:] != (SIDE, SIDE):
            raise DataError(
                f"{images}: expected uint8 images (n, {SIDE}, {SIDE}), found {x.dtype} {x.shape}"
            )
        if y.shape != x.shape[:1]:
            raise DataError(
                f"{labels}: expected {len(x)} labels, as many as {images.name} has images, "
                f"found shape {y.shape}"
            )
        if y.size and int(y.max()) >= len(self.class_names):
            raise DataError(
                f"{labels}: expected labels below {len(self.class_names)}, found {int(y.max())} "
                f"at sample {int(y.argmax())}"
            )
        return Samples((Unit(x[..., np.newaxis]),), (y.astype(np.int64),))

    def _find(self, folder: Path | None) -> list[Path]:
        """The four files, in the order of `FILES`, from the first folder that has them all."""
        given = [folder] if folder is not None else []
        environment = os.environ.get("SPECC_DATA")
        if environment:
            given.append(Path(environment))
        places = [place for root in given for place in (root, root / self.key)]
        cache = cache_folder(self.key)
        for place in (*places, cache):
            found = [_variant(place, name) for name in FILES]
            if all(found):
                return [path for path in found if path is not None]
        return self._download(cache, places)

    def _download(self, cache: Path, places: list[Path]) -> list[Path]:
        paths: list[Path] = []
        for name in FILES:
            path = _variant(cache, name)
            if path is None:
                path = cache / f"{name}.gz"
                size, digest = self.published[name]
                try:
                    fetch(f"{self.mirror}{name}.gz", path, digest, size)
                except OSError as error:
                    wanted = ", ".join(f"{each}.gz" for each in FILES)
                    looked = ", ".join(str(place) for place in (*places, cache))
                    raise DataError(
                        f"dataset {self.key}: expected four files, found them in none of {looked}, "
                        f"and the download failed ({error}); put {wanted} (or the same without "
                        f".gz) into {cache}, or name their folder with --data or $SPECC_DATA"
                    ) from error
            paths.append(path)
        return paths


class Unit(Rows):
    """uint8 pixels, as float32 in [0, 1] (value / 255) when they are read.

    Converted at once they would take four times the memory, and half a second before a first step.
    """

    def __init__(self, pixels: Array) -> None:
        self._pixels = pixels
        self.shape, self.dtype = pixels.shape, np.dtype(np.float32)

    @override
    def take(self, rows: Index) -> Array:
        return np.divide(self._pixels[rows], np.float32(255), dtype=np.float32)


def _variant(folder: Path, name: str) -> Path | None:
    """The file as published, unpacked, or with the dot that some archives write before `idx`."""
    dotted = name.replace("-idx", ".idx")
    for each in (f"{name}.gz", name, f"{dotted}.gz", dotted):
        if (folder / each).is_file():
            return folder / each
    return None


class Mnist(MnistFiles):
    """Handwritten digits (LeCun, Cortes, Burges): 60,000 for training, 10,000 for test.

    Source of sizes and checksums: the files as published with the database, also used by
    TensorFlow Datasets and torchvision.
    """

    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")
    mirror: ClassVar[str] = "https://storage.googleapis.com/cvdf-datasets/mnist/"
    published: ClassVar[Mapping[str, tuple[int, str]]] = {
        "train-images-idx3-ubyte": (
            9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "train-labels-idx1-ubyte": (
            28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte": (
            1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte": (
            4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    }  # fmt: skip
